"""The coordinator ties the parts of a home together, once every tick."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .archive import Archive
from .backend import EmbeddedBackend, StoreError
from .boinc_machines import BoincMachines
from .books import BookStore
from .compute.boinc import Details
from .compute.engine import EngineError, EngineProblem, EngineStatus, HeatBudget
from .compute.machine import Machine
from .const import LOGGER
from .heating.learn import refit
from .hourly import HourlyStatistics
from .ledger import Ledger, LedgerError, Moment, Totals
from .prices import Carbon, Prices
from .radiator import Radiator, RadiatorState
from .setting import Presets, Setting
from .showcase import Showcase, read_showcase
from .today import WORK, CoreTime, Today, all_work, work_since

type QheatConfigEntry = ConfigEntry[HomeCoordinator]

# A heat budget is renewed with every tick; a tenant who turns the dial sees watts move at once.
TICK: Final = timedelta(seconds=5)
SETTLEMENTS_EVERY_S: Final = 10.0
SAVE_EVERY_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the books of a radiator, or of the whole home, say; shown as last written to disk.

    So what is shown never goes backwards after a crash.
    """

    totals: Totals
    today: Today
    carbon: Carbon


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeState:
    """All that the entities of a home show."""

    radiators: Mapping[str, RadiatorState]
    balances: Mapping[str, Balance]
    home_balance: Balance
    showcase: Showcase
    boinc: Mapping[str, Details | None]
    """What each BOINC machine does; None while it is not known."""

    @property
    def power_w(self) -> float | None:
        """Heat output of all radiators in watts; None while one of them is unknown."""
        powers_w = [state.engine.power_w for state in self.radiators.values()]
        known_w = [power_w for power_w in powers_w if power_w is not None]
        return sum(known_w) if len(known_w) == len(powers_w) else None

    @property
    def jobs_running(self) -> int:
        """Jobs running on all radiators."""
        return sum(state.engine.jobs_running for state in self.radiators.values())


class HomeCoordinator(DataUpdateCoordinator[HomeState]):
    """Renews heat budgets, records heat, books settlements and keeps the books safe."""

    config_entry: QheatConfigEntry
    close: Callable[[], Awaitable[None]]
    """Closes all that runs behind the coordinator."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: QheatConfigEntry,
        *,
        radiators: Mapping[str, Radiator],
        ledger: Ledger,
        prices: Prices,
        carbon: Carbon,
        core_time: CoreTime,
        archive: Archive,
        hourly: HourlyStatistics,
        presets: Presets,
        machine: Machine | None,
        boinc: BoincMachines,
        embedded: EmbeddedBackend | None,
        store: BookStore,
    ) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=TICK)
        self.presets = presets
        self.machine = machine
        self.embedded = embedded
        self.boinc = boinc
        self.radiators = radiators
        self._ledger = ledger
        self._prices = prices
        self._carbon = carbon
        self._core_time = core_time
        self.archive = archive
        self._hourly = hourly
        self._balances, self._home_balance = self._read_books()
        self._store = store
        self._showcase = Showcase()
        self._next_save_s = 0.0
        self._is_closed = False
        self._faulty: set[str] = set()
        self._complaints: dict[str, str] = {}

    @override
    async def _async_update_data(self) -> HomeState:
        now = Moment(utc_s=time.time(), steady_s=time.monotonic())
        states = {}
        for radiator_id, radiator in self.radiators.items():
            if (state := self._tick(radiator, now)) is not None:
                states[radiator_id] = state
                self._record(radiator_id, now, state.engine)
        if now.steady_s >= self._next_save_s:
            await self.async_save()
            await self._write_hours(booked=False)
        await self.archive.async_tick(now.steady_s)
        return self._state(states)

    def _state(self, radiators: Mapping[str, RadiatorState]) -> HomeState:
        return HomeState(
            radiators=radiators,
            balances=self._balances,
            home_balance=self._home_balance,
            showcase=self._showcase,
            boinc=self.boinc.details(),
        )

    def _tick(self, radiator: Radiator, now: Moment) -> RadiatorState | None:
        """Tick one radiator; a fault in one leaves the others warm, and itself without heat."""
        try:
            state = radiator.tick(now.utc_s, now.steady_s)
        except Exception:  # noqa: BLE001 - whatever it is, the other rooms stay warm
            radiator.engine.set_budget(HeatBudget(power_w=0.0, expires_s=now.steady_s))
            if radiator.radiator_id not in self._faulty:
                LOGGER.exception("The radiator %s has failed", radiator.radiator_id)
            self._faulty.add(radiator.radiator_id)
            return None
        self._faulty.discard(radiator.radiator_id)
        if radiator.control.needs_refit():
            self.config_entry.async_create_background_task(
                self.hass, self._learn(radiator), "qheat learning"
            )
        return state

    async def _learn(self, radiator: Radiator) -> None:
        """Fit the room's model to its history, outside the event loop."""
        snapshot = radiator.control.snapshot()
        radiator.control.adopt(await self.hass.async_add_executor_job(refit, snapshot))

    def _record(self, radiator_id: str, now: Moment, status: EngineStatus) -> None:
        cores = None
        if status.power_w is not None:
            busy = self.radiators[radiator_id].busy_slots(status.power_w)
            cores = busy if status.heat_kind in WORK else 0.0
        self._core_time.record(radiator_id, dt_util.now().date(), now.steady_s, cores)
        try:
            self._ledger.record(
                radiator_id,
                now,
                status.power_w,
                kind=status.heat_kind,
                source=status.power_source,
                tariff=self._prices.now(),
            )
        except LedgerError:
            LOGGER.exception("A reading of %s was not recorded", radiator_id)

    async def async_follow_settlements(self) -> None:
        """Book what backends settle, for ever, apart from the ticks: a slow one stops no heat."""
        await self._look_at_results()
        while True:
            try:
                await self.async_book_settlements()
            except Exception:  # noqa: BLE001 - money still comes in after a fault of today
                LOGGER.exception("Settlements could not be looked at; this is tried again")
            await asyncio.sleep(SETTLEMENTS_EVERY_S)

    async def async_book_settlements(self) -> None:
        """Book what was settled since the last look, and show it."""
        books = [self._book_settlements(radiator) for radiator in self.radiators.values()]
        if any(await asyncio.gather(*books)):
            await self.async_save()
            await self._write_hours(booked=True)
            await self._look_at_results()
            self.async_set_updated_data(self._state(self.data.radiators))

    async def _book_settlements(self, radiator: Radiator) -> bool:
        """Book what was settled since the last look; True if there was anything."""
        cursor = self._ledger.cursor(radiator.radiator_id)
        try:
            page = await radiator.engine.settlements(cursor)
            # BOINC's first page holds no settlement, only the credit to count from.
            if not page.settlements and page.cursor == cursor:
                return False
            booking = self._ledger.book(radiator.radiator_id, page, time.time())
        except EngineError as err:
            refused = err.problem is EngineProblem.BACKEND_REFUSED
            if refused and radiator.radiator_id not in self.boinc:
                self.config_entry.async_start_reauth(self.hass)
            return False
        except LedgerError as err:
            self._complain(radiator.radiator_id, f"settlements were not booked: {err}")
            return False
        if booking.faults:
            count, first = len(booking.faults), booking.faults[0].detail
            complaint = f"{count} settlements were not booked, the first because {first}"
            self._complain(radiator.radiator_id, complaint)
        return True

    def _complain(self, radiator_id: str, complaint: str) -> None:
        """Log what is wrong with a radiator's settlements, once until it changes."""
        if self._complaints.get(radiator_id) != complaint:
            self._complaints[radiator_id] = complaint
            LOGGER.warning("%s: %s", radiator_id, complaint)

    async def _look_at_results(self) -> None:
        if self.embedded is None:
            return
        try:
            self._showcase = await read_showcase(self.embedded)
        except (StoreError, sqlite3.Error, ValueError) as err:
            LOGGER.debug("There is nothing to look at: %s", err)

    async def async_set(self, radiator_id: str, setting: Setting) -> None:
        """Take over what the tenant has set, keep it, and act on it at once."""
        self.radiators[radiator_id].setting = setting
        await self.async_save()
        await self.async_refresh()

    async def async_save(self) -> None:
        """Write the books and settings; what is written is complete or not there at all."""
        if self._is_closed:
            return
        self._next_save_s = time.monotonic() + SAVE_EVERY_S
        balances, home_balance = self._read_books()
        await self._store.async_save(
            {
                "ledger": self._ledger.save(),
                "radiators": {key: radiator.save() for key, radiator in self.radiators.items()},
                "boinc": self.boinc.save(),
                "core_time": self._core_time.save(),
            }
        )
        if self._store.is_written:
            self._balances, self._home_balance = balances, home_balance

    async def _write_hours(self, *, booked: bool) -> None:
        """Write statistics of what is on disk."""
        if self._store.is_written:
            await self._hourly.async_tick(time.time(), booked=booked)

    def _read_books(self) -> tuple[dict[str, Balance], Balance]:
        """Return the balance of each radiator, and of the home with all that it ever had."""
        midnight = dt_util.start_of_local_day()
        work = {
            key: work_since(
                self._ledger.hours(key),
                midnight.timestamp(),
                self._core_time.core_h(key, midnight.date()),
            )
            for key in {*self.radiators, *self._ledger.radiator_ids}
        }
        balances = {
            key: Balance(totals=self._ledger.totals(key), today=work[key], carbon=self._carbon)
            for key in self.radiators
        }
        total, all_today = self._ledger.total(), all_work(list(work.values()))
        return balances, Balance(totals=total, today=all_today, carbon=self._carbon)

    async def async_save_for_good(self) -> None:
        """Write the books for the last time; a tick that is under way writes no more."""
        await self.async_save()
        self._is_closed = True
