"""Follow what a user renames: entities that homes read, and the devices of radiators."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import (
    EVENT_DEVICE_REGISTRY_UPDATED,
    EventDeviceRegistryUpdatedData,
)
from homeassistant.helpers.entity_registry import (
    EVENT_ENTITY_REGISTRY_UPDATED,
    EventEntityRegistryUpdatedData,
)

from .const import DOMAIN

ENTITY_SETTING: Final = "_entity"
"""What the name of each setting that is an entity's id ends in."""


@callback
def async_follow_renames(hass: HomeAssistant) -> None:
    """Write new ids and names into the settings of all homes, also of those that are not loaded."""

    @callback
    def updated(event: Event[EventEntityRegistryUpdatedData]) -> None:
        if event.data["action"] != "update" or "old_entity_id" not in event.data:
            return
        old, new = event.data["old_entity_id"], event.data["entity_id"]
        for entry in hass.config_entries.async_entries(DOMAIN):
            hass.config_entries.async_update_entry(entry, options=_renamed(entry.options, old, new))
            for subentry in entry.subentries.values():
                data = _renamed(subentry.data, old, new)
                hass.config_entries.async_update_subentry(entry, subentry, data=data)

    @callback
    def device_updated(event: Event[EventDeviceRegistryUpdatedData]) -> None:
        if event.data["action"] != "update" or "name_by_user" not in event.data["changes"]:
            return
        device = dr.async_get(hass).async_get(event.data["device_id"])
        if device is None or not device.name_by_user:
            return
        for entry in hass.config_entries.async_entries(DOMAIN):
            if subentry := entry.subentries.get(device.config_subentry_id or ""):
                hass.config_entries.async_update_subentry(
                    entry, subentry, title=device.name_by_user
                )

    hass.bus.async_listen(EVENT_ENTITY_REGISTRY_UPDATED, updated)
    hass.bus.async_listen(EVENT_DEVICE_REGISTRY_UPDATED, device_updated)


def _renamed(settings: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {
        key: new if key.endswith(ENTITY_SETTING) and value == old else value
        for key, value in settings.items()
    }
