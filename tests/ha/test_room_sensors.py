"""Sensors as people have them hold a room at its setpoint, through Home Assistant's own states."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util.unit_system import METRIC_SYSTEM, US_CUSTOMARY_SYSTEM, UnitSystem

from custom_components.qheat.heating import Reason, RoomParameters, SimulatedRoom
from custom_components.qheat.temperatures import celsius_of

from .conftest import FixedEngine, call, radiator, set_up, thermostat

SENSOR = "sensor.room"
STEP_S = 60.0
HOURS = 10
SETTLED = 6
"""Hours after which the room has to be at its setpoint."""

chance = Random(5)
IRREGULAR = frozenset(
    minute for minute in range(HOURS * 60) if minute % 20 == 0 or chance.random() < 0.1
)


def changes_or_each_two_hours(minute: int, change_k: float) -> bool:
    """Tell whether a battery sensor reports: half a kelvin has come, or two hours are over."""
    return change_k >= 0.5 or minute % 120 == 0


@pytest.mark.parametrize(
    ("units", "unit", "step", "reports", "within_k"),
    [
        pytest.param(METRIC_SYSTEM, "°C", 0.1, lambda *_: True, 0.4, id="every minute"),
        pytest.param(
            METRIC_SYSTEM, "°C", 0.1, lambda minute, _: minute % 5 == 0, 0.5, id="5 minutes"
        ),
        pytest.param(METRIC_SYSTEM, "°C", 0.5, lambda *_: True, 0.7, id="0.5 °C"),
        pytest.param(
            METRIC_SYSTEM, "°C", 0.1, lambda minute, _: minute in IRREGULAR, 0.6, id="irregular"
        ),
        pytest.param(METRIC_SYSTEM, "°C", 0.1, changes_or_each_two_hours, 0.8, id="changes"),
        pytest.param(US_CUSTOMARY_SYSTEM, "°F", 0.2, lambda *_: True, 0.4, id="Fahrenheit"),
        pytest.param(METRIC_SYSTEM, "°F", 1.0, lambda *_: True, 0.7, id="°F in a °C home"),
    ],
)
async def test_a_room_is_held_with_the_sensor_that_there_is(
    hass: HomeAssistant,
    engine: FixedEngine,
    freezer: FrozenDateTimeFactory,
    units: UnitSystem,
    unit: str,
    step: float,
    reports: Callable[[int, float], bool],
    within_k: float,
) -> None:
    freezer.move_to("2026-01-12 12:00:00+00:00")
    hass.config.units = units
    room = SimulatedRoom(RoomParameters.from_area(18))
    hass.states.async_set(SENSOR, str(room.temperature_c), {"unit_of_measurement": "°C"})
    entry = await set_up(hass, radiator(room="sensor", temperature_entity=SENSOR))
    setpoint = 68 if units is US_CUSTOMARY_SYSTEM else 20
    await call(hass, "set_temperature", temperature=setpoint, hvac_mode="heat")
    [one] = entry.runtime_data.radiators.values()
    true_c: list[float] = []
    told_c = room.temperature_c
    for minute in range(HOURS * 60):
        freezer.tick(STEP_S)
        assert engine.budget is not None
        engine.tell(power_w=engine.budget.power_w)
        room.advance(STEP_S, engine.budget.power_w)
        true_c.append(room.temperature_c)
        if reports(minute, abs(room.temperature_c - told_c)):
            told_c = room.temperature_c
            value = room.temperature_c * 1.8 + 32 if unit == "°F" else room.temperature_c
            told = str(round(value / step) * step)
            hass.states.async_set(SENSOR, told, {"unit_of_measurement": unit})
        await one.async_refresh()
        assert one.data.demand.reason in {Reason.HEATING, Reason.IDLE}
    late = true_c[SETTLED * 60 :]
    assert max(abs(celsius - 20) for celsius in late) < within_k
    assert thermostat(hass).attributes["temperature"] == setpoint


async def test_a_sensor_that_stops_reporting_ends_the_heat_after_three_hours(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    hass.states.async_set(SENSOR, "15", {"unit_of_measurement": "°C"})
    entry = await set_up(hass, radiator(room="sensor", temperature_entity=SENSOR))
    await call(hass, "set_temperature", temperature=20, hvac_mode="heat")
    [one] = entry.runtime_data.radiators.values()
    for minute in range(1, 182):
        freezer.tick(STEP_S)
        await one.async_refresh()
        is_silent = one.data.demand.reason is Reason.SENSOR_SILENT
        assert is_silent == (minute > 180), minute
    assert engine.budget is not None
    assert engine.budget.power_w == 0


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (None, "°C"),
        ("", "°C"),
        ("nan", "°C"),
        ("-inf", "°F"),
        pytest.param(10**400, "°C", id="huge"),
        ("20", None),
        ("20", ["°C"]),
        ("20", "kWh"),
    ],
)
def test_what_is_no_temperature_is_none(value: Any, unit: Any) -> None:
    assert celsius_of(value, unit) is None
