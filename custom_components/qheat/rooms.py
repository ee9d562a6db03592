"""Where a radiator's room temperature comes from: a sensor entity, or a simulated room."""

from collections.abc import Mapping
from math import isfinite
from typing import Final, override

from homeassistant.components.weather import ATTR_WEATHER_TEMPERATURE, ATTR_WEATHER_TEMPERATURE_UNIT
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfTemperature
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.unit_conversion import TemperatureConverter

from .heating import RoomParameters, RoomReading, SimulatedRoom
from .radiator import Room

# Battery sensors in a steady room report about once an hour: this, and the half hour for which the
# guards bear with a silent sensor.
MAX_AGE_S: Final = 1800.0
# What two looks at the same clock may differ by.
CLOCK_S: Final = 1.0


class SensorRoom(Room):
    """A real room, read from Home Assistant's own entities."""

    speed = 1.0

    def __init__(
        self, hass: HomeAssistant, temperature_entity: str, outdoor_entity: str | None
    ) -> None:
        self._hass = hass
        self._temperature_entity = temperature_entity
        self._outdoor_entity = outdoor_entity

    @override
    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        outdoor, state = self._outdoor_entity, self._hass.states.get(self._temperature_entity)
        return RoomReading(
            time_s=now_s,
            temperature_c=read_celsius(self._hass, self._temperature_entity, now_s),
            measured_s=state.last_reported.timestamp() if state else None,
            outdoor_c=read_celsius(self._hass, outdoor, now_s) if outdoor else None,
            heat_output_w=heat_output_w,
        )

    @override
    def save(self) -> dict[str, object]:
        return {}


class FastRoom(Room):
    """A simulated room whose clock runs `speed` times as fast as the real one."""

    def __init__(
        self, floor_area_m2: float, speed: float, now_s: float, saved: Mapping[str, object]
    ) -> None:
        self._room = SimulatedRoom(RoomParameters.from_area(floor_area_m2), saved)
        self.speed = speed
        self._read_s = now_s

    @override
    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        # A clock that was set back, or a machine that slept, stands still in the simulation.
        elapsed_s = min(max(now_s - self._read_s, 0.0), 60.0)
        self._read_s = now_s
        self._room.advance(elapsed_s * self.speed, heat_output_w or 0.0)
        return RoomReading(
            time_s=self._room.time_s,
            temperature_c=self._room.temperature_c,
            outdoor_c=self._room.outdoor_c,
            heat_output_w=heat_output_w,
        )

    @override
    def save(self) -> dict[str, object]:
        return dict(self._room.save())


def read_celsius(hass: HomeAssistant, entity_id: str, now_s: float) -> float | None:
    """Return the temperature of a sensor or weather entity, None without a fresh reading."""
    state = hass.states.get(entity_id)
    # A negative age is that of a clock that was set back: nobody knows how old the reading is.
    if state is None or not 0 <= now_s - state.last_reported.timestamp() + CLOCK_S <= MAX_AGE_S:
        return None
    value, unit = _temperature_of(state)
    try:
        celsius = TemperatureConverter.convert(float(value), unit, UnitOfTemperature.CELSIUS)
    except TypeError, ValueError, OverflowError, HomeAssistantError:
        return None
    return celsius if isfinite(celsius) else None


def _temperature_of(state: State) -> tuple[str, str]:
    if state.domain == "weather":
        return (
            state.attributes.get(ATTR_WEATHER_TEMPERATURE, ""),
            state.attributes.get(ATTR_WEATHER_TEMPERATURE_UNIT, UnitOfTemperature.CELSIUS),
        )
    return state.state, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, UnitOfTemperature.CELSIUS)
