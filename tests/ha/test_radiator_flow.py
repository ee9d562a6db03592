"""Adding and changing a radiator that is this computer: every path ends in one."""

from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .boinc import boinc_radiator
from .conftest import LIVING_ROOM, home, radiator, state_at

RADIATOR = {"name": "Office", "rated_w": 300, "idle_w": 15}

pytestmark = pytest.mark.usefixtures("engine")


async def subentry_step(hass: HomeAssistant, result: Any, user_input: dict[str, Any]) -> Any:
    """Answer the form that the radiator's flow shows."""
    return await hass.config_entries.subentries.async_configure(result["flow_id"], user_input)


async def start_radiator(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Set the home up and start to add a radiator."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "this_machine"), context={"source": SOURCE_USER}
    )


async def start_change(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Start to change the living room's radiator."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "this_machine"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": LIVING_ROOM},
    )


@pytest.mark.parametrize(
    ("room", "details"),
    [
        ("sensor", {"temperature_entity": "sensor.office"}),
        ("simulated", {"floor_area_m2": 12, "speed": 60}),
    ],
)
async def test_a_radiator_is_added_in_its_area_and_set_up_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, room: str, details: dict[str, Any]
) -> None:
    hass.states.async_set("sensor.office", "18.5", {"unit_of_measurement": "°C"})
    area = ar.async_get(hass).async_create("Office")
    result = await start_radiator(hass, entry)
    result = await subentry_step(hass, result, RADIATOR | {"room": room, "area": area.id})
    assert result["step_id"] == room
    result = await subentry_step(hass, result, details)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()

    assert hass.states.async_entity_ids("climate") == [
        "climate.living_room",
        "climate.office_office",
    ]
    devices = dr.async_entries_for_area(dr.async_get(hass), area.id)
    assert [device.name for device in devices] == ["Office"]


async def test_a_radiator_takes_more_power_at_work_than_at_rest(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await start_radiator(hass, entry)
    wrong = RADIATOR | {"idle_w": 300, "room": "simulated"}
    result = await subentry_step(hass, result, wrong)
    assert result["errors"] == {"idle_w": "idle_not_below_rated"}
    result = await subentry_step(hass, result, wrong | {"idle_w": 15})
    result = await subentry_step(hass, result, {"floor_area_m2": 12, "speed": 1})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_a_radiator_can_be_changed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    result = await start_change(hass, entry)
    assert result["step_id"] == "reconfigure"
    changed = {"name": "Salon", "rated_w": 800, "idle_w": 20, "room": "simulated"}
    result = await subentry_step(hass, result, changed)
    result = await subentry_step(hass, result, {"floor_area_m2": 25, "speed": 2})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    subentry = entry.subentries[LIVING_ROOM]
    assert subentry.title == "Salon"
    assert subentry.data["rated_w"] == 800
    assert subentry.data["floor_area_m2"] == 25


async def test_a_radiator_gets_a_schedule_and_loses_it_again(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    changed = {"name": "Salon", "rated_w": 500, "idle_w": 20, "room": "simulated"}
    for schedule in ({"schedule_entity": "schedule.day"}, {}):
        result = await start_change(hass, entry)
        if not schedule:
            with pytest.raises(InvalidData):
                await subentry_step(hass, result, changed | {"schedule_entity": "sensor.day"})
        result = await subentry_step(hass, result, changed | schedule)
        await subentry_step(hass, result, {"floor_area_m2": 25, "speed": 2})
        await hass.async_block_till_done()
        state = state_at(hass, "climate.living_room")
        assert ("schedule" in state.attributes["preset_modes"]) == bool(schedule)
        assert ("schedule_entity" in entry.subentries[LIVING_ROOM].data) == bool(schedule)


async def test_a_removed_radiator_takes_its_device_with_it(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    hass.config_entries.async_remove_subentry(entry, LIVING_ROOM)
    await hass.async_block_till_done()
    assert hass.states.get("climate.living_room") is None
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert [device.name for device in devices] == ["Home"]


@pytest.mark.parametrize("unit", ["%", None])
async def test_only_a_temperature_sensor_tells_the_rooms_temperature(
    hass: HomeAssistant, entry: MockConfigEntry, unit: str | None
) -> None:
    hass.states.async_set("sensor.office", "40", {"unit_of_measurement": unit})
    result = await start_radiator(hass, entry)
    result = await subentry_step(hass, result, RADIATOR | {"room": "sensor"})
    for entity in ("sensor.office", "sensor.nowhere"):
        result = await subentry_step(hass, result, {"temperature_entity": entity})
        assert result["errors"] == {"temperature_entity": "no_temperature"}
    own = {"temperature_entity": "sensor.living_room_outdoor_temperature"}
    result = await subentry_step(hass, result, own)
    assert result["errors"] == {"temperature_entity": "own_entity"}
    hass.states.async_set("sensor.office", "68", {"unit_of_measurement": "°F"})
    result = await subentry_step(hass, result, {"temperature_entity": "sensor.office"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


@pytest.mark.parametrize("name", ["", "   ", "x" * 65])
async def test_a_radiator_has_a_name(
    hass: HomeAssistant, entry: MockConfigEntry, name: str
) -> None:
    result = await start_radiator(hass, entry)
    result = await subentry_step(hass, result, RADIATOR | {"room": "simulated", "name": name})
    assert result["errors"] == {"name": "bad_name"}
    result = await subentry_step(hass, result, RADIATOR | {"room": "simulated"})
    assert result["step_id"] == "simulated"


@pytest.mark.parametrize(
    ("radiators", "suggested"),
    [
        ((), None),
        ((boinc_radiator(1),), None),
        ((radiator(),), {"suggested_value": 0}),
    ],
    ids=["no radiator", "boinc", "this machine"],
)
async def test_a_computer_rests_only_once_in_whichever_home(
    hass: HomeAssistant, radiators: tuple[ConfigSubentry, ...], suggested: object
) -> None:
    one, other = home(*radiators), home(entry_id="01JOTHER")
    one.add_to_hass(hass)
    other.add_to_hass(hass)
    for entry in (other, one):
        result = await hass.config_entries.subentries.async_init(
            (entry.entry_id, "this_machine"), context={"source": SOURCE_USER}
        )
        assert result["data_schema"]
        fields = {str(key): key.description for key in result["data_schema"].schema}
        assert fields["idle_w"] == suggested
