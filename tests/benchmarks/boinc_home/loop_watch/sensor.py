"""Entities that only count: what Home Assistant itself costs for so many, written so often."""

import asyncio
from itertools import cycle
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
    """Add as many as were asked for, and write as many of them each second as were asked for."""
    if discovery_info is None:
        return
    counters = [Counter(number) for number in range(discovery_info["count"])]
    for first in range(0, len(counters), TOGETHER):
        async_add_entities(counters[first : first + TOGETHER])
        await asyncio.sleep(0)
    if (writes_per_s := discovery_info["writes_per_s"]) > 0:
        hass.async_create_background_task(_count(counters, 1 / writes_per_s), "counting")


async def _count(counters: list[Counter], every_s: float) -> None:
    for counter in cycle(counters):
        await asyncio.sleep(every_s)
        counter.count()


class Counter(SensorEntity):
    """An entity that shows a number."""

    _attr_should_poll = False

    def __init__(self, number: int) -> None:
        """Register under a number."""
        self._attr_unique_id = f"counter{number}"
        self._attr_name = f"Counter {number}"
        self._value = self._attr_native_value = number

    def count(self) -> None:
        """Show the next number."""
        self._value += 1
        self._attr_native_value = self._value
        self.async_write_ha_state()
