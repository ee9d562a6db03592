"""Settings that change while a home runs, also while it is being set up."""

import asyncio
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import voluptuous as vol
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import EntitySelector
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import qheat
from custom_components.qheat import forms
from custom_components.qheat.compute.engine import EngineProblem
from custom_components.qheat.const import DOMAIN
from custom_components.qheat.renames import ENTITY_SETTING
from tests.waiting import until

from .boinc import HALL, boinc_radiator
from .conftest import LIVING_ROOM, MONEY, FixedEngine, load, radiator, set_up, state_at

KITCHEN = "01JKITCHEN000000000000000"
BEDROOM = "01JBEDROOM000000000000000"

pytestmark = pytest.mark.usefixtures("engine")


async def until_set_up_anew(entry: MockConfigEntry) -> None:
    """Wait for the middle of a reload, when nothing of the home is there yet."""
    begun = asyncio.Event()
    entry.async_on_state_change(
        lambda: begun.set() if entry.state is ConfigEntryState.SETUP_IN_PROGRESS else None
    )
    await begun.wait()
    assert entry.state is ConfigEntryState.SETUP_IN_PROGRESS


@pytest.mark.parametrize("later_s", [0.0, 0.002, 0.01])
async def test_a_radiator_removed_while_its_home_is_set_up_heats_no_more(
    hass: HomeAssistant, later_s: float
) -> None:
    entry = await set_up(
        hass, radiator(), radiator(KITCHEN, "Kitchen"), radiator(BEDROOM, "Bedroom")
    )
    hass.config_entries.async_remove_subentry(entry, KITCHEN)
    await until_set_up_anew(entry)
    await asyncio.sleep(later_s)
    hass.config_entries.async_remove_subentry(entry, BEDROOM)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert list(entry.runtime_data.radiators) == [LIVING_ROOM]


@pytest.mark.parametrize("turn", range(1, 8))
async def test_a_radiator_removed_at_any_turn_of_its_homes_set_up_is_no_error(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, turn: int
) -> None:
    turns = 0

    async def remove(_: HomeAssistant) -> None:
        nonlocal turns
        turns += 1
        if turns == turn:
            hass.config_entries.async_remove_subentry(entry, BEDROOM)

    entry = await set_up(hass, radiator())
    with patch("custom_components.qheat.home.async_next_turn", remove):
        hass.config_entries.async_add_subentry(entry, radiator(BEDROOM, "Bedroom"))
        await hass.async_block_till_done()
    assert turns > turn
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert list(entry.runtime_data.radiators) == [LIVING_ROOM]


@pytest.mark.parametrize("turn", range(1, 5))
async def test_this_computer_may_join_boinc_machines_at_any_turn_of_their_homes_set_up(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, turn: int
) -> None:
    turns = 0

    async def add(_: HomeAssistant) -> None:
        nonlocal turns
        turns += 1
        if turns == turn:
            hass.config_entries.async_add_subentry(entry, radiator())

    entry = await set_up(hass, boinc_radiator(1))
    with patch("custom_components.qheat.home.async_next_turn", add):
        hass.config_entries.async_update_entry(entry, options=entry.options | {"comfort": 21.0})
        await hass.async_block_till_done()
    assert "Error setting up" not in caplog.text
    assert list(entry.runtime_data.radiators) == [HALL, LIVING_ROOM]


@pytest.mark.parametrize("platform", ["climate", "sensor"])
@pytest.mark.parametrize("kitchen", [radiator(KITCHEN, "Kitchen"), boinc_radiator(1, KITCHEN)])
async def test_a_radiator_removed_while_entities_are_added_takes_none_of_the_others_with_it(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    kitchen: ConfigSubentry,
    platform: str,
) -> None:
    async def remove(_: HomeAssistant) -> None:
        if KITCHEN in entry.subentries:
            hass.config_entries.async_remove_subentry(entry, KITCHEN)

    with patch.object(qheat, "PLATFORMS", [platform]):
        entry = await set_up(hass, radiator(), kitchen, radiator(BEDROOM, "Bedroom"))
        with patch("custom_components.qheat.entity.async_next_turn", remove):
            await hass.config_entries.async_reload(entry.entry_id)
            await hass.async_block_till_done()
    assert "Error while setting up" not in caplog.text
    assert list(entry.runtime_data.radiators) == [LIVING_ROOM, BEDROOM]


async def test_a_radiator_that_is_about_to_go_is_still_looked_at(
    hass: HomeAssistant, engine: FixedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await set_up(hass, radiator(), radiator(KITCHEN, "Kitchen"))
    engine.tell(problem=EngineProblem.PUBLISHER_NOT_ACCEPTED)
    hass.config_entries.async_remove_subentry(entry, KITCHEN)
    # As at the end of a tick that was under way.
    entry.runtime_data.async_update_listeners()
    assert "Unexpected error" not in caplog.text
    await hass.async_block_till_done()
    assert list(entry.runtime_data.radiators) == [LIVING_ROOM]


async def test_an_entity_renamed_while_its_home_is_set_up_is_read_on_and_others_left_alone(
    hass: HomeAssistant,
) -> None:
    registry = er.async_get(hass)
    room, garden, other = (
        registry.async_get_or_create("sensor", "test", name, suggested_object_id=name).entity_id
        for name in ("room", "garden", "other")
    )
    entry = await set_up(
        hass,
        radiator(room="sensor", temperature_entity=room),
        options=MONEY | {"outdoor_entity": garden},
    )
    registry.async_update_entity(garden, new_entity_id="sensor.yard")
    await until_set_up_anew(entry)
    registry.async_update_entity(room, new_entity_id="sensor.hall")
    registry.async_update_entity(other, new_entity_id="sensor.another")
    registry.async_update_entity("sensor.hall", name="Another")
    await hass.async_block_till_done()
    assert entry.options == MONEY | {"outdoor_entity": "sensor.yard"}
    assert entry.subentries[LIVING_ROOM].data["temperature_entity"] == "sensor.hall"


async def test_an_entity_renamed_while_its_home_is_disabled_is_read_on(hass: HomeAssistant) -> None:
    registry = er.async_get(hass)
    room = registry.async_get_or_create("sensor", "test", "room").entity_id
    entry = await set_up(hass, radiator(room="sensor", temperature_entity=room))
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    registry.async_update_entity(room, new_entity_id="sensor.hall")
    await hass.async_block_till_done()
    assert entry.subentries[LIVING_ROOM].data["temperature_entity"] == "sensor.hall"


def test_the_setting_that_is_an_entity_is_called_so_on_every_form() -> None:
    """By that its id is found when it is renamed."""
    fixed = [form for form in vars(forms).values() if isinstance(form, vol.Schema)]
    schemas = (*fixed, *forms.ROOMS.values(), forms.money("EUR"), forms.publishers(()))
    fields = [item for schema in schemas for item in schema.schema.items()]
    names = {str(name) for name, selector in fields if isinstance(selector, EntitySelector)}
    assert len(names) == 6
    assert {name for name in names if name.endswith(ENTITY_SETTING)} == names


async def test_a_radiator_is_called_in_statements_and_repairs_what_its_device_is(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, radiator(), radiator(KITCHEN, "Kitchen"))
    devices = dr.async_get(hass)
    device = devices.async_get_device_by_identifier((DOMAIN, KITCHEN), entry.entry_id)
    assert device is not None
    devices.async_update_device(device.id, name_by_user="Canteen")
    await hass.async_block_till_done()
    coordinator = entry.runtime_data
    assert coordinator.books.names == {LIVING_ROOM: "Living room", KITCHEN: "Canteen"}
    assert coordinator.radiators[KITCHEN].name == "Canteen"
    devices.async_update_device(device.id, name_by_user=None)
    await hass.async_block_till_done()
    assert entry.subentries[KITCHEN].title == "Canteen"


async def test_a_new_name_shows_also_where_the_device_was_renamed_before(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, radiator())
    devices = dr.async_get(hass)
    device = devices.async_get_device_by_identifier((DOMAIN, LIVING_ROOM), entry.entry_id)
    assert device is not None
    devices.async_update_device(device.id, name_by_user="Parlour")
    await hass.async_block_till_done()
    subentry = entry.subentries[LIVING_ROOM]
    assert subentry.title == "Parlour"
    # As by the command `config_entries/subentries/update` of Home Assistant.
    hass.config_entries.async_update_subentry(entry, subentry, title="Salon")
    await hass.async_block_till_done()
    renamed = devices.async_get(device.id)
    assert renamed is not None
    assert (renamed.name, renamed.name_by_user) == ("Salon", None)
    assert subentry.title == "Salon"


async def test_a_name_given_while_qheat_was_not_there_to_follow_it_stays(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    devices = dr.async_get(hass)
    device = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=LIVING_ROOM,
        identifiers={(DOMAIN, LIVING_ROOM)},
        name="Living room",
    )
    # As in safe mode.
    devices.async_update_device(device.id, name_by_user="Parlour")
    await load(hass, entry)
    named = devices.async_get(device.id)
    assert named is not None
    assert named.name_by_user == "Parlour"


async def test_radiators_that_share_a_renamed_schedule_are_one_reload(hass: HomeAssistant) -> None:
    registry = er.async_get(hass)
    shared = registry.async_get_or_create("schedule", "test", "week").entity_id
    radiators = (
        radiator(key, key, schedule_entity=shared) for key in (LIVING_ROOM, KITCHEN, BEDROOM)
    )
    entry = await set_up(hass, *radiators)
    with patch.object(qheat, "async_open_home", wraps=qheat.async_open_home) as opened:
        registry.async_update_entity(shared, new_entity_id="schedule.month")
        await hass.async_block_till_done()
    assert opened.call_count == 1
    named = {one.data["schedule_entity"] for one in entry.subentries.values()}
    assert named == {"schedule.month"}


async def test_what_is_changed_while_a_home_is_loaded_anew_is_one_more_reload(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, radiator())
    opened = []

    async def open_home(*args: Any) -> Any:
        opened.append(dict(entry.options))
        if len(opened) == 1:
            for comfort in (18.0, 18.5, 19.0):
                hass.config_entries.async_update_entry(
                    entry, options=entry.options | {"comfort": comfort}
                )
                await asyncio.sleep(0.01)
        return await real(*args)

    real = qheat.async_open_home
    with patch.object(qheat, "async_open_home", open_home):
        hass.config_entries.async_update_entry(entry, options=entry.options | {"comfort": 21.0})
        await hass.async_block_till_done()
    assert [one["comfort"] for one in opened] == [21.0, 19.0]


async def test_a_home_that_is_removed_before_it_was_loaded_anew_stays_removed(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await set_up(hass, radiator())
    hass.config_entries.async_update_entry(entry, options=entry.options | {"comfort": 21.0})
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert "Error doing job" not in caplog.text
    assert not hass.config_entries.async_entries(DOMAIN)


async def test_heat_goes_on_where_polling_is_turned_off(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    with patch("custom_components.qheat.coordinator.TICK", timedelta(seconds=0.05)):
        entry = await set_up(hass, radiator())
        hass.config_entries.async_update_entry(entry, pref_disable_polling=True)
        await hass.async_block_till_done()
        engine.budget = None
        await until(lambda: engine.budget is not None)
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_homes_heat_is_unknown_while_one_of_its_radiators_is(hass: HomeAssistant) -> None:
    entry = await set_up(hass, radiator(), radiator(KITCHEN, "Kitchen"))
    output = "sensor.home_heat_output"
    assert state_at(hass, output).state == "640"
    kitchen = entry.runtime_data.radiators[KITCHEN].radiator
    with patch.object(kitchen, "tick", side_effect=OverflowError):
        await entry.runtime_data.async_refresh()
        await hass.async_block_till_done()
    assert state_at(hass, output).state == "unknown"


async def test_what_a_home_shows_of_its_own_jobs_goes_with_its_last_radiator(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, radiator())
    assert hass.states.get("image.home_picture")
    hass.config_entries.async_remove_subentry(entry, LIVING_ROOM)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    registry = er.async_get(hass)
    left = er.async_entries_for_config_entry(registry, entry.entry_id)
    assert left
    assert all(hass.states.is_state(one.entity_id, "unavailable") is False for one in left)
