"""Radiators as individual devices of the energy dashboard: put there, and taken out again."""

from homeassistant.components.energy.const import DOMAIN as ENERGY_DOMAIN
from homeassistant.components.energy.data import (
    DeviceConsumption,
    EnergyManager,
    EnergyPreferencesUpdate,
    async_get_manager,
)
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.service import async_get_config_entry

from .const import DOMAIN
from .coordinator import QheatConfigEntry


async def async_add_to_energy_dashboard(call: ServiceCall) -> None:
    """Add each radiator of a home that the dashboard does not have yet, and could show."""
    manager, devices = await _manager_and_devices(call)
    known = _known(manager)
    present = {device["stat_consumption"] for device in known}
    missing = [
        device
        for device in devices
        if (energy := device["stat_consumption"]) not in present and _is_enabled(call.hass, energy)
    ]
    await _update(manager, known + missing)


async def async_remove_from_energy_dashboard(call: ServiceCall) -> None:
    """Take each radiator of a home out of the dashboard, and touch nothing else."""
    manager, devices = await _manager_and_devices(call)
    ours = {device["stat_consumption"] for device in devices}
    await _update(
        manager, [device for device in _known(manager) if device["stat_consumption"] not in ours]
    )


async def _manager_and_devices(
    call: ServiceCall,
) -> tuple[EnergyManager, list[DeviceConsumption]]:
    hass = call.hass
    entry: QheatConfigEntry = async_get_config_entry(
        hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID)
    )
    if ENERGY_DOMAIN not in hass.config.components:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="energy_missing")
    registry, devices = er.async_get(hass), []
    for radiator_id, subentry in entry.subentries.items():
        energy, power = (
            registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, f"{radiator_id}_{key}")
            for key in ("heat", "heat_output")
        )
        if energy is not None:
            device = DeviceConsumption(stat_consumption=energy, name=subentry.title)
            if power is not None and _is_enabled(hass, power):
                device["stat_rate"] = power
            devices.append(device)
    return await async_get_manager(hass), devices


def _is_enabled(hass: HomeAssistant, entity_id: str) -> bool:
    entity = er.async_get(hass).async_get(entity_id)
    return entity is not None and not entity.disabled


def _known(manager: EnergyManager) -> list[DeviceConsumption]:
    return list((manager.data or manager.default_preferences())["device_consumption"])


async def _update(manager: EnergyManager, devices: list[DeviceConsumption]) -> None:
    if devices != _known(manager):
        preferences = manager.data or manager.default_preferences()
        await manager.async_update(
            EnergyPreferencesUpdate(
                energy_sources=preferences["energy_sources"], device_consumption=devices
            )
        )
