"""A home's books: heat recorded, settlements booked, all of it kept safe and shown once it is."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from homeassistant.helpers.json import json_bytes, json_fragment
from homeassistant.util import dt as dt_util

from .archive import Archive
from .coalescing import Coalesced
from .compute.engine import EngineStatus, SettlementPage
from .const import LOGGER
from .hourly_statistics import HourlyStatistics
from .ledger import Carbon, ForeignMoney, Ledger, LedgerError, Moment, Reading, Totals
from .prices import Prices
from .shelf import Shelf
from .work_today import WORK, CoreTime, Today, all_work, work_since


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the books of a radiator, or of the whole home, say; shown as last written to disk.

    So what is shown never goes backwards after a crash.
    """

    totals: Totals
    today: Today
    midnight: datetime
    """When the day that `today` tells of began."""
    carbon: Carbon


@dataclass(eq=False, kw_only=True)
class HomeBooks:
    """The ledger of a home with its prices, its files and its statistics."""

    ledger: Ledger
    shelf: Shelf
    archive: Archive
    hourly: HourlyStatistics
    prices: Prices
    carbon: Carbon
    core_time: CoreTime
    foreign: ForeignMoney
    names: Mapping[str, str]
    """Of all radiators that the home has and had, by id."""
    radiator_ids: tuple[str, ...]
    save_every_s: float
    state: Callable[[], Mapping[str, Any]]
    """Gives what is to be written with the books, as JSON-able data."""
    balances: dict[str, Balance] = field(default_factory=dict, init=False)
    _complaints: dict[str, str] = field(default_factory=dict, init=False)
    _next_save_s: float = field(default=0.0, init=False)
    _is_closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._save = Coalesced(self._write)
        self.home_balance = self._home_balance(self.balances)

    async def async_open(self) -> None:
        """Reckon what is shown first; a building of accounts takes a while."""
        for radiator_id in self._all_ids:
            self.balances[radiator_id] = self._balance(radiator_id)
            await asyncio.sleep(0)
        self.home_balance = self._home_balance(self.balances)

    def record(
        self, radiator_id: str, now: Moment, status: EngineStatus, cores: float | None
    ) -> None:
        """Record what a radiator does now, `cores` of it being busy (None: unknown)."""
        if cores is not None and status.heat_kind not in WORK:
            cores = 0.0
        self.core_time.record(
            radiator_id, dt_util.now().date(), now.steady_s, cores, status.cores_by_kind
        )
        try:
            reading = Reading(
                moment=now,
                power_w=status.power_w,
                kind=status.heat_kind,
                source=status.power_source,
                tariff=self.prices.now(),
                counted_j=status.counted_j,
            )
            self.ledger.record(radiator_id, reading)
        except LedgerError:
            LOGGER.exception("A reading of %s was not recorded", radiator_id)

    def cursor(self, radiator_id: str) -> str | None:
        """Return where to ask a radiator's engine for settlements next; None: from the first."""
        return self.ledger.cursor(radiator_id)

    def book(self, radiator_id: str, page: SettlementPage) -> bool:
        """Book what was settled; tell if there is anything to save. Log once what is wrong."""
        # BOINC's first page holds no settlement, only the credit to count from.
        if not page.settlements and page.cursor == self.ledger.cursor(radiator_id):
            return False
        try:
            booking = self.ledger.book(radiator_id, page, time.time())
        except LedgerError as err:
            self._complain(radiator_id, f"settlements were not booked: {err}")
            return False
        self.foreign.note(radiator_id, booking)
        self.archive.booked(radiator_id, booking.booked)
        if booking.faults:
            count, first = len(booking.faults), booking.faults[0].detail
            complaint = f"{count} settlements were not booked, the first because {first}"
            self._complain(radiator_id, complaint)
        return True

    async def async_tick(self, steady_s: float) -> bool:
        """Write what is due at a moment of the monotonic clock; tell if balances are new."""
        saved = steady_s >= self._next_save_s and await self.async_save()
        await self.archive.async_tick(steady_s)
        return saved

    async def async_save(self, *, booked: Collection[str] = ()) -> bool:
        """Write the books, and all that is kept with them; tell whether they are on disk.

        What is written is complete or not there at all. `booked` names the radiators for which
        settlements were.
        """
        if not await self._save():
            return False
        await self.hourly.async_tick(time.time(), booked=booked)
        return True

    async def _write(self) -> bool:
        """Write everything once; tell whether it is on disk."""
        if self._is_closed:
            return False
        self._next_save_s = time.monotonic() + self.save_every_s
        accounts, balances = {}, {}
        for radiator_id in self._all_ids:
            # Each account by itself belongs to one moment; a building of them takes a while.
            await asyncio.sleep(0)
            # As text at once: thousands of objects would keep Python's garbage collector busy.
            account = self.ledger.save_account(radiator_id)
            accounts[radiator_id] = json_fragment(json_bytes(account))
            balances[radiator_id] = self._balance(radiator_id)
        changes = {
            "ledger": self.ledger.document(accounts),
            "core_time": self.core_time.save(),
            "names": self.names,
            "foreign": self.foreign.save(),
            **self.state(),
        }
        await self.archive.async_keep_up()
        if not await self.shelf.async_write(changes):
            return False
        self.balances, self.home_balance = balances, self._home_balance(balances)
        await self._write_volumes()
        return True

    async def async_close(self) -> None:
        """Write the books for the last time; a tick that is under way writes no more."""
        await self.archive.async_save()
        await self.async_save()
        self._is_closed = True

    async def _write_volumes(self) -> None:
        for radiator_id in self.ledger.thick:
            if self.shelf.is_closing:
                return
            try:
                with self.ledger.volume(radiator_id) as volume:
                    await self.shelf.async_write_volume(radiator_id, volume)
            except OSError as err:
                LOGGER.error("The account of %s was not written whole: %s", radiator_id, err)

    @property
    def _all_ids(self) -> tuple[str, ...]:
        """The radiators of the home, and those it had."""
        return tuple(dict.fromkeys((*self.radiator_ids, *self.ledger.radiator_ids)))

    def _balance(self, radiator_id: str) -> Balance:
        midnight = dt_util.start_of_local_day()
        return Balance(
            totals=self.ledger.totals(radiator_id),
            today=work_since(
                self.ledger.hours(radiator_id),
                midnight.timestamp(),
                self.core_time.core_h(radiator_id, midnight.date()),
            ),
            midnight=midnight,
            carbon=self.carbon,
        )

    def _home_balance(self, balances: Mapping[str, Balance]) -> Balance:
        return Balance(
            totals=sum((balance.totals for balance in balances.values()), Totals()),
            today=all_work([balance.today for balance in balances.values()]),
            midnight=min(
                (balance.midnight for balance in balances.values()),
                default=dt_util.start_of_local_day(),
            ),
            carbon=self.carbon,
        )

    def _complain(self, radiator_id: str, complaint: str) -> None:
        """Log what is wrong with a radiator's settlements, once until it changes."""
        if self._complaints.get(radiator_id) != complaint:
            self._complaints[radiator_id] = complaint
            LOGGER.warning("%s: %s", radiator_id, complaint)
