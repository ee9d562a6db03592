"""A whole Home Assistant as a home, set up through its own pages."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.demo_home.api import Api
from scripts.demo_home.folder import HOST, password, prepare
from scripts.demo_home.process import HassProcess, free_port

START_S = 300.0

# In a room this cold there is frost: the radiator gives all it can, whatever else wants the CPU.
COLD = """
template:
  - sensor:
      - name: Cold
        unit_of_measurement: "°C"
        device_class: temperature
        state: "3"
"""


class HassHome:
    """Home Assistant in a process that may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self._hass = HassProcess(folder)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._hass.pid

    async def start(self) -> None:
        """Start it; do not wait until it answers."""
        prepare(self.folder, self._port, fresh=False)
        with (self.folder / "configuration.yaml").open("a") as file:
            file.write(COLD)
        await self._hass.start()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._hass.kill()

    async def stop(self) -> None:
        """End it as its user would."""
        await self._hass.stop()

    async def set_up(self, url: str, token: str, publisher: str) -> None:
        """Add the home and a radiator in a cold room."""
        async with Api(f"http://{HOST}:{self._port}") as api:
            await self._sign_in(api)
            entry = await api.walk(
                "flow",
                "qheat",
                {
                    "user": {"name": "Home", "backend": "operator"},
                    "operator": {"url": url, "token": token},
                    "publishers": {"publishers": [publisher]},
                    "money": {},
                },
            )
            self.entry_id = str(entry["entry_id"])
            radiator = {"name": "Hall", "rated_w": 220, "idle_w": 20, "room": "sensor"}
            sensor = {"temperature_entity": "sensor.cold"}
            await api.walk(
                "subentries/flow",
                [self.entry_id, "this_machine"],
                {"user": radiator, "sensor": sensor},
            )

    async def settlement_ids(self) -> list[str]:
        """Return the ids in the statement of these days, each as often as it is there."""
        today = datetime.now(UTC).date()
        span = {
            "first_day": str(today - timedelta(days=1)),
            "last_day": str(today + timedelta(days=1)),
            "format": "json",
        }
        async with Api(f"http://{HOST}:{self._port}") as api:
            await self._sign_in(api)
            answer = await api.post("/api/services/qheat/export_statement?return_response", span)
        rows = json.loads(answer["service_response"]["statement"])["statement"]["rows"]
        return [settlement_id for row in rows for settlement_id in row["settlement_ids"]]

    async def _sign_in(self, api: Api) -> None:
        async with asyncio.timeout(START_S):
            await api.wait_until_it_answers()
            await api.sign_in(password(self.folder))
            await api.wait_until_it_runs()
