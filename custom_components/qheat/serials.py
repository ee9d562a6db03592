"""The highest serials of publishers' manifests, on disk: what an older one allowed stays over."""

from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .shelf import home_store

SAVE_AFTER_S: Final = 1.0


class Serials:
    """The file of a home's serials, by publisher and module."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store: Store[dict[str, int]] = home_store(hass, entry_id, "serials")

    async def async_read(self) -> Mapping[str, int]:
        """Return what was written last; what is no serial is left out."""
        saved: object = await self._store.async_load()
        if not isinstance(saved, dict):
            return {}
        return {str(key): serial for key, serial in saved.items() if type(serial) is int}

    def keep(self, serials: Mapping[str, int]) -> None:
        """Write soon what `serials` holds then."""
        self._store.async_delay_save(lambda: dict(serials), SAVE_AFTER_S)
