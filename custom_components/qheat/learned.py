"""What thermostats have learned, on disk: written seldom, for a lost hour is learned again."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .heating import RoomControl
from .shelf import STORAGE_VERSION

SAVE_EVERY_S: Final = 3600.0


class Learned:
    """The file of what the thermostats of a home have learned."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store = Store[dict[str, Any]](hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}.learned")
        self._next_save_s = 0.0

    async def async_read(self) -> object:
        """Return what was written last, whatever it is."""
        return await self._store.async_load()

    async def async_tick(self, steady_s: float, controls: Mapping[str, RoomControl]) -> None:
        """Write if it is time to, at a moment of the monotonic clock."""
        if steady_s >= self._next_save_s:
            self._next_save_s = steady_s + SAVE_EVERY_S
            await self.async_save(controls)

    async def async_save(self, controls: Mapping[str, RoomControl]) -> None:
        """Write what thermostats, by radiator, know now."""
        known = {}
        for key, control in controls.items():
            known[key] = control.save()
            # A whole building at once would hold up everything else.
            await asyncio.sleep(0)
        await self._store.async_save(known)

    async def async_delete(self) -> None:
        """Delete the file."""
        await self._store.async_remove()
