"""A home with everything real behind it: set up, reload, unload, removal, damage."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.compute.engine import HeatKind

from .conftest import LIVING_ROOM, FixedEngine

BOOKS = "qheat.01JHOME"


def children() -> set[int]:
    """Return the process ids of all that this process has started and is still there."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text("ascii").split()}


def kept(own_folder: Path) -> set[str]:
    """Return the names of all files that a home keeps."""
    return {path.name for path in own_folder.glob("qheat*")}


@pytest.fixture
def before(own_folder: Path, socket_enabled: None) -> set[int]:
    """Return the processes from before the home is set up."""
    return children()


async def until_heating(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Turn the thermostat up and wait for a paid job to run."""
    await hass.services.async_call(
        "climate",
        "set_temperature",
        {"entity_id": "climate.living_room", "temperature": 30, "hvac_mode": "heat"},
        blocking=True,
    )
    async with asyncio.timeout(60):
        while entry.runtime_data.data.radiators[LIVING_ROOM].engine.heat_kind is not HeatKind.PAID:
            await asyncio.sleep(0.2)
            await entry.runtime_data.async_refresh()


async def test_a_setpoint_starts_real_jobs_and_unloading_ends_them(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until_heating(hass, entry)
    assert children() > before
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert children() == before


async def test_stopping_home_assistant_ends_all_jobs(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until_heating(hass, entry)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    assert children() == before


async def test_reloading_keeps_one_runner(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    running = len(children())
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert len(children()) == running
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_removing_a_home_leaves_no_file_behind(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    before: set[int],
    own_folder: Path,
    hass_storage: dict[str, Any],
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert BOOKS in hass_storage
    assert f"{BOOKS}.sqlite" in kept(own_folder)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert BOOKS not in hass_storage
    assert not kept(own_folder)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "books",
    [{"ledger": {"version": 99}}, {"ledger": []}, {"radiators": {}}, {"ledger": {"accounts": 7}}],
)
async def test_damaged_books_are_left_untouched_and_reported(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any], books: Any
) -> None:
    hass_storage[BOOKS] = {"version": 1, "minor_version": 1, "key": BOOKS, "data": books}
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "books_damaged"
    assert hass_storage[BOOKS]["data"] == books


async def test_a_home_without_radiators_is_set_up(hass: HomeAssistant, engine: FixedEngine) -> None:
    entry = MockConfigEntry(
        domain="qheat",
        title="Empty",
        data={"backend": "embedded", "currency": "EUR"},
        options={"electricity_price": 0.2, "reference_price": 0.1, "reference_efficiency": 0.9},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    state = hass.states.get("sensor.empty_heat_output")
    assert state is not None
    assert float(state.state) == 0
