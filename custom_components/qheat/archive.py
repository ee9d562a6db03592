"""The days of a home, kept on disk for statements longer than the books keep their hours."""

from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .ledger import History, Ledger

STORAGE_VERSION: Final = 1
ABSORB_EVERY_S: Final = 600.0
SAVE_EVERY_S: Final = 21_600.0


class Archive:
    """Copies days out of the ledger often, and writes them seldom: a lost write is made up for."""

    def __init__(self, store: Store[dict[str, Any]], history: History, ledger: Ledger) -> None:
        self.history = history
        self._store = store
        self._ledger = ledger
        self._changed = False
        self._next_absorb_s = 0.0
        self._next_save_s = 0.0

    async def async_tick(self, steady_s: float) -> None:
        """Copy and write what is due at a moment of the monotonic clock."""
        if steady_s >= self._next_absorb_s:
            self._next_absorb_s = steady_s + ABSORB_EVERY_S
            self.absorb()
        if steady_s >= self._next_save_s:
            self._next_save_s = steady_s + SAVE_EVERY_S
            await self.async_save()

    def absorb(self) -> None:
        """Copy all days that are still open, by the local calendar."""
        changed = self.history.absorb(self._ledger, dt_util.get_default_time_zone())
        self._changed = self._changed or changed

    async def async_save(self) -> None:
        """Write all days, if any has changed."""
        self.absorb()
        if self._changed:
            await self._store.async_save(self.history.save())
            self._changed = False


def archive_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where the days of a home are kept."""
    return Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}.days")


async def async_open_archive(hass: HomeAssistant, entry_id: str, ledger: Ledger) -> Archive:
    """Read the days of a home; raises LedgerError if they are damaged."""
    store = archive_store(hass, entry_id)
    saved = await store.async_load()
    history = History(ledger.currency) if saved is None else History.load(saved)
    return Archive(store, history, ledger)
