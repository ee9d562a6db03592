"""The coordinator ties the parts of a home together, once every tick."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .archive import Archive
from .backend import EmbeddedBackend
from .boinc_machines import BoincMachines
from .compute.boinc import Details
from .compute.engine import EngineError, EngineProblem, EngineStatus, SettlementPage
from .compute.machine import Machine
from .const import LOGGER
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
        store: Store[dict[str, Any]],
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
        self._next_settlements_s = 0.0

    @override
    async def _async_setup(self) -> None:
        if self.embedded is not None:
            self._showcase = await read_showcase(self.embedded)

    @override
    async def _async_update_data(self) -> HomeState:
        now = Moment(utc_s=time.time(), steady_s=time.monotonic())
        states = {}
        for radiator_id, radiator in self.radiators.items():
            states[radiator_id] = state = radiator.tick(now.utc_s, now.steady_s)
            self._record(radiator_id, now, state.engine)
        booked = False
        if now.steady_s >= self._next_settlements_s:
            self._next_settlements_s = now.steady_s + SETTLEMENTS_EVERY_S
            booked = await self._book_settlements()
        if booked or now.steady_s >= self._next_save_s:
            self._next_save_s = now.steady_s + SAVE_EVERY_S
            await self.async_save()
            await self._hourly.async_tick(now.utc_s, booked=booked)
        await self.archive.async_tick(now.steady_s)
        if booked and self.embedded is not None:
            self._showcase = await read_showcase(self.embedded)
        return HomeState(
            radiators=states,
            balances=self._balances,
            home_balance=self._home_balance,
            showcase=self._showcase,
            boinc=self.boinc.details(),
        )

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

    async def _book_settlements(self) -> bool:
        """Book what the backend has settled since the last look; True if there was anything."""
        booked = False
        for radiator_id, radiator in self.radiators.items():
            cursor = self._ledger.cursor(radiator_id)
            try:
                page = await radiator.engine.settlements(cursor)
            except EngineError as err:
                refused = err.problem is EngineProblem.BACKEND_REFUSED
                if refused and radiator_id not in self.boinc:
                    self.config_entry.async_start_reauth(self.hass)
                continue
            # BOINC's first page holds no settlement, only the credit to count from.
            if page.settlements or page.cursor != cursor:
                booked |= self._book(radiator_id, page)
        return booked

    def _book(self, radiator_id: str, page: SettlementPage) -> bool:
        try:
            booking = self._ledger.book(radiator_id, page, time.time())
        except LedgerError:
            LOGGER.exception("Settlements of %s were not booked", radiator_id)
            return False
        for fault in booking.faults:
            LOGGER.warning("A settlement of %s was not booked: %s", radiator_id, fault.detail)
        return True

    async def async_set(self, radiator_id: str, setting: Setting) -> None:
        """Take over what the tenant has set, keep it, and act on it at once."""
        self.radiators[radiator_id].setting = setting
        await self.async_save()
        await self.async_refresh()

    async def async_save(self) -> None:
        """Write the books and settings; what is written at once is complete or not there."""
        balances, home_balance = self._read_books()
        await self._store.async_save(
            {
                "ledger": self._ledger.save(),
                "radiators": {key: radiator.save() for key, radiator in self.radiators.items()},
                "boinc": self.boinc.save(),
                "core_time": self._core_time.save(),
            }
        )
        self._balances, self._home_balance = balances, home_balance

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
