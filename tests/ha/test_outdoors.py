"""The weather outside, from a real weather entity that may forecast anything."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, override

import pytest
from astral import Observer
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.weather import Forecast, WeatherEntity, WeatherEntityFeature
from homeassistant.const import UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    setup_test_component_platform,
)

from custom_components.qheat.heating import RoomReading
from custom_components.qheat.outdoors import MOST_ENTRIES, read_forecast, sun_w_m2

from .conftest import LIVING_ROOM, MONEY, FixedEngine, radiator, set_up

NOW = datetime(2026, 6, 22, 10, tzinfo=UTC)
NOW_S = NOW.timestamp()
LYON = Observer(45.75, 4.85, 170)
BAD: list[Any] = [
    None,
    "12",
    [],
    {},
    {"temperature": 3.0},
    {"datetime": "tomorrow", "temperature": 3.0},
    {"datetime": 1_790_000_000, "temperature": 3.0},
    {"datetime": "2026-13-45T25:00:00+00:00", "temperature": 3.0},
]


def at(hours: float, **data: Any) -> dict[str, Any]:
    """Return an entry of a forecast for so many hours from now."""
    return {"datetime": (NOW + timedelta(hours=hours)).isoformat(), "temperature": 3.0, **data}


class Sky(WeatherEntity):
    """A weather service whose answers a test chooses."""

    _attr_name = "Sky"
    _attr_native_temperature = 4.0
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_supported_features = WeatherEntityFeature.FORECAST_HOURLY
    _attr_should_poll = False

    def __init__(self) -> None:
        self.answer: Any = [
            {"native_temperature": 1.0, **at(1)},
            {"native_temperature": 2, **at(2)},
        ]
        self.asked = 0

    @override
    async def async_forecast_hourly(self) -> list[Forecast] | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: list[Forecast] | None = self.answer
        return answer


@pytest.fixture
async def sky(hass: HomeAssistant, freezer: FrozenDateTimeFactory, engine: FixedEngine) -> Sky:
    """Set up a weather service."""
    freezer.move_to(NOW)
    sky = Sky()
    setup_test_component_platform(hass, "weather", [sky])
    assert await async_setup_component(hass, "weather", {"weather": {"platform": "test"}})
    await hass.async_block_till_done()
    return sky


async def let_it_answer(hass: HomeAssistant) -> None:
    """Let the task in the background that asks for the forecast run to its end."""
    for _ in range(20):
        await asyncio.sleep(0)
    await hass.async_block_till_done()


async def look_at(hass: HomeAssistant, outdoor_entity: str = "weather.sky") -> MockConfigEntry:
    """Set up a home that looks at an outdoor entity, and let it look."""
    hass.states.async_set("sensor.room", "19", {"unit_of_measurement": "°C"})
    entry = await set_up(
        hass,
        radiator(room="sensor", temperature_entity="sensor.room"),
        options=MONEY | {"outdoor_entity": outdoor_entity},
    )
    await let_it_answer(hass)
    await entry.runtime_data.async_refresh()
    return entry


def reading(entry: MockConfigEntry) -> RoomReading:
    """Return what the radiator read last."""
    state = entry.runtime_data.data.radiators[LIVING_ROOM]
    assert isinstance(state.reading, RoomReading)
    return state.reading


async def pass_by(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory, minutes: float
) -> None:
    """Let minutes go by, and the home look again."""
    freezer.tick(minutes * 60)
    await entry.runtime_data.async_refresh()
    await let_it_answer(hass)
    await entry.runtime_data.async_refresh()


async def test_the_thermostat_gets_the_forecast_of_a_weather_entity(
    hass: HomeAssistant, sky: Sky
) -> None:
    entry = await look_at(hass)
    assert reading(entry).outdoor_c == 4
    assert reading(entry).forecast == ((NOW_S + 3600, 1.0, 0.0), (NOW_S + 7200, 2.0, 0.0))


async def test_a_fahrenheit_home_gets_it_in_celsius(hass: HomeAssistant, sky: Sky) -> None:
    hass.config.units = US_CUSTOMARY_SYSTEM
    sky.async_write_ha_state()
    entry = await look_at(hass)
    # A weather entity rounds what it tells to whole degrees Fahrenheit.
    assert [celsius for _, celsius, _ in reading(entry).forecast] == pytest.approx(
        [1.0, 2.0], abs=0.35
    )


async def test_it_is_asked_for_every_half_hour_and_not_at_each_tick(
    hass: HomeAssistant, sky: Sky, freezer: FrozenDateTimeFactory
) -> None:
    entry = await look_at(hass)
    asked = sky.asked
    for _ in range(10):
        await pass_by(hass, entry, freezer, 1 / 12)
    assert sky.asked == asked
    sky.answer = [{"native_temperature": -5, **at(3)}]
    await pass_by(hass, entry, freezer, 31)
    assert sky.asked == asked + 1
    assert [celsius for _, celsius, _ in reading(entry).forecast] == [-5]


@pytest.mark.parametrize("answer", [RuntimeError("down"), None, [], BAD, {}, "cold", [at(-9)]])
async def test_an_answer_that_is_none_leaves_the_old_forecast_until_it_is_over(
    hass: HomeAssistant, sky: Sky, freezer: FrozenDateTimeFactory, answer: Any
) -> None:
    entry = await look_at(hass)
    sky.answer = answer
    await pass_by(hass, entry, freezer, 31)
    assert len(reading(entry).forecast) == 2
    await pass_by(hass, entry, freezer, 100)
    assert reading(entry).forecast == ()


@pytest.mark.parametrize("features", [None, "hourly", 0, WeatherEntityFeature.FORECAST_DAILY])
async def test_an_entity_that_does_not_forecast_by_the_hour_is_not_asked(
    hass: HomeAssistant, sky: Sky, features: Any
) -> None:
    attributes = {"temperature": 4, "temperature_unit": "°C", "supported_features": features}
    hass.states.async_set("weather.sky", "sunny", attributes)
    entry = await look_at(hass)
    assert (sky.asked, reading(entry).forecast, reading(entry).outdoor_c) == (0, (), 4)


async def test_a_sensor_outside_tells_the_temperature_and_forecasts_nothing(
    hass: HomeAssistant, sky: Sky
) -> None:
    hass.states.async_set("sensor.garden", "23", {"unit_of_measurement": "°F"})
    entry = await look_at(hass, "sensor.garden")
    assert reading(entry).outdoor_c == -5
    assert reading(entry).forecast == ()


async def test_a_temperature_outside_counts_for_three_hours(
    hass: HomeAssistant, sky: Sky, freezer: FrozenDateTimeFactory
) -> None:
    entry = await look_at(hass)
    await pass_by(hass, entry, freezer, 170)
    assert reading(entry).outdoor_c == 4
    await pass_by(hass, entry, freezer, 20)
    assert reading(entry).outdoor_c is None


@pytest.mark.parametrize("entries", [None, 3, "cold", {}, [], BAD, [[1, 2, 3]]])
def test_what_is_no_forecast_is_none(entries: object) -> None:
    assert read_forecast(entries, "°C", NOW_S, LYON) == ()


@pytest.mark.parametrize(
    "temperature", [None, "3", True, float("nan"), float("inf"), 10**400, -300, 61, [3]]
)
def test_a_temperature_that_cannot_be_leaves_its_hour_out(temperature: object) -> None:
    entries = [at(1), at(2, temperature=temperature), at(3)]
    found = read_forecast(entries, "°C", NOW_S, LYON)
    assert [moment_s for moment_s, _, _ in found] == [NOW_S + 3600, NOW_S + 3 * 3600]


@pytest.mark.parametrize("unit", [None, "%", "", 3])
def test_without_a_unit_of_temperature_there_is_no_forecast(unit: object) -> None:
    assert read_forecast([at(1)], unit, NOW_S, LYON) == ()


def test_hours_out_of_order_twice_and_too_far_away_are_put_right() -> None:
    entries = [at(5), at(1, temperature=9), at(-30), at(1, temperature=1), at(500), at(-0.5)]
    found = read_forecast(entries, "°C", NOW_S, LYON)
    assert [(moment_s - NOW_S, celsius) for moment_s, celsius, _ in found] == [
        (-1800, 3),
        (3600, 1),
        (5 * 3600, 3),
    ]


def test_a_moment_without_a_time_zone_is_utc() -> None:
    entry = at(0) | {"datetime": "2026-06-22T11:00:00"}
    assert read_forecast([entry], "°C", NOW_S, LYON)[0][0] == NOW_S + 3600


def test_a_million_entries_are_not_looked_through() -> None:
    entries = [at(minute / 60) for minute in range(3 * MOST_ENTRIES)]
    assert len(read_forecast(entries, "°C", NOW_S, LYON)) == MOST_ENTRIES


def test_clouds_tell_the_sun_of_the_day_and_none_at_night() -> None:
    entries = [at(1, cloud_coverage=0), at(2, cloud_coverage=900), at(14, cloud_coverage=0), at(3)]
    clear, covered, untold, night = (sun for _, _, sun in read_forecast(entries, "°C", NOW_S, LYON))
    assert 850 < clear < 1000
    assert 200 < covered < 260
    assert (untold, night) == (0, 0)


@pytest.mark.parametrize("elevation_deg", [-90, -1e-9, 0, 1e-9, 1, 45, 90])
@pytest.mark.parametrize("covered", [0, 0.5, 1])
def test_the_sun_is_never_negative_nor_more_than_there_is(
    elevation_deg: float, covered: float
) -> None:
    assert 0 <= sun_w_m2(elevation_deg, covered) < 1100
