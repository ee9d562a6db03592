"""Temperatures as entities tell them: in their own unit, and not too old."""

from typing import Any

from homeassistant.components.weather import ATTR_WEATHER_TEMPERATURE, ATTR_WEATHER_TEMPERATURE_UNIT
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfTemperature
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.unit_conversion import TemperatureConverter

from .heating.guards import CLOCK_S, OLDEST_S, believable


def read_celsius(hass: HomeAssistant, entity_id: str, now_s: float) -> float | None:
    """Return the temperature of a sensor or weather entity, None without a fresh reading."""
    state = hass.states.get(entity_id)
    # A negative age is that of a clock that was set back: nobody knows how old the reading is.
    if state is None or not -CLOCK_S <= now_s - state.last_reported.timestamp() <= OLDEST_S:
        return None
    return celsius_of(*_temperature_of(state))


def celsius_of(value: Any, unit: Any) -> float | None:
    """Return a temperature in °C, None if it is no number or its unit none of temperature."""
    try:
        celsius = TemperatureConverter.convert(float(value), unit, UnitOfTemperature.CELSIUS)
    except TypeError, ValueError, OverflowError, HomeAssistantError:
        return None
    return believable(celsius)


def _temperature_of(state: State) -> tuple[str, str]:
    if state.domain == "weather":
        return (
            state.attributes.get(ATTR_WEATHER_TEMPERATURE, ""),
            state.attributes.get(ATTR_WEATHER_TEMPERATURE_UNIT, UnitOfTemperature.CELSIUS),
        )
    return state.state, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, UnitOfTemperature.CELSIUS)
