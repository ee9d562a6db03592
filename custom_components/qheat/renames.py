"""Entities that a home reads keep their place in its settings when their user renames them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import async_track_entity_registry_updated_event

from .const import (
    CONF_ELECTRICITY_PRICE_ENTITY,
    CONF_OUTDOOR_ENTITY,
    CONF_POWER_ENTITY,
    CONF_REFERENCE_PRICE_ENTITY,
    CONF_SCHEDULE_ENTITY,
    CONF_TEMPERATURE_ENTITY,
)

SETTINGS: Final = frozenset(
    {
        CONF_ELECTRICITY_PRICE_ENTITY,
        CONF_OUTDOOR_ENTITY,
        CONF_POWER_ENTITY,
        CONF_REFERENCE_PRICE_ENTITY,
        CONF_SCHEDULE_ENTITY,
        CONF_TEMPERATURE_ENTITY,
    }
)


def follow_renames(hass: HomeAssistant, entry: ConfigEntry) -> Callable[[], None]:
    """Write new entity ids into a home's settings; return how to end that."""

    @callback
    def updated(event: Event[EventEntityRegistryUpdatedData]) -> None:
        if event.data["action"] != "update" or "old_entity_id" not in event.data:
            return
        old, new = event.data["old_entity_id"], event.data["entity_id"]
        hass.config_entries.async_update_entry(entry, options=_renamed(entry.options, old, new))
        for subentry in entry.subentries.values():
            data = _renamed(subentry.data, old, new)
            hass.config_entries.async_update_subentry(entry, subentry, data=data)

    named = {
        settings[key]
        for settings in (entry.options, *(one.data for one in entry.subentries.values()))
        for key in SETTINGS & settings.keys()
    }
    return async_track_entity_registry_updated_event(hass, named, updated)


def _renamed(settings: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {
        key: new if key in SETTINGS and value == old else value for key, value in settings.items()
    }
