"""The days of a home, kept on disk for statements longer than the books keep their hours."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .coalescing import Coalesced
from .compute.engine import Settlement
from .const import LOGGER
from .ledger import MEMORY, History, Ledger, LedgerError
from .shelf import CheckedStore, home_store

ABSORB_EVERY_S: Final = 600.0
SAVE_EVERY_S: Final = 21_600.0
MOST_UNSAVED: Final = MEMORY // 2
"""Settlements of one radiator: the books forget the ids of those beyond `MEMORY`."""


class Archive:
    """Copies days out of the ledger often, and writes them seldom: a lost write is made up for.

    `set_aside` writes elsewhere what is to be kept of the file before it is written over.
    """

    def __init__(
        self,
        store: CheckedStore,
        history: History,
        ledger: Ledger,
        set_aside: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self.history = history
        self._store = store
        self._set_aside = set_aside
        self._ledger = ledger
        self._changed = False
        self._unsaved: Counter[str] = Counter()
        self._next_absorb_s = 0.0
        self._next_save_s = 0.0
        # Coalesced: of two writes at once the older may be the last.
        self.async_save = Coalesced(self._write)

    def booked(self, radiator_id: str, settlements: Collection[Settlement]) -> None:
        """Take note of settlements in the ledger that are not on disk here."""
        self.history.note(radiator_id, settlements, dt_util.get_default_time_zone())
        self._unsaved[radiator_id] += len(settlements)
        self._changed = self._changed or bool(settlements)

    async def async_tick(self, steady_s: float) -> None:
        """Copy and write what is due at a moment of the monotonic clock."""
        if steady_s >= self._next_absorb_s:
            self._next_absorb_s = steady_s + ABSORB_EVERY_S
            await self.async_absorb()
        if steady_s >= self._next_save_s:
            self._next_save_s = steady_s + SAVE_EVERY_S
            await self.async_save()

    async def async_keep_up(self) -> None:
        """Write before the books are, if they may have forgotten what is not on disk here."""
        if max(self._unsaved.values(), default=0) >= MOST_UNSAVED:
            await self.async_save()

    async def async_absorb(self) -> None:
        """Copy all days that are still open, by the local calendar."""
        time_zone = dt_util.get_default_time_zone()
        for radiator_id in self._ledger.radiator_ids:
            changed = self.history.absorb(radiator_id, self._ledger, time_zone)
            self._changed = self._changed or changed
            # The days of a whole building at once would hold up everything else.
            await asyncio.sleep(0)

    async def _write(self) -> bool:
        """Write all days, if any has changed."""
        unsaved, self._unsaved = self._unsaved, Counter()
        await self.async_absorb()
        if self._changed:
            self._changed, is_written = False, False
            try:
                if self._set_aside is not None and await self._set_aside():
                    self._set_aside = None
                if self._set_aside is None:
                    # The years of a building take seconds: no work for the loop.
                    saved = await asyncio.to_thread(self.history.copy().save)
                    is_written = await self._store.async_write(saved)
            finally:
                # The disk may be full, or the home ends, and with it the task that writes.
                if not is_written:
                    self._changed = True
                    self._unsaved.update(unsaved)
        return True


async def async_open_archive(hass: HomeAssistant, entry_id: str, ledger: Ledger) -> Archive:
    """Read the days of a home; damaged ones are set aside, and the days still open kept anew."""
    store = home_store(hass, entry_id, "days")
    saved = await store.async_load()
    history, set_aside = History(ledger.currency), None
    if saved is not None:
        try:
            history = await hass.async_add_executor_job(History.load, saved, ledger.currency)
        except LedgerError as err:
            LOGGER.error("The days kept for statements are damaged and set aside: %s", err)
            set_aside = partial(home_store(hass, entry_id, "days.damaged").async_write, saved)
    history.begin_anew(ledger, time.time())
    return Archive(store, history, ledger, set_aside)
