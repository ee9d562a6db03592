"""Entities that do nothing: what Home Assistant itself costs for so many."""

import asyncio
from typing import Any, Final

from homeassistant.components.sensor import SensorEntity, SensorStateClass
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
    """Add as many as were asked for, and statistics of as many of them."""
    assert discovery_info is not None
    count, recorded = int(discovery_info["count"]), int(discovery_info["recorded"])
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        async_add_entities(Idle(n, is_recorded=n < recorded) for n in numbers)
        await asyncio.sleep(0)


class Idle(SensorEntity):
    """An entity that shows a number, for ever the same."""

    _attr_should_poll = False

    def __init__(self, number: int, *, is_recorded: bool) -> None:
        """Register under a number."""
        if is_recorded:
            self._attr_state_class = SensorStateClass.MEASUREMENT
        self._attr_unique_id = f"idle{number}"
        self._attr_name = f"Idle {number}"
        self._attr_native_value = number
