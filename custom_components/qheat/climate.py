"""Climate platform of the qheat integration: the thermostat of each radiator."""

import time
from math import isfinite
from typing import Any, Final, override

from homeassistant.components.climate import (
    ATTR_HVAC_MODE,
    PRESET_NONE,
    ClimateEntity,
    ClimateEntityDescription,
    ClimateEntityFeature,
    HVACAction,
    HVACMode,
)
from homeassistant.const import ATTR_TEMPERATURE, PRECISION_TENTHS, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.temperature import display_temp

from .const import DOMAIN, THERMOSTAT
from .coordinator import QheatConfigEntry
from .entity import RadiatorEntity, async_add
from .heating.setting import MAX_SETPOINT_C, MIN_SETPOINT_C, PRESET_SCHEDULE, Preset, Setting

# No tenant waits until another has turned a dial.
PARALLEL_UPDATES = 0

DESCRIPTION: Final = ClimateEntityDescription(key=THERMOSTAT, name=None)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: QheatConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up a thermostat for each radiator."""
    for radiator_id in entry.runtime_data.radiators:
        thermostat = QheatThermostat(entry.runtime_data, radiator_id, DESCRIPTION)
        await async_add(hass, entry, async_add_entities, [thermostat], radiator_id)


class QheatThermostat(RadiatorEntity, ClimateEntity):
    """The thermostat of one radiator."""

    _attr_hvac_modes = [HVACMode.OFF, HVACMode.HEAT]
    _attr_max_temp = MAX_SETPOINT_C
    _attr_min_temp = MIN_SETPOINT_C
    _attr_precision = PRECISION_TENTHS
    _attr_supported_features = (
        ClimateEntityFeature.TARGET_TEMPERATURE
        | ClimateEntityFeature.PRESET_MODE
        | ClimateEntityFeature.TURN_OFF
        | ClimateEntityFeature.TURN_ON
    )
    _attr_target_temperature_step = 0.5
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_temperature_unit = UnitOfTemperature.CELSIUS  # before 2026.11

    @property
    def _setting(self) -> Setting:
        return self.coordinator.radiator.setting

    @property
    @override
    def hvac_mode(self) -> HVACMode:
        return HVACMode.HEAT if self._setting.heating else HVACMode.OFF

    @property
    @override
    def hvac_action(self) -> HVACAction:
        if self.coordinator.data.is_heating:
            return HVACAction.HEATING
        return HVACAction.IDLE if self._setting.heating else HVACAction.OFF

    @property
    def native_current_temperature(self) -> float | None:
        """Temperature of the room in °C."""
        return self.coordinator.data.reading.temperature_c

    @property
    def native_target_temperature(self) -> float:
        """Setpoint in °C."""
        return self._setting.setpoint_c

    current_temperature = native_current_temperature  # before 2026.11
    target_temperature = native_target_temperature  # before 2026.11

    @property
    def _has_schedule(self) -> bool:
        return self.coordinator.radiator.schedule is not None

    @property
    @override
    def preset_modes(self) -> list[str]:
        return [PRESET_NONE, *[PRESET_SCHEDULE] * self._has_schedule, *Preset]

    @property
    @override
    def preset_mode(self) -> str:
        if self._has_schedule and self._setting.follows:
            return PRESET_SCHEDULE
        return self._setting.preset or PRESET_NONE

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        await self._set(self._setting.with_heating(hvac_mode is HVACMode.HEAT))

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        if preset_mode == PRESET_SCHEDULE:
            await self._set(self._setting.following())
            return
        preset = None if preset_mode == PRESET_NONE else Preset(preset_mode)
        await self._set(self._by_hand(self._setting.with_preset(preset, self._home.presets)))

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        setting = self._setting
        if (mode := kwargs.get(ATTR_HVAC_MODE)) is not None:
            self._valid_mode_or_raise("hvac", mode, self.hvac_modes)
            setting = setting.with_heating(mode == HVACMode.HEAT)
        if (setpoint_c := kwargs.get(ATTR_TEMPERATURE)) is not None:
            # Home Assistant looks whether it is too high or too low: NaN is neither.
            if not isfinite(setpoint_c):
                raise ServiceValidationError(
                    translation_domain=DOMAIN, translation_key="setpoint_not_finite"
                )
            setting = self._by_hand(setting.with_setpoint(setpoint_c, self._home.presets))
        await self._set(setting)

    @override
    def shows(self) -> object:
        room_c, unit = self.native_current_temperature, self.hass.config.units.temperature_unit
        shown = display_temp(self.hass, room_c, UnitOfTemperature.CELSIUS, PRECISION_TENTHS)
        return self._setting, self.hvac_action, shown, unit

    def _by_hand(self, setting: Setting) -> Setting:
        return self.coordinator.radiator.by_hand(setting, time.time())

    async def _set(self, setting: Setting) -> None:
        await self._home.async_set(self._key, setting)
