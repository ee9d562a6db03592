"""A home whose radiators are simulated BOINC clients, reached over real sockets."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import PASSWORD, SimulatedClient, cpid_of

HALL = "01JHALL0000000000000000000"
SIMULATED_ROOM = {"floor_area_m2": 12, "speed": 60}
LEFT_BEHIND = f"{DOMAIN}.left_behind"
FIRST = "<global_preferences><max_ncpus_pct>75</max_ncpus_pct></global_preferences>"
"""Preferences of a user's own."""
SECOND = "<global_preferences><max_ncpus_pct>50</max_ncpus_pct></global_preferences>"


@contextmanager
def hurried() -> Generator[None]:
    """Have radiators wait neither for each other nor long between two changes."""
    boinc = "custom_components.qheat.compute.boinc"
    with (
        patch(f"{boinc}.engine.SPREAD_S", 0),
        patch(f"{boinc}.control.BETWEEN_CHANGES_S", 0.2),
        patch(f"{boinc}.handover.PAUSED_S", 0),
    ):
        yield


def boinc_data(port: int, **changes: Any) -> dict[str, Any]:
    """Return the settings of a BOINC machine in a simulated room."""
    return {
        "host": "127.0.0.1",
        "port": port,
        "password": PASSWORD,
        "rated_w": 100,
        "idle_w": 20,
        "gpu_w": 0,
        "cores": 4,
        "machine": cpid_of(port),
        "room": "simulated",
        "floor_area_m2": 18,
        "speed": 1,
        **changes,
    }


def boinc_radiator(
    port: int, subentry_id: str = HALL, title: str = "Hall", **changes: Any
) -> ConfigSubentry:
    """Return a BOINC machine as a radiator."""
    return ConfigSubentry(
        data=MappingProxyType(boinc_data(port, **changes)),
        subentry_id=subentry_id,
        subentry_type="boinc",
        title=title,
        unique_id=None,
    )


def machine(port: int, **changes: Any) -> dict[str, Any]:
    """Return what a person fills in."""
    return {
        "name": "Cellar",
        "host": "127.0.0.1",
        "port": port,
        "password": PASSWORD,
        "rated_w": 300,
        "idle_w": 40,
        "gpu_w": 0,
        "room": "simulated",
        **changes,
    }


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Begin to add a machine."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "boinc"), context={"source": SOURCE_USER}
    )


async def change(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Begin to change the machine in the hall."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "boinc"), context={"source": SOURCE_RECONFIGURE, "subentry_id": HALL}
    )


async def answer(hass: HomeAssistant, result: Any, user_input: dict[str, Any]) -> Any:
    """Answer the form that the flow shows."""
    return await hass.config_entries.subentries.async_configure(result["flow_id"], user_input)


async def until(
    hass: HomeAssistant, entry: MockConfigEntry, look: Callable[[], object], patience_s: float = 60
) -> None:
    """Tick until `look` sees what is waited for."""
    async with asyncio.timeout(patience_s):
        while not look():
            await asyncio.sleep(0.1)
            await entry.runtime_data.async_refresh()
            await hass.async_block_till_done()


async def until_reached(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Tick until all BOINC machines of the home have been looked at."""

    def are_reached() -> bool:
        home = entry.runtime_data
        return all(
            home.data.radiators[key].engine.reachable and home.boinc.details(key)
            for key in home.boinc
        )

    await until(hass, entry, are_reached)


async def heat(hass: HomeAssistant, temperature: float = 30) -> None:
    """Turn the thermostat in the hall up."""
    await hass.services.async_call(
        "climate",
        "set_temperature",
        {"entity_id": "climate.hall", "temperature": temperature, "hvac_mode": "heat"},
        blocking=True,
    )


async def until_it_runs(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    """Have the machine burn."""
    await until_reached(hass, entry)
    await heat(hass)
    await until(hass, entry, lambda: client.running == 4)


def sensor_of(hass: HomeAssistant, key: str, radiator_id: str = HALL) -> State:
    """Return a radiator's sensor as it is shown."""
    unique_id = f"{radiator_id}_{key}"
    entity_id = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)
    assert entity_id is not None, key
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state


def state_of(hass: HomeAssistant, key: str, radiator_id: str = HALL) -> str:
    """Return the state of a radiator's sensor."""
    return sensor_of(hass, key, radiator_id).state


def device_of(hass: HomeAssistant, key: str) -> str:
    """Return the device id of a radiator, or of the home by its entry's id."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), "01JHOME")
    return next(device.id for device in devices if (DOMAIN, key) in device.identifiers)


class Repairs:
    """Repairs as a person opens and submits them."""

    def __init__(self, hass_client: ClientSessionGenerator) -> None:
        self._hass_client = hass_client

    async def open(self, issue_id: str) -> Any:
        """Open a repair; return its form."""
        return await self._post("", {"handler": DOMAIN, "issue_id": issue_id})

    async def submit(self, form: Any, **answers: str) -> Any:
        """Submit a form; return what comes of it."""
        return await self._post(f"/{form['flow_id']}", answers)

    async def _post(self, path: str, data: dict[str, str]) -> Any:
        http = await self._hass_client()
        return await (await http.post(f"/api/repairs/issues/fix{path}", json=data)).json()


def not_put_back(hass: HomeAssistant) -> list[str]:
    """Return the repairs of removed radiators."""
    return [
        issue_id for _, issue_id in ir.async_get(hass).issues if issue_id.startswith("not_put_back")
    ]


async def mend(hass: HomeAssistant, repairs: Repairs) -> None:
    """Submit the only repair."""
    assert (await submitted(hass, repairs))["type"] == "create_entry"
    assert not not_put_back(hass)


async def submitted(hass: HomeAssistant, repairs: Repairs) -> Any:
    """Return what comes of the only repair when it is submitted."""
    form = await repairs.open(*not_put_back(hass))
    # Blanks are easily copied along.
    return await repairs.submit(form, host=" 127.0.0.1", password=f"{PASSWORD}\n")


def left_on_disk(hass_storage: dict[str, Any]) -> dict[str, Any]:
    """Return what is written down of machines left behind."""
    data: dict[str, Any] = hass_storage.get(LEFT_BEHIND, {}).get("data", {})
    return data
