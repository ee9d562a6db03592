"""A small stand-in for Home Assistant that renews a budget until it is killed.

home.py PORT PROJECT_URL
"""

import asyncio
import sys
import time
from typing import Final

from custom_components.qheat.compute.boinc import BoincEngine
from custom_components.qheat.compute.engine import HeatBudget, PowerModel

from .project import ACCOUNT_KEY
from .real_client import CORES, PASSWORD

LEASE_S: Final = 20.0


async def heat(port: int, url: str) -> None:
    """Heat with all cores for ever."""
    model = PowerModel(idle_w=20.0, rated_w=60.0, slots=CORES)
    engine = BoincEngine("127.0.0.1", port, PASSWORD, radiator_id="hall", model=model)
    await engine.start()
    while engine.details() is None:
        await asyncio.sleep(0.2)
    await engine.attach(url, ACCOUNT_KEY)
    while True:
        engine.set_budget(HeatBudget(power_w=100.0, expires_s=time.monotonic() + LEASE_S))
        await asyncio.sleep(LEASE_S / 4)


if __name__ == "__main__":
    asyncio.run(heat(int(sys.argv[1]), sys.argv[2]))
