"""Setpoints from Home Assistant's schedule helper: what its blocks ask for, now and to come."""

import math
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Final, override

from homeassistant.components.schedule.const import CONF_DATA, CONF_FROM, CONF_TO
from homeassistant.components.schedule.const import DOMAIN as SCHEDULE
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_TEMPERATURE,
    STATE_UNAVAILABLE,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import TemperatureConverter

from .const import LOGGER
from .heating.setting import MAX_SETPOINT_C, MIN_SETPOINT_C, Preset, Presets
from .heating.week import WEEKDAYS, Block, Changes, Week, changes
from .radiator import Schedule

GET_SCHEDULE: Final = "get_schedule"


class HelperSchedule(Schedule):
    """A schedule helper: comfort in its blocks, or their own `temperature`, and eco outside."""

    def __init__(self, hass: HomeAssistant, entity_id: str, presets: Presets) -> None:
        self._hass = hass
        self.entity_id = entity_id
        self._presets = presets
        self._week: Week | None = None
        self._read: datetime | None = None
        self._day: tuple[date, tzinfo] | None = None
        self._changes: Changes = ()

    @override
    async def async_refresh(self) -> None:
        state = self._hass.states.get(self.entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            self._week = self._read = None
        # An edited helper reports, also where neither its state nor its next event is another.
        elif state.last_reported != self._read:
            self._read = state.last_reported
            self._week = await self._async_blocks()
            # Only now: who turns the dial meanwhile still works with the old blocks.
            self._day = None

    @override
    def changes(self) -> Changes | None:
        if self._week is None:
            return None
        if (day := (dt_util.now().date(), dt_util.get_default_time_zone())) != self._day:
            self._day = day
            self._changes = changes(self._week, self._presets[Preset.ECO], *day)
        return self._changes

    async def _async_blocks(self) -> Week | None:
        try:
            answer = await self._hass.services.async_call(
                SCHEDULE,
                GET_SCHEDULE,
                {ATTR_ENTITY_ID: self.entity_id},
                blocking=True,
                return_response=True,
            )
        except HomeAssistantError as err:
            LOGGER.warning("The schedule %s cannot be read: %s", self.entity_id, err)
            return None
        days = (answer or {}).get(self.entity_id)
        return self._blocks(days) if isinstance(days, Mapping) else None

    def _blocks(self, days: Mapping[str, Any]) -> Week:
        unit, comfort_c = self._hass.config.units.temperature_unit, self._presets[Preset.COMFORT]
        return {
            day: [
                Block(
                    begin=block[CONF_FROM],
                    end=block[CONF_TO],
                    setpoint_c=setpoint_of(block.get(CONF_DATA), unit, comfort_c),
                )
                for block in days[day]
            ]
            for day in WEEKDAYS
        }


def setpoint_of(data: object, unit: str, comfort_c: float) -> float:
    """Return the setpoint in °C that a block's data name in `unit`, else comfort."""
    value = data.get(ATTR_TEMPERATURE) if isinstance(data, Mapping) else None
    if isinstance(value, str):
        # To half of Europe 17,5 is a number, to YAML a text.
        value = value.replace(",", ".")
    try:
        named = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError, OverflowError:
        return comfort_c
    celsius = TemperatureConverter.convert(named, unit, UnitOfTemperature.CELSIUS)
    return celsius if MIN_SETPOINT_C <= celsius <= MAX_SETPOINT_C else comfort_c
