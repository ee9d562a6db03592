"""A home's coordinator ties its parts together, once every tick."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .backend import EmbeddedBackend, StoreError
from .boinc_machines import BoincMachines
from .books import Balance, HomeBooks
from .cadence import cadence
from .compute.engine import EngineError, EngineProblem
from .compute.machine import Machine
from .const import LOGGER
from .heating.setting import Presets, Setting
from .outdoors import Outdoors
from .radiator import Radiator, RadiatorState
from .radiator_coordinator import RadiatorCoordinator
from .shelf import CheckedStore
from .showcase import Showcase, read_showcase
from .turns import async_next_turn

type QheatConfigEntry = ConfigEntry[HomeCoordinator]

# A heat budget is renewed with every tick; a tenant who turns the dial sees watts move at once.
TICK: Final = timedelta(seconds=5)
SAVE_LEARNED_EVERY_S: Final = 3600.0
"""What thermostats have learned is written seldom: a lost hour is learned again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeState:
    """All that the entities of a home's own device show."""

    radiators: Mapping[str, RadiatorState]
    """Of those whose last tick went well."""
    are_all: bool
    showcase: Showcase

    @property
    def power_w(self) -> float | None:
        """Heat output of all radiators in watts; None while one of them is unknown."""
        powers_w = [state.engine.power_w for state in self.radiators.values()]
        known_w = [power_w for power_w in powers_w if power_w is not None]
        return sum(known_w) if self.are_all and len(known_w) == len(powers_w) else None

    @property
    def jobs_running(self) -> int:
        """Jobs running on all radiators."""
        return sum(state.engine.jobs_running for state in self.radiators.values())


class HomeCoordinator(DataUpdateCoordinator[HomeState]):
    """Ticks the radiators of a home, books what backends settle, and keeps the books safe."""

    config_entry: QheatConfigEntry
    async_close_home: Callable[[], Awaitable[None]]
    """Ends the ticks and closes all that was opened for the home."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: QheatConfigEntry,
        *,
        radiators: Mapping[str, Radiator],
        books: HomeBooks,
        learned: Store[dict[str, Any]],
        dials: CheckedStore,
        outdoors: Outdoors,
        presets: Presets,
        machine: Machine | None,
        boinc: BoincMachines,
        embedded: EmbeddedBackend | None,
    ) -> None:
        super().__init__(hass, LOGGER, config_entry=entry, name=entry.title, update_interval=TICK)
        self.radiators = {
            key: RadiatorCoordinator(hass, entry, radiator, books)
            for key, radiator in radiators.items()
        }
        self.presets = presets
        self.machine = machine
        self.embedded = embedded
        self.boinc = boinc
        self.books = books
        self.accounts = {
            key: DataUpdateCoordinator[Balance](
                hass,
                LOGGER,
                config_entry=entry,
                name=f"account {key}",
                update_method=partial(self._async_balance, key),
            )
            for key in (entry.entry_id, *radiators)
        }
        """The books of each radiator, and of all together: shown when they are on disk."""
        for key, account in self.accounts.items():
            account.data = self._balance(key)
        self._cadence = cadence(hass)
        self._learned = learned
        self._next_learned_s = 0.0
        self._dials = dials
        self._outdoors = outdoors
        self._showcase = Showcase()
        self._ticks = 0

    async def async_tick_on(self) -> None:
        """Tick for ever, also where Home Assistant does not, because the home is not to be polled.

        Whoever turns polling off does not mean to end all heat, nor the frost guard.
        """
        while True:
            await asyncio.sleep(TICK.total_seconds())
            await self.async_refresh()

    @override
    async def async_shutdown(self) -> None:
        """End all ticks, also one under way: an engine that stops is to get no new budget."""
        await super().async_shutdown()
        for radiator in self.radiators.values():
            await radiator.async_shutdown()

    @override
    async def _async_setup(self) -> None:
        """Look at what jobs have found before: it is not new with every restart."""
        await self._look_at_results()

    @override
    async def _async_update_data(self) -> HomeState:
        ticks, self._ticks = self._ticks, self._ticks + 1
        # A building of radiators, or of homes that are due together, is no reason for anything else
        # to wait: one at a time.
        for number, (key, radiator) in enumerate(self.radiators.items()):
            if ticks and key in self.boinc and (number + ticks) % self._cadence.boinc_in_ticks:
                continue
            await async_next_turn(self.hass)
            await radiator.async_refresh()
        now_s = time.monotonic()
        if self._outdoors.is_due(now_s):
            self.config_entry.async_create_background_task(
                self.hass, self._outdoors.async_refresh(time.time()), "qheat forecast"
            )
        # What a full disk did not take of the dials, it takes after the books.
        if await self.books.async_tick(now_s) and not self._dials.is_written:
            await self._save_dials()
        # Those of a building bit by bit, each in its turn: a dozen entities show each.
        for number, key in enumerate(self.accounts):
            if (number + ticks) % self._cadence.shown_in_ticks == 0:
                await self._async_show_account(key)
        if now_s >= self._next_learned_s:
            self._next_learned_s = now_s + SAVE_LEARNED_EVERY_S
            await self._save_learned()
        return self._state()

    def _state(self) -> HomeState:
        radiators = {
            key: radiator.data
            for key, radiator in self.radiators.items()
            if radiator.last_update_success
        }
        return HomeState(
            radiators=radiators,
            are_all=len(radiators) == len(self.radiators),
            showcase=self._showcase,
        )

    def _show(self) -> None:
        """Show what is new between two ticks; `async_set_updated_data` would put off the next."""
        self.data = self._state()
        self.async_update_listeners()

    async def _async_show_account(self, key: str) -> None:
        """Show what was written of an account, unless it is shown already."""
        if self.accounts[key].data is not (balance := self._balance(key)):
            self.accounts[key].async_set_updated_data(balance)
            await async_next_turn(self.hass)

    def _balance(self, account_id: str) -> Balance:
        if account_id == self.config_entry.entry_id:
            return self.books.home_balance
        return self.books.balances[account_id]

    async def _async_balance(self, account_id: str) -> Balance:
        """Return a balance again, for whoever has Home Assistant update its sensors."""
        return self._balance(account_id)

    async def async_follow_settlements(self) -> None:
        """Book what backends settle, for ever, apart from the ticks: a slow one stops no heat."""
        while True:
            try:
                await self.async_book_settlements()
            except Exception:  # noqa: BLE001 - money still comes in after a fault of today
                LOGGER.exception("Settlements could not be shown; this is tried again")
            await asyncio.sleep(self._cadence.settlements_every_s)

    async def async_book_settlements(self) -> None:
        """Book what was settled since the last look, and show it."""
        asked: dict[str, asyncio.Task[bool]] = {}
        async with asyncio.TaskGroup() as group:
            for key, one in self.radiators.items():
                asked[key] = group.create_task(self._book_settlements(one.radiator))
                # A whole building at once would hold up everything else.
                await async_next_turn(self.hass)
        paid = [key for key, task in asked.items() if task.result()]
        if not paid:
            return
        await self.books.async_save(booked=paid)
        for key in (self.config_entry.entry_id, *paid):
            await self._async_show_account(key)
        await self._look_at_results()
        self._show()

    async def _book_settlements(self, radiator: Radiator) -> bool:
        """Book what was settled since the last look; True if there was anything."""
        radiator_id = radiator.radiator_id
        try:
            page = await radiator.engine.settlements(self.books.cursor(radiator_id))
            return self.books.book(radiator_id, page)
        except EngineError as err:
            refused = err.problem is EngineProblem.BACKEND_REFUSED
            if refused and radiator_id not in self.boinc:
                self.config_entry.async_start_reauth(self.hass)
        except Exception:  # noqa: BLE001 - the others' money comes in, and this is asked for again
            LOGGER.exception("The settlements of %s could not be looked at", radiator_id)
        return False

    async def _look_at_results(self) -> None:
        if self.embedded is None:
            return
        try:
            self._showcase = await read_showcase(self.embedded)
        except (StoreError, sqlite3.Error, ValueError) as err:
            LOGGER.debug("There is nothing to look at: %s", err)

    async def async_set(self, radiator_id: str, setting: Setting) -> None:
        """Take over what the tenant has set, act on it at once, and keep it."""
        radiator = self.radiators[radiator_id]
        radiator.radiator.setting = setting
        try:
            # What Home Assistant does for an action has had its turn; the plan takes another.
            await async_next_turn(self.hass)
            await radiator.async_refresh()
            # A dozen entities have shown it, and a building has many settings to write.
            await async_next_turn(self.hass)
        finally:
            # Also where the automation that turns the dial is cut off by being started anew. A home
            # that was closed meanwhile has written it, and may be removed or open anew by now.
            if getattr(self.config_entry, "runtime_data", None) is self:
                await asyncio.shield(self.hass.async_create_task(self._save_dials()))

    async def _save_dials(self) -> None:
        """Write what tenants have set: a small file of its own, for it is written at every turn."""
        await self._dials.async_save(
            {key: one.radiator.setting.save() for key, one in self.radiators.items()}
        )

    async def _save_learned(self) -> None:
        """Write what the thermostats know now."""
        known = {}
        for key, one in self.radiators.items():
            known[key] = one.radiator.control.save()
            # A whole building at once would hold up everything else.
            await asyncio.sleep(0)
        await self._learned.async_save(known)

    async def async_close(self) -> None:
        """Write for the last time what was set, what thermostats have learned, and the books."""
        await self._save_dials()
        await self._save_learned()
        await self.books.async_close()
