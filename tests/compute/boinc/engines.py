"""Engines for a simulated client, as a radiator has them one after the other."""

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from custom_components.qheat.compute.boinc import BoincEngine, BoincOptions
from custom_components.qheat.compute.engine import HeatBudget
from tests.waiting import until

from .simulated import PASSWORD, URL, SimulatedClient
from .watched import MODEL

OWN: Final = "<global_preferences><max_ncpus_pct>75</max_ncpus_pct></global_preferences>"


class Radiator:
    """Makes engines for one client and keeps what they save."""

    def __init__(self, client: SimulatedClient) -> None:
        self.client = client
        self.saved: Mapping[str, object] = {}
        self.engines: list[BoincEngine] = []

    async def save(self, state: Mapping[str, object]) -> None:
        self.saved = json.loads(json.dumps(state))

    def engine(
        self, password: str = PASSWORD, *, meter: str | None = None, **more: Any
    ) -> BoincEngine:
        made = BoincEngine(
            "127.0.0.1",
            self.client.port,
            password,
            radiator_id="hall",
            model=MODEL,
            options=BoincOptions(look_every_s=0.2, rates={URL: Decimal("0.5")}, meter=meter),
            saved=self.saved,
            save=self.save,
            **more,
        )
        self.engines.append(made)
        return made

    async def seen(self, **changes: Any) -> BoincEngine:
        """Return an engine that has looked at the client."""
        made = self.engine(**changes)
        await made.start()
        await until(made.details)
        return made

    async def heating(self, **changes: Any) -> BoincEngine:
        """Return an engine that heats with all cores."""
        made = await self.seen(**changes)
        heat(made)
        await until(lambda: made.status().jobs_running == 4)
        return made


def heat(running: BoincEngine, power_w: float = 60.0, lease_s: float = 30.0) -> None:
    running.set_budget(HeatBudget(power_w=power_w, expires_s=time.monotonic() + lease_s))
