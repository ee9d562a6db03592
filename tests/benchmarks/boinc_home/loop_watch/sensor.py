"""Entities that do nothing: what Home Assistant itself costs for so many."""

import asyncio
from typing import Any, Final

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddEntitiesCallback
from homeassistant.helpers.typing import ConfigType

TOGETHER: Final = 25
"""So many are added at once, as the entities of one radiator are."""


async def async_setup_platform(
    hass: HomeAssistant,
    config: ConfigType,
    async_add_entities: AddEntitiesCallback,
    discovery_info: dict[str, Any] | None = None,
) -> None:
    """Add as many as were asked for."""
    count = 0 if discovery_info is None else int(discovery_info["count"])
    for first in range(0, count, TOGETHER):
        async_add_entities(Idle(n) for n in range(first, min(first + TOGETHER, count)))
        await asyncio.sleep(0)


class Idle(SensorEntity):
    """An entity that shows a number, for ever the same."""

    _attr_should_poll = False

    def __init__(self, number: int) -> None:
        """Register under a number."""
        self._attr_unique_id = f"idle{number}"
        self._attr_name = f"Idle {number}"
        self._attr_native_value = number
