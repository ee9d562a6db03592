"""Radiators in the real energy dashboard: added once, valid, removed without a trace."""

from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from .conftest import FixedEngine, radiator, set_up

HOUR = timedelta(hours=1)
FRIDGE: Any = {"stat_consumption": "sensor.fridge_energy"}
LIVING_ROOM: Any = {
    "stat_consumption": "sensor.living_room_heat",
    "stat_rate": "sensor.living_room_heat_output",
    "name": "Living room",
}


@pytest.fixture
async def dashboard(recorder_mock: Any, hass: HomeAssistant) -> None:
    """Set up the real energy component."""
    assert await async_setup_component(hass, "energy", {})
    await hass.async_block_till_done()


async def act(hass: HomeAssistant, action: str, context: Context | None = None) -> None:
    """Call an action for the only home."""
    await hass.services.async_call(
        "qheat", f"{action}_energy_dashboard", {}, blocking=True, context=context
    )


async def devices(hass: HomeAssistant) -> list[Any]:
    """Return the individual devices of the dashboard."""
    data = (await async_get_manager(hass)).data
    return [] if data is None else list(data["device_consumption"])


@pytest.mark.usefixtures("dashboard")
async def test_the_dashboard_finds_nothing_wrong_with_a_radiator(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to(dt_util.utcnow().replace(minute=0, second=0, microsecond=0) + HOUR)
    start = dt_util.utcnow()
    assert await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(10):
        freezer.tick(30)
        await entry.runtime_data.async_refresh()
    await async_wait_recording_done(hass)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)
    await act(hass, "add_to")
    assert await devices(hass) == [LIVING_ROOM]
    found = (await async_validate(hass)).as_dict()
    assert found["device_consumption"] == [[]]


@pytest.mark.usefixtures("dashboard", "engine")
async def test_radiators_come_beside_what_is_there_and_go_without_it(hass: HomeAssistant) -> None:
    await set_up(hass, radiator(), radiator("01JOFFICE", "Office"))
    manager = await async_get_manager(hass)
    grid = manager.default_preferences()["energy_sources"]
    await manager.async_update({"energy_sources": grid, "device_consumption": [FRIDGE]})
    await act(hass, "add_to")
    await act(hass, "add_to")
    assert [device["stat_consumption"] for device in await devices(hass)] == [
        "sensor.fridge_energy",
        "sensor.living_room_heat",
        "sensor.office_heat",
    ]
    await act(hass, "remove_from")
    assert await devices(hass) == [FRIDGE]


@pytest.mark.usefixtures("dashboard", "engine")
async def test_what_is_disabled_is_not_put_on_the_dashboard_and_is_taken_out_all_the_same(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    registry, user = er.async_get(hass), er.RegistryEntryDisabler.USER
    registry.async_update_entity(LIVING_ROOM["stat_rate"], disabled_by=user)
    await act(hass, "add_to")
    assert [device.get("stat_rate") for device in await devices(hass)] == [None]
    registry.async_update_entity(LIVING_ROOM["stat_consumption"], disabled_by=user)
    await act(hass, "remove_from")
    assert await devices(hass) == []
    await act(hass, "add_to")
    assert await devices(hass) == []


@pytest.mark.usefixtures("dashboard", "engine")
async def test_only_an_administrator_changes_the_dashboard(
    hass: HomeAssistant, entry: MockConfigEntry, hass_read_only_user: User
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    with pytest.raises(Unauthorized):
        await act(hass, "add_to", Context(user_id=hass_read_only_user.id))
    assert await devices(hass) == []


@pytest.mark.usefixtures("engine")
async def test_without_the_energy_component_the_action_says_so(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    with pytest.raises(ServiceValidationError) as raised:
        await act(hass, "add_to")
    assert raised.value.translation_key == "energy_missing"
