"""Repair issues of radiators: when they are raised, withdrawn, and left alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.compute.engine import EngineProblem, PowerSource
from custom_components.qheat.const import DOMAIN

from .conftest import LIVING_ROOM, FixedEngine, call, radiator, set_up

pytestmark = pytest.mark.usefixtures("engine")

SENSOR = "sensor.room"
SPEED = 60
HOUR_OF_TICKS = 80
"""Ticks of five seconds at that speed: more than an hour of the room's, and its beginning."""


@pytest.fixture
async def heated(hass: HomeAssistant, engine: FixedEngine) -> MockConfigEntry:
    """Return a home whose one radiator of 500 W is asked for all its heat."""
    engine.tell(power_source=PowerSource.MEASURED)
    entry = await set_up(hass, radiator(speed=SPEED))
    await call(hass, "set_temperature", temperature=30, hvac_mode="heat")
    return entry


async def give(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> set[str]:
    """Let more than an hour of the room's pass; return the repair issues there are."""
    for _ in range(HOUR_OF_TICKS):
        freezer.tick(timedelta(seconds=5))
        await entry.runtime_data.async_refresh()
    return await look(hass, entry)


async def look(hass: HomeAssistant, entry: MockConfigEntry) -> set[str]:
    """Tick once; return the repair issues there are."""
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    return {issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN}


@pytest.mark.parametrize(
    ("power_w", "issue"), [(300.0, "weaker_than_rated"), (700.0, "stronger_than_rated")]
)
async def test_a_meter_that_shows_another_full_power_than_entered_is_told_until_it_agrees(
    hass: HomeAssistant,
    heated: MockConfigEntry,
    engine: FixedEngine,
    freezer: FrozenDateTimeFactory,
    power_w: float,
    issue: str,
) -> None:
    engine.tell(power_w=power_w)
    assert f"{issue}_{LIVING_ROOM}" in await give(hass, heated, freezer)
    engine.tell(power_w=500.0)
    assert not await give(hass, heated, freezer)


@pytest.mark.parametrize(("mode", "hours"), [("heat", 2), ("off", 24)])
async def test_a_sensor_that_is_silent_for_long_is_told_until_it_speaks_again(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, mode: str, hours: int
) -> None:
    hass.states.async_set(SENSOR, "unavailable")
    entry = await set_up(hass, radiator(room="sensor", temperature_entity=SENSOR))
    await call(hass, "set_hvac_mode", hvac_mode=mode)
    freezer.tick(timedelta(hours=hours, seconds=-1))
    assert not await look(hass, entry)
    freezer.tick(timedelta(seconds=2))
    assert await look(hass, entry) == {f"sensor_silent_{LIVING_ROOM}"}
    hass.states.async_set(SENSOR, "18", {"unit_of_measurement": "°C"})
    assert not await look(hass, entry)


async def test_a_sensor_that_is_stuck_is_told_after_an_hour_without_heat_until_it_moves(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    hass.states.async_set(SENSOR, "15", {"unit_of_measurement": "°C"})
    entry = await set_up(hass, radiator(room="sensor", temperature_entity=SENSOR))
    await call(hass, "set_temperature", temperature=25, hvac_mode="heat")
    engine.tell(power_w=500.0)
    told = []
    for _ in range(8 * 12):
        told.append(await look(hass, entry))
        freezer.tick(timedelta(minutes=5))
        hass.states.async_set(SENSOR, "15", {"unit_of_measurement": "°C"})
    assert entry.runtime_data.data.radiators[LIVING_ROOM].status == "sensor_stuck"
    assert not any(told[: 7 * 12])
    assert told[-1] == {f"sensor_stuck_{LIVING_ROOM}"}
    hass.states.async_set(SENSOR, "15.1", {"unit_of_measurement": "°C"})
    assert not await look(hass, entry)


@pytest.mark.parametrize(
    "excuse",
    [
        {"problem": EngineProblem.NO_JOBS},
        {"power_source": PowerSource.ESTIMATED},
        {"power_source": PowerSource.RAPL},
    ],
)
async def test_a_want_of_jobs_an_estimate_or_a_processor_makes_no_radiator_weak(
    hass: HomeAssistant,
    heated: MockConfigEntry,
    engine: FixedEngine,
    freezer: FrozenDateTimeFactory,
    excuse: dict[str, EngineProblem | PowerSource],
) -> None:
    engine.tell(power_w=100.0, **excuse)
    assert not await give(hass, heated, freezer)


async def test_what_somebody_has_ignored_stays_so_over_a_restart(
    hass: HomeAssistant, engine: FixedEngine, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    engine.tell(problem=EngineProblem.PUBLISHER_NOT_ACCEPTED)
    await entry.runtime_data.async_refresh()
    issue_id, issues = f"publisher_not_accepted_{LIVING_ROOM}", ir.async_get(hass)
    ir.async_ignore_issue(hass, DOMAIN, issue_id, True)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    hass.set_state(CoreState.running)
    ignored = issues.issues[DOMAIN, issue_id]
    assert ignored.dismissed_version
    # So it is read from disk.
    issues.issues[DOMAIN, issue_id] = replace(ignored, active=False)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await entry.runtime_data.async_refresh()
    assert issues.issues[DOMAIN, issue_id] == ignored


async def test_what_was_ignored_and_then_gone_for_long_is_told_when_it_comes_again(
    hass: HomeAssistant,
    engine: FixedEngine,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.qheat.issues.REMEMBERED_S", 0.0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    engine.tell(problem=EngineProblem.PUBLISHER_NOT_ACCEPTED)
    await entry.runtime_data.async_refresh()
    issue_id, issues = f"publisher_not_accepted_{LIVING_ROOM}", ir.async_get(hass)
    ir.async_ignore_issue(hass, DOMAIN, issue_id, True)
    engine.tell(problem=None)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await entry.runtime_data.async_refresh()
    assert issues.async_get_issue(DOMAIN, issue_id) is None
    engine.tell(problem=EngineProblem.PUBLISHER_NOT_ACCEPTED)
    await entry.runtime_data.async_refresh()
    told = issues.async_get_issue(DOMAIN, issue_id)
    assert told is not None
    assert told.dismissed_version is None
