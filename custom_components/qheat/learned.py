"""What thermostats have learned, on disk: written seldom, for a lost hour is learned again."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.helpers.storage import Store

from .heating import RoomControl

SAVE_EVERY_S: Final = 3600.0


class Learned:
    """Writes what the thermostats of a home, by radiator, have learned."""

    def __init__(self, store: Store[dict[str, Any]], controls: Mapping[str, RoomControl]) -> None:
        self._store = store
        self._controls = controls
        self._next_save_s = 0.0

    async def async_tick(self, steady_s: float) -> None:
        """Write if it is time to, at a moment of the monotonic clock."""
        if steady_s >= self._next_save_s:
            self._next_save_s = steady_s + SAVE_EVERY_S
            await self.async_save()

    async def async_save(self) -> None:
        """Write what they know now."""
        known = {}
        for key, control in self._controls.items():
            known[key] = control.save()
            # A whole building at once would hold up everything else.
            await asyncio.sleep(0)
        await self._store.async_save(known)
