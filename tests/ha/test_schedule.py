"""A radiator follows a real schedule helper; a hand on the dial holds until its next change."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, ServiceCall, State, SupportsResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.qheat.heating.setting import DEFAULT_PRESETS
from custom_components.qheat.schedules import HelperSchedule, setpoint_of

from .conftest import LIVING_ROOM, FixedEngine, call, radiator, set_up, state_at, thermostat

HELPER = "schedule.day"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONDAY_MORNING = "2026-11-23 06:00:00+00:00"

type Clock = Callable[[str], Awaitable[State]]


def blocks(*spans: tuple[Any, Any], days: tuple[str, ...] = DAYS, **data: Any) -> dict[str, Any]:
    """Return the blocks of a helper, the same on several days."""
    block = {"data": data} if data else {}
    return {day: [{"from": begin, "to": end, **block} for begin, end in spans] for day in days}


async def add_helper(hass: HomeAssistant, week: dict[str, Any]) -> None:
    """Set up a schedule helper in YAML."""
    await hass.config.async_set_time_zone("UTC")
    assert await async_setup_component(
        hass, "schedule", {"schedule": {"day": {"name": "Day"} | week}}
    )
    await hass.async_block_till_done()


async def add_home(hass: HomeAssistant, **data: Any) -> MockConfigEntry:
    """Set up a home with one radiator that follows the helper and heats."""
    entry = await set_up(hass, radiator(schedule_entity=HELPER, **data))
    await call(hass, "turn_on")
    return entry


@pytest.fixture
def until(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Clock:
    """Return what lets time pass until a moment, and returns the thermostat then."""

    async def wait(moment: str) -> State:
        freezer.move_to(datetime.fromisoformat(moment).replace(tzinfo=UTC))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        [entry] = hass.config_entries.async_loaded_entries("qheat")
        await entry.runtime_data.async_refresh()
        return thermostat(hass)

    return wait


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Let the schedule helper wait for its next event: it has no end of its own."""
    return True


@pytest.fixture(autouse=True)
def _monday_morning(freezer: FrozenDateTimeFactory, engine: FixedEngine) -> None:
    freezer.move_to(MONDAY_MORNING)


async def test_blocks_are_comfort_and_the_rest_is_eco(hass: HomeAssistant, until: Clock) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:30:00")))
    await add_home(hass)
    state = thermostat(hass)
    assert (state.attributes["temperature"], state.attributes["preset_mode"]) == (17, "schedule")
    assert "schedule" in state.attributes["preset_modes"]
    assert (await until("2026-11-23 07:00:00")).attributes["temperature"] == 20
    assert (await until("2026-11-23 22:29:00")).attributes["temperature"] == 20
    assert (await until("2026-11-23 22:30:00")).attributes["temperature"] == 17


async def test_a_block_may_carry_a_temperature_of_its_own(
    hass: HomeAssistant, until: Clock
) -> None:
    await add_helper(hass, blocks(("07:00:00", "09:00:00"), temperature=21.5))
    await add_home(hass)
    assert (await until("2026-11-23 07:00:00")).attributes["temperature"] == 21.5
    assert (await until("2026-11-23 09:00:00")).attributes["temperature"] == 17


async def test_a_fahrenheit_home_writes_fahrenheit_into_its_blocks(
    hass: HomeAssistant, until: Clock
) -> None:
    hass.config.units = US_CUSTOMARY_SYSTEM
    await add_helper(hass, blocks(("07:00:00", "09:00:00"), temperature=70))
    entry = await add_home(hass)
    assert (await until("2026-11-23 07:00:00")).attributes["temperature"] == 70
    [one] = entry.runtime_data.radiators.values()
    assert one.radiator.setting.setpoint_c == pytest.approx(21.1, abs=0.05)


@pytest.mark.parametrize("written", [17.5, "17.5", "17,5"])
def test_a_temperature_may_be_written_with_a_comma(written: object) -> None:
    assert setpoint_of({"temperature": written}, "°C", 20.0) == 17.5


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"temperature": True},
        {"temperature": "warm"},
        {"temperature": float("nan")},
        {"temperature": "inf"},
        {"temperature": 10**400},
        {"temperature": 300},
        {"temperature": -5},
        {"temperature": [20]},
        {"brightness": 20},
    ],
)
def test_a_temperature_that_makes_no_sense_is_comfort(data: object) -> None:
    assert setpoint_of(data, "°C", 20.0) == 20


async def test_a_setpoint_by_hand_holds_until_the_next_change(
    hass: HomeAssistant, until: Clock
) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00")))
    await add_home(hass)
    await until("2026-11-23 08:00:00")
    await call(hass, "set_temperature", temperature=22.5)
    state = await until("2026-11-23 21:59:00")
    assert (state.attributes["temperature"], state.attributes["preset_mode"]) == (22.5, "none")
    state = await until("2026-11-23 22:00:00")
    assert (state.attributes["temperature"], state.attributes["preset_mode"]) == (17, "schedule")


async def test_the_tenant_may_go_back_to_the_schedule_at_once(hass: HomeAssistant) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00")))
    await add_home(hass)
    await call(hass, "set_temperature", temperature=22.5)
    await call(hass, "set_preset_mode", preset_mode="schedule")
    assert thermostat(hass).attributes["temperature"] == 17


async def test_away_lasts_a_weekend_until_the_tenant_is_back(
    hass: HomeAssistant, until: Clock
) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00")))
    entry = await add_home(hass)
    await until("2026-11-27 18:00:00")
    await call(hass, "set_preset_mode", preset_mode="away")
    assert await hass.config_entries.async_reload(entry.entry_id)
    for moment in ("2026-11-28 08:00:00", "2026-11-29 08:00:00", "2026-11-29 18:00:00"):
        state = await until(moment)
        assert (state.attributes["temperature"], state.attributes["preset_mode"]) == (14, "away")
    await call(hass, "set_preset_mode", preset_mode="schedule")
    assert thermostat(hass).attributes["temperature"] == 20


async def test_what_is_held_by_hand_ends_also_while_home_assistant_is_off(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00")))
    entry = await add_home(hass)
    await call(hass, "set_temperature", temperature=23)
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to("2026-11-23 08:00:00+00:00")
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert thermostat(hass).attributes["temperature"] == 20


async def test_off_is_off_whatever_the_schedule(
    hass: HomeAssistant, until: Clock, engine: FixedEngine
) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00"), temperature=25))
    await add_home(hass)
    await call(hass, "turn_off")
    assert (await until("2026-11-23 12:00:00")).state == "off"
    assert engine.budget is not None
    assert engine.budget.power_w == 0


async def test_without_a_schedule_there_is_no_such_preset(hass: HomeAssistant) -> None:
    await set_up(hass, radiator())
    assert "schedule" not in thermostat(hass).attributes["preset_modes"]
    with pytest.raises(ServiceValidationError):
        await call(hass, "set_preset_mode", preset_mode="schedule")


async def test_an_edited_schedule_counts_at_the_next_tick(
    hass: HomeAssistant, until: Clock, hass_ws_client: WebSocketGenerator
) -> None:
    """Also where the edit leaves the helper's state and its next event as they were."""
    await add_helper(hass, {})
    client = await hass_ws_client(hass)
    week = blocks(("05:00:00", "22:00:00"))
    await client.send_json_auto_id({"type": "schedule/create", "name": "Home", **week})
    helper = (await client.receive_json())["result"]["id"]
    await set_up(hass, radiator(schedule_entity="schedule.home"))
    assert (await until("2026-11-23 06:30:00")).attributes["temperature"] == 20
    week = blocks(("05:00:00", "22:00:00"), temperature=19) | blocks(
        ("05:00:00", "22:00:00"), days=("monday",)
    )
    update = {"type": "schedule/update", "schedule_id": helper, "name": "Home", **week}
    await client.send_json_auto_id(update)
    assert (await client.receive_json())["success"]
    assert (await until("2026-11-23 06:30:05")).attributes["temperature"] == 20
    assert (await until("2026-11-24 05:00:00")).attributes["temperature"] == 19


async def test_an_edit_counts_also_where_the_dial_is_turned_while_it_is_read(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    edits = [blocks(), blocks((time(5), time(22)))]

    async def answer(_: ServiceCall) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {HELPER: edits.pop(0)}

    hass.services.async_register(
        "schedule", "get_schedule", answer, supports_response=SupportsResponse.ONLY
    )
    schedule = HelperSchedule(hass, HELPER, DEFAULT_PRESETS)
    asked_for = []
    for state in ("off", "on"):
        freezer.tick()
        hass.states.async_set(HELPER, state)
        reading = asyncio.create_task(schedule.async_refresh())
        await asyncio.sleep(0)
        asked_for.append({setpoint_c for _, setpoint_c in schedule.changes() or ()})
        await reading
        asked_for.append({setpoint_c for _, setpoint_c in schedule.changes() or ()})
    assert asked_for == [set(), {17.0}, {17.0}, {17.0, 20.0}]


async def test_a_schedule_is_by_the_clock_on_the_wall_when_the_time_zone_is_changed(
    hass: HomeAssistant, until: Clock
) -> None:
    await add_helper(hass, blocks(("07:00:00", "09:00:00")))
    await add_home(hass)
    assert (await until("2026-11-23 06:30")).attributes["temperature"] == 17
    await hass.config.async_set_time_zone("Europe/Paris")
    assert (await until("2026-11-23 06:31")).attributes["temperature"] == 20
    assert (await until("2026-11-23 08:01")).attributes["temperature"] == 17


async def test_a_removed_schedule_leaves_the_last_setpoint(
    hass: HomeAssistant, until: Clock
) -> None:
    await add_helper(hass, blocks(("07:00:00", "22:00:00")))
    await add_home(hass)
    await until("2026-11-23 12:00:00")
    er.async_get(hass).async_remove(HELPER)
    hass.states.async_remove(HELPER)
    assert (await until("2026-11-23 23:00:00")).attributes["temperature"] == 20
    issues = ir.async_get(hass)
    assert issues.async_get_issue("qheat", f"schedule_gone_{LIVING_ROOM}") is None
    await until("2026-11-23 23:06:00")
    assert issues.async_get_issue("qheat", f"schedule_gone_{LIVING_ROOM}")
    await call(hass, "set_temperature", temperature=18.5)
    assert (await until("2026-11-24 12:00:00")).attributes["temperature"] == 18.5


async def test_a_schedule_that_comes_late_is_followed_from_then_on(
    hass: HomeAssistant, until: Clock
) -> None:
    hass.states.async_set(HELPER, "unavailable")
    await add_home(hass)
    assert (await until("2026-11-23 12:00:00")).attributes["temperature"] == 20
    await call(hass, "set_temperature", temperature=23)
    await until("2026-11-23 12:03:00")
    hass.states.async_remove(HELPER)
    await add_helper(hass, blocks(("07:00:00", "13:00:00"), temperature=21))
    assert (await until("2026-11-23 12:05:00")).attributes["temperature"] == 21
    assert not [issue for issue in ir.async_get(hass).issues if issue[0] == "qheat"]


async def test_a_state_without_a_helper_behind_it_is_no_schedule(
    hass: HomeAssistant, until: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hass.states.async_set(HELPER, "on")
    await add_home(hass)
    assert (await until("2026-11-23 12:00:00")).attributes["temperature"] == 20
    assert caplog.text.count("cannot be read") == 1


@pytest.mark.parametrize("speed", [1, 60])
async def test_heating_begins_ahead_of_a_block(
    hass: HomeAssistant, until: Clock, engine: FixedEngine, speed: int
) -> None:
    """A fast room has its own clock, and the block comes on ours."""
    await add_helper(hass, blocks(("14:00:00", "22:00:00"), temperature=18))
    entry = await add_home(hass, speed=speed)
    engine.tell(power_w=20.0)
    [one] = entry.runtime_data.radiators.values()
    await until("2026-11-23 06:05:00")
    start_s = one.data.next_start_s
    assert start_s is not None
    begin_s = datetime(2026, 11, 23, 14, tzinfo=UTC).timestamp()
    assert begin_s - 12 * 3600 / speed - 300 < start_s < begin_s
    sensor = state_at(hass, "sensor.living_room_next_start")
    assert sensor.state != STATE_UNKNOWN


async def test_without_a_schedule_what_is_set_every_day_is_foreseen_unless_nobody_wants_it(
    hass: HomeAssistant, until: Clock
) -> None:
    await hass.config.async_set_time_zone("Europe/Paris")
    entry = await set_up(hass, radiator(room="sensor", temperature_entity="sensor.room"))
    await call(hass, "set_temperature", temperature=17, hvac_mode="heat")

    async def start_s(moment: str, room_c: float = 17.5) -> float | None:
        await until(moment)
        hass.states.async_set("sensor.room", str(room_c), {"unit_of_measurement": "°C"}, True)
        await entry.runtime_data.async_refresh()
        [one] = entry.runtime_data.radiators.values()
        found_s: float | None = one.data.next_start_s
        return found_s

    for day in (23, 24, 25):
        for hour, setpoint_c, room_c in ((7, 20, 17.5), (22, 17, 20)):
            told = [await start_s(f"2026-11-{day} {hour:02}:00:00", room_c)]
            await call(hass, "set_temperature", temperature=setpoint_c)
            told.append(await start_s(f"2026-11-{day} {hour:02}:06:00", room_c))
            assert told == [None, None] or (day, hour) == (25, 22)
    assert await hass.config_entries.async_reload(entry.entry_id)
    found_s = await start_s("2026-11-26 03:00:00")
    assert found_s is not None
    early_s = datetime(2026, 11, 26, 7, tzinfo=UTC).timestamp() - found_s
    assert 0 < early_s < 4 * 3600
    hass.config_entries.async_update_entry(entry, options=entry.options | {"learn_routine": False})
    await hass.async_block_till_done()
    assert await start_s("2026-11-26 03:05:00") is None
