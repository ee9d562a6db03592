"""This machine's slots: one pool, however many homes are set up on it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .compute.machine import Machine
from .const import DOMAIN


class _Share:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        # One core is left to Home Assistant and to whatever else the machine is for.
        self.machine = Machine(max(1, (os.process_cpu_count() or 1) - 1))
        self.homes = 0


SHARE: Final = HassKey[_Share](f"{DOMAIN}_machine")


@asynccontextmanager
async def async_shared_machine(hass: HomeAssistant) -> AsyncIterator[Machine]:
    """Lend the machine; the first home starts it, the last one stops it.

    Raises EngineError where no jobs can run on this machine.
    """
    share = hass.data.setdefault(SHARE, _Share())
    async with share.lock:
        if share.homes == 0:
            await share.machine.start()
        share.homes += 1
    try:
        yield share.machine
    finally:
        async with share.lock:
            share.homes -= 1
            if share.homes == 0:
                await share.machine.stop()
