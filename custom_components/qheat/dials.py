"""What tenants have set, on disk: a small file of its own, for it is written at every turn."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .shared import Shared

STORAGE_VERSION: Final = 1


class Dials:
    """The file of the settings of all radiators of a home."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        key = f"{DOMAIN}.{entry_id}.dials"
        self._store = Store[dict[str, Any]](hass, STORAGE_VERSION, key, atomic_writes=True)
        self._settings: Callable[[], Mapping[str, Any]] = dict
        self.async_save = Shared(self._write)

    async def async_read(self) -> object:
        """Return what was written last, whatever it is."""
        return await self._store.async_load()

    def follow(self, settings: Callable[[], Mapping[str, Any]]) -> None:
        """Write from now on what `settings` gives: JSON-able data by radiator."""
        self._settings = settings

    async def async_delete(self) -> None:
        """Delete the file."""
        await self._store.async_remove()

    async def _write(self) -> bool:
        await self._store.async_save(dict(self._settings()))
        return True
