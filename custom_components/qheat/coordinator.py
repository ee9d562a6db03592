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

from .compute.engine import EngineError, EngineProblem, EngineStatus
from .const import DOMAIN, LOGGER
from .ledger import Account, Ledger, LedgerError, Tariff
from .radiator import Radiator, RadiatorState
from .setting import Presets, Setting

type QheatConfigEntry = ConfigEntry[HomeCoordinator]

# A heat budget is renewed with every tick; a tenant who turns the dial sees watts move at once.
TICK: Final = timedelta(seconds=5)
SETTLEMENTS_EVERY_S: Final = 10.0
SAVE_EVERY_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeState:
    """All that the entities of a home show."""

    radiators: Mapping[str, RadiatorState]
    accounts: Mapping[str, Account]
    total: Account

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
        tariff: Tariff,
        presets: Presets,
        store: Store[dict[str, Any]],
    ) -> None:
        super().__init__(
            hass, LOGGER, config_entry=entry, name=entry.title, update_interval=TICK
        )
        self.presets = presets
        self.radiators = radiators
        self._ledger = ledger
        self._tariff = tariff
        self._store = store
        self._next_save_s = 0.0
        self._next_settlements_s = 0.0

    @override
    async def _async_update_data(self) -> HomeState:
        now_s, monotonic_s = time.time(), time.monotonic()
        states = {}
        for radiator_id, radiator in self.radiators.items():
            states[radiator_id] = state = radiator.tick(now_s, monotonic_s)
            self._record(radiator_id, now_s, state.engine)
        booked = False
        if monotonic_s >= self._next_settlements_s:
            self._next_settlements_s = monotonic_s + SETTLEMENTS_EVERY_S
            booked = await self._book_settlements()
        if booked or monotonic_s >= self._next_save_s:
            self._next_save_s = monotonic_s + SAVE_EVERY_S
            await self.async_save()
        return HomeState(
            radiators=states,
            accounts={key: self._ledger.account(key) for key in states},
            total=self._ledger.total(),
        )

    def _record(self, radiator_id: str, now_s: float, status: EngineStatus) -> None:
        try:
            self._ledger.record(
                radiator_id,
                now_s,
                status.power_w,
                kind=status.heat_kind,
                source=status.power_source,
                tariff=self._tariff,
            )
        except LedgerError:
            LOGGER.exception("A reading of %s was not recorded", radiator_id)

    async def _book_settlements(self) -> bool:
        """Book what the backend has settled since the last look; True if there was anything."""
        booked = False
        for radiator_id, radiator in self.radiators.items():
            try:
                page = await radiator.engine.settlements(self._ledger.cursor(radiator_id))
            except EngineError as err:
                if err.problem is EngineProblem.BACKEND_REFUSED:
                    self.config_entry.async_start_reauth(self.hass)
                continue
            if page.settlements:
                self._ledger.book(radiator_id, page)
                booked = True
        return booked

    async def async_set(self, radiator_id: str, setting: Setting) -> None:
        """Take over what the tenant has set, keep it, and act on it at once."""
        self.radiators[radiator_id].setting = setting
        await self.async_save()
        await self.async_refresh()

    async def async_save(self) -> None:
        """Write the books and settings; what is written at once is complete or not there."""
        await self._store.async_save(
            {
                "ledger": self._ledger.save(),
                "radiators": {key: radiator.save() for key, radiator in self.radiators.items()},
            }
        )
