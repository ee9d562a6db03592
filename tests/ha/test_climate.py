"""The thermostat as the tenant, an automation or a voice assistant uses it."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.climate import (
    ATTR_CURRENT_TEMPERATURE,
    ATTR_HVAC_ACTION,
    ATTR_PRESET_MODE,
    ATTR_PRESET_MODES,
    HVACAction,
    HVACMode,
)
from homeassistant.const import ATTR_TEMPERATURE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util.file import WriteError
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.climate import QheatThermostat
from custom_components.qheat.compute.engine import EngineProblem, HeatKind
from custom_components.qheat.shelf import CheckedStore
from custom_components.qheat.turns import async_next_turn
from tests.waiting import until

from .conftest import (
    LIVING_ROOM,
    THERMOSTAT,
    FixedEngine,
    call,
    load,
    radiator,
    set_up,
    state_at,
    thermostat,
)


@pytest.fixture(autouse=True)
async def _set_up(hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry) -> None:
    await load(hass, entry)


async def test_a_new_thermostat_is_off_and_offers_its_presets(hass: HomeAssistant) -> None:
    state = thermostat(hass)
    assert state.state == HVACMode.OFF
    assert state.attributes[ATTR_PRESET_MODES] == [
        "none",
        "comfort",
        "eco",
        "away",
        "boost",
        "frost_protection",
    ]
    assert (state.attributes["min_temp"], state.attributes["max_temp"]) == (5, 30)
    assert state.attributes["target_temp_step"] == 0.5


async def test_turning_it_up_raises_the_heat_budget_at_once(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    assert engine.budget is not None
    assert engine.budget.power_w == 0
    await call(hass, "set_temperature", temperature=22.5, hvac_mode="heat")
    assert engine.budget.power_w > 100
    assert thermostat(hass).state == HVACMode.HEAT
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 22.5


async def test_below_the_floor_that_the_tenant_chose_heat_needs_no_job(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry
) -> None:
    await call(hass, "set_temperature", temperature=22.5, hvac_mode="heat")
    assert engine.budget is not None
    assert not engine.budget.own_heat
    hass.config_entries.async_update_entry(entry, options=entry.options | {"comfort_floor": 20.0})
    await hass.async_block_till_done()
    assert engine.budget.power_w > 0
    assert engine.budget.own_heat


async def test_turning_it_off_ends_the_heat(hass: HomeAssistant, engine: FixedEngine) -> None:
    await call(hass, "set_temperature", temperature=25)
    await call(hass, "turn_on")
    assert engine.budget is not None
    assert engine.budget.power_w > 100
    await call(hass, "turn_off")
    assert engine.budget.power_w == 0
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 25


@pytest.mark.parametrize("temperature", [4.5, 30.5, -20, 1e9])
async def test_a_setpoint_out_of_range_is_refused(hass: HomeAssistant, temperature: float) -> None:
    before = thermostat(hass).attributes[ATTR_TEMPERATURE]
    with pytest.raises(ServiceValidationError):
        await call(hass, "set_temperature", temperature=temperature)
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == before


@pytest.mark.parametrize(
    "data",
    [
        {"temperature": "nan"},
        *(
            {"temperature": 21, "hvac_mode": mode}
            for mode in HVACMode
            if mode not in {HVACMode.OFF, HVACMode.HEAT}
        ),
    ],
    ids=str,
)
async def test_what_is_no_temperature_and_no_mode_of_its_own_is_refused_and_changes_nothing(
    hass: HomeAssistant, data: dict[str, Any]
) -> None:
    await call(hass, "turn_on")
    before = thermostat(hass)
    with pytest.raises(ServiceValidationError):
        await call(hass, "set_temperature", **data)
    assert thermostat(hass) == before


@pytest.mark.parametrize("disabled", ["device", "thermostat"])
async def test_a_radiator_whose_dial_somebody_has_disabled_gives_no_heat_until_it_is_enabled(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry, disabled: str
) -> None:
    await call(hass, "set_temperature", temperature=25, hvac_mode="heat")
    assert engine.budget is not None
    entities, devices = er.async_get(hass), dr.async_get(hass)
    device_id = entities.entities[THERMOSTAT].device_id
    assert device_id is not None
    if disabled == "device":
        devices.async_update_device(device_id, disabled_by=dr.DeviceEntryDisabler.USER)
    else:
        entities.async_update_entity(THERMOSTAT, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done()
    await entry.runtime_data.async_refresh()
    assert engine.budget.power_w == 0
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert engine.budget.power_w == 0
    if disabled == "device":
        devices.async_update_device(device_id, disabled_by=None)
    else:
        entities.async_update_entity(THERMOSTAT, disabled_by=None)
    await entry.runtime_data.async_refresh()
    assert engine.budget.power_w > 100


async def test_a_preset_sets_its_temperature_and_none_brings_the_last_one_back(
    hass: HomeAssistant,
) -> None:
    await call(hass, "set_temperature", temperature=19)
    await call(hass, "set_preset_mode", preset_mode="away")
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 14
    assert thermostat(hass).attributes[ATTR_PRESET_MODE] == "away"
    await call(hass, "set_preset_mode", preset_mode="none")
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 19
    assert thermostat(hass).attributes[ATTR_PRESET_MODE] == "none"


async def test_a_temperature_that_a_preset_has_takes_its_name(hass: HomeAssistant) -> None:
    await call(hass, "set_temperature", temperature=17)
    assert thermostat(hass).attributes[ATTR_PRESET_MODE] == "eco"


async def test_the_action_tells_whether_something_computes(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry
) -> None:
    await call(hass, "turn_on")
    assert thermostat(hass).attributes[ATTR_HVAC_ACTION] == HVACAction.HEATING
    engine.tell(heat_kind=HeatKind.NONE, power_w=20.0)
    await entry.runtime_data.async_refresh()
    assert thermostat(hass).attributes[ATTR_HVAC_ACTION] == HVACAction.IDLE
    await call(hass, "turn_off")
    assert thermostat(hass).attributes[ATTR_HVAC_ACTION] == HVACAction.OFF


async def test_jobs_are_not_called_missing_while_some_run(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry
) -> None:
    await call(hass, "set_temperature", temperature=24, hvac_mode="heat")
    for running, status in ((2, "heating"), (0, "no_jobs")):
        engine.tell(problem=EngineProblem.NO_JOBS, jobs_running=running)
        await entry.runtime_data.async_refresh()
        assert hass.states.is_state("sensor.living_room_status", status)


async def test_it_stays_usable_while_the_backend_is_gone_and_says_so(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry
) -> None:
    engine.refuses = EngineProblem.BACKEND_UNREACHABLE
    engine.tell(heat_kind=HeatKind.NONE, problem=EngineProblem.BACKEND_UNREACHABLE)
    await call(hass, "set_temperature", temperature=24, hvac_mode="heat")
    assert thermostat(hass).state == HVACMode.HEAT
    status = state_at(hass, "sensor.living_room_status")
    assert status.state == "backend_unreachable"


async def test_a_backend_that_does_not_answer_is_logged_until_a_job_runs_again(
    hass: HomeAssistant,
    engine: FixedEngine,
    entry: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = {"problem": EngineProblem.BACKEND_UNREACHABLE, "jobs_running": 0}
    # One that is asked for nothing in between is not known to answer.
    for told in (away, {"problem": None}, away, {"problem": None, "jobs_running": 1}, away):
        engine.tell(**told)
        await entry.runtime_data.async_refresh()
    assert caplog.text.count("of Living room does not answer") == 2
    assert caplog.text.count("of Living room answers again") == 1


async def test_what_was_set_outlives_a_restart(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await call(hass, "set_temperature", temperature=19.5, hvac_mode="heat")
    await call(hass, "set_preset_mode", preset_mode="eco")
    assert await hass.config_entries.async_reload(entry.entry_id)
    state = thermostat(hass)
    assert state.state == HVACMode.HEAT
    assert state.attributes[ATTR_PRESET_MODE] == "eco"
    await call(hass, "set_preset_mode", preset_mode="none")
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 19.5


async def test_what_a_full_disk_did_not_take_of_the_dial_is_written_once_when_there_is_room(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    await entry.runtime_data.async_refresh()  # the books are written by the frozen clock
    write = "homeassistant.helpers.storage.Store._async_write_data"
    with patch(write, side_effect=WriteError) as written:
        await call(hass, "set_temperature", temperature=19.5, hvac_mode="heat")
        written.reset_mock()
        await entry.runtime_data.async_refresh()
        assert not written.called
    freezer.tick(31)
    await entry.runtime_data.async_refresh()
    kept = hass_storage.pop(f"qheat.{entry.entry_id}.dials")["data"][LIVING_ROOM]
    assert (kept["setpoint_c"], kept["heating"]) == (19.5, True)
    freezer.tick(31)
    await entry.runtime_data.async_refresh()
    assert f"qheat.{entry.entry_id}.dials" not in hass_storage


async def test_what_was_set_by_an_action_that_is_cut_off_is_written_all_the_same(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    begun = asyncio.Event()

    async def take_long() -> None:
        begun.set()
        await asyncio.Event().wait()

    # An automation that is started anew cuts off what it was about to do.
    with patch.object(entry.runtime_data.radiators[LIVING_ROOM], "async_refresh", take_long):
        acting = asyncio.create_task(call(hass, "set_temperature", temperature=19.5))
        await begun.wait()
        acting.cancel()
        await asyncio.wait([acting])
    kept = hass_storage[f"qheat.{entry.entry_id}.dials"]["data"][LIVING_ROOM]
    assert kept["setpoint_c"] == 19.5


async def test_what_was_set_by_an_action_that_is_cut_off_is_written_after_what_is_being_written(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
) -> None:
    begun, disk = asyncio.Event(), asyncio.Event()

    async def write_slowly(store: CheckedStore, data: dict[str, Any]) -> None:
        begun.set()
        await disk.wait()
        await write(store, data)

    write = CheckedStore._async_write_data
    with patch.object(CheckedStore, "_async_write_data", write_slowly):
        before = asyncio.create_task(call(hass, "set_temperature", temperature=18))
        await begun.wait()
        acting = asyncio.create_task(call(hass, "set_temperature", temperature=19.5))
        await until(lambda: thermostat(hass).attributes[ATTR_TEMPERATURE] == 19.5)
        await async_next_turn(hass)
        acting.cancel()
        await asyncio.wait([acting])
        disk.set()
        await before
        await hass.async_block_till_done()
    kept = hass_storage[f"qheat.{entry.entry_id}.dials"]["data"][LIVING_ROOM]
    assert kept["setpoint_c"] == 19.5


async def test_a_home_may_choose_its_own_preset_temperatures(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, options={**entry.options, "comfort": 21.5})
    await hass.async_block_till_done()
    await call(hass, "set_preset_mode", preset_mode="comfort")
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 21.5
    hass.config_entries.async_update_entry(entry, options={**entry.options, "comfort": 19})
    await hass.async_block_till_done()
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 19


@pytest.mark.parametrize(
    ("state", "unit", "celsius"),
    [
        ("18.4", "°C", 18.4),
        ("68", "°F", 20.0),
        ("unknown", "°C", None),
        ("unavailable", "°C", None),
        ("warm", "°C", None),
        ("nan", "°C", None),
        ("18.4", "%", None),
    ],
)
async def test_a_sensor_is_read_in_its_own_unit_or_not_at_all(
    hass: HomeAssistant, state: str, unit: str, celsius: float | None
) -> None:
    hass.states.async_set("sensor.bedroom", state, {"unit_of_measurement": unit})
    bedroom = radiator("01JBED", "Bedroom", room="sensor", temperature_entity="sensor.bedroom")
    await set_up(hass, bedroom, entry_id="01JSECOND", unique_id="second")
    bedroom_state = state_at(hass, "climate.bedroom")
    assert bedroom_state.attributes[ATTR_CURRENT_TEMPERATURE] == celsius


async def test_a_change_too_small_to_be_shown_is_not_written(hass: HomeAssistant) -> None:
    unit = {"unit_of_measurement": "°C"}
    hass.states.async_set("sensor.bedroom", "18.421", unit)
    bedroom = radiator("01JBED", "Bedroom", room="sensor", temperature_entity="sensor.bedroom")
    entry = await set_up(hass, bedroom, entry_id="01JSECOND", unique_id="second")
    await entry.runtime_data.async_refresh()
    with patch.object(QheatThermostat, "async_write_ha_state") as write:
        hass.states.async_set("sensor.bedroom", "18.422", unit)
        await entry.runtime_data.async_refresh()
    assert not write.called
    hass.states.async_set("sensor.bedroom", "18.451", unit)
    await entry.runtime_data.async_refresh()
    state = state_at(hass, "climate.bedroom")
    assert state.attributes[ATTR_CURRENT_TEMPERATURE] == 18.5


async def test_a_fahrenheit_home_sees_fahrenheit(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    hass.config.units = US_CUSTOMARY_SYSTEM
    await call(hass, "set_temperature", temperature=68)
    assert (
        entry.runtime_data.radiators[next(iter(entry.subentries))].radiator.setting.setpoint_c == 20
    )
    assert thermostat(hass).attributes[ATTR_TEMPERATURE] == 68
    await call(hass, "set_temperature", temperature=71.6)
    assert thermostat(hass).attributes[ATTR_PRESET_MODE] == "boost"


async def test_a_home_that_goes_over_to_fahrenheit_sees_it_also_where_the_sensor_is_silent(
    hass: HomeAssistant,
) -> None:
    bedroom = radiator("01JBED", "Bedroom", room="sensor", temperature_entity="sensor.bedroom")
    entry = await set_up(hass, bedroom, entry_id="01JSECOND", unique_id="second")
    await entry.runtime_data.async_refresh()
    assert state_at(hass, "climate.bedroom").attributes[ATTR_TEMPERATURE] == 20
    hass.config.units = US_CUSTOMARY_SYSTEM
    await entry.runtime_data.async_refresh()
    assert state_at(hass, "climate.bedroom").attributes[ATTR_TEMPERATURE] == 68
