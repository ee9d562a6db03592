"""The weather outside: now from a sensor or weather entity, to come from a weather entity."""

from asyncio import timeout
from collections.abc import Mapping
from datetime import UTC, datetime
from math import exp, radians, sin
from typing import Any, Final

from astral import Observer
from astral.sun import elevation
from homeassistant.components.weather import (
    ATTR_FORECAST_CLOUD_COVERAGE,
    ATTR_FORECAST_TEMP,
    ATTR_FORECAST_TIME,
    ATTR_WEATHER_TEMPERATURE_UNIT,
    SERVICE_GET_FORECASTS,
    WeatherEntityFeature,
)
from homeassistant.components.weather import DOMAIN as WEATHER
from homeassistant.const import ATTR_ENTITY_ID, ATTR_SUPPORTED_FEATURES, UnitOfTemperature
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.sun import get_astral_observer
from homeassistant.util import dt as dt_util

from .const import LOGGER
from .heating import believable
from .heating.outlook import OUTDOOR_C
from .temperatures import celsius_of, read_celsius

REFRESH_EVERY_S: Final = 1800.0
RETRY_EVERY_S: Final = 120.0
PATIENCE_S: Final = 30.0
PAST_S, AHEAD_S = 3600.0, 48 * 3600.0
MOST_ENTRIES: Final = 1000
COVERED: Final = 100.0

type Forecast = tuple[tuple[float, float, float], ...]
"""Moments (epoch seconds) in order, outdoor °C, and sun on the horizontal in W/m²."""


class Outdoors:
    """The weather outside of a home, as far as an entity tells it."""

    def __init__(self, hass: HomeAssistant, entity_id: str | None) -> None:
        self._hass = hass
        self._entity_id = entity_id
        self._forecast: Forecast = ()
        self._due_s = 0.0

    def celsius(self, now_s: float) -> float | None:
        """Return the temperature outside, None without a fresh reading."""
        if self._entity_id is None:
            return None
        return read_celsius(self._hass, self._entity_id, now_s)

    def forecast(self, now_s: float) -> Forecast:
        """Return what was forecast last; nothing once that is over."""
        if self._forecast and now_s > self._forecast[-1][0]:
            self._forecast = ()
        return self._forecast

    def is_due(self, steady_s: float) -> bool:
        """Tell whether to ask for a forecast at a moment of the monotonic clock; once each time."""
        if steady_s < self._due_s:
            return False
        self._due_s = steady_s + (REFRESH_EVERY_S if self._forecast else RETRY_EVERY_S)
        return self._forecaster() is not None

    async def async_refresh(self, now_s: float) -> None:
        """Ask for a new forecast; what comes too late or makes no sense leaves the old one."""
        if (state := self._forecaster()) is None:
            return
        try:
            async with timeout(PATIENCE_S):
                answer = await self._hass.services.async_call(
                    WEATHER,
                    SERVICE_GET_FORECASTS,
                    {ATTR_ENTITY_ID: state.entity_id, "type": "hourly"},
                    blocking=True,
                    return_response=True,
                )
        except Exception as err:  # noqa: BLE001 - a weather service's faults are its own
            LOGGER.debug("%s gives no forecast: %s", state.entity_id, err)
            return
        told = (answer or {}).get(state.entity_id)
        entries = told.get("forecast") if isinstance(told, Mapping) else None
        unit = state.attributes.get(ATTR_WEATHER_TEMPERATURE_UNIT, UnitOfTemperature.CELSIUS)
        if found := read_forecast(entries, unit, now_s, get_astral_observer(self._hass)):
            self._forecast = found

    def _forecaster(self) -> State | None:
        """Return the state of the entity if it forecasts by the hour."""
        state = self._hass.states.get(self._entity_id) if self._entity_id else None
        if state is None or state.domain != WEATHER:
            return None
        features = state.attributes.get(ATTR_SUPPORTED_FEATURES)
        hourly = isinstance(features, int) and features & WeatherEntityFeature.FORECAST_HOURLY
        return state if hourly else None


def read_forecast(entries: object, unit: object, now_s: float, place: Observer) -> Forecast:
    """Return the believable entries of the days to come, in order of time, each moment once."""
    found: dict[float, tuple[float, float]] = {}
    for entry in entries[:MOST_ENTRIES] if isinstance(entries, list) else ():
        moment = _moment(entry)
        celsius = _celsius(entry, unit)
        if moment is None or celsius is None:
            continue
        if -PAST_S <= (at_s := moment.timestamp()) - now_s <= AHEAD_S:
            cover = believable(entry.get(ATTR_FORECAST_CLOUD_COVERAGE))
            # Sun that nobody has forecast is not counted on.
            covered = COVERED if cover is None else min(max(cover, 0.0), COVERED)
            sun = 0.0 if cover is None else sun_w_m2(elevation(place, moment), covered / COVERED)
            found[at_s] = (celsius, sun)
    return tuple((at_s, *found[at_s]) for at_s in sorted(found))


def sun_w_m2(elevation_deg: float, covered: float) -> float:
    """Return the global irradiance in W/m² under a sky of which the share `covered` is cloud.

    Clear sky after Haurwitz (1945), clouds after Kasten and Czeplak (1980).
    """
    height = sin(radians(elevation_deg))
    if height <= 0:
        return 0.0
    shade: float = 0.75 * covered**3.4
    return 1098.0 * height * exp(-0.057 / height) * (1.0 - shade)


def _moment(entry: object) -> datetime | None:
    written = entry.get(ATTR_FORECAST_TIME) if isinstance(entry, Mapping) else None
    try:
        moment = dt_util.parse_datetime(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _celsius(entry: Any, unit: object) -> float | None:
    value = believable(entry.get(ATTR_FORECAST_TEMP)) if isinstance(entry, Mapping) else None
    return None if value is None else believable(celsius_of(value, unit), *OUTDOOR_C)
