"""A radiator's coordinator: it ticks when its home does, and lets the room be learned."""

import asyncio
import time
from typing import Final, override

from homeassistant.components.climate import DOMAIN as CLIMATE_DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util.hass_dict import HassKey

from .books import HomeBooks
from .compute.engine import HeatBudget
from .const import DOMAIN, LOGGER, THERMOSTAT
from .heating import refit
from .ledger import Moment
from .radiator import Radiator, RadiatorState
from .turns import async_next_turn

LEARNING: Final = HassKey[asyncio.Lock](f"{DOMAIN}_learning")
"""Held by the one room of all homes that is being learned."""


class RadiatorCoordinator(DataUpdateCoordinator[RadiatorState]):
    """Renews the heat budget of one radiator and records its heat, when its home ticks."""

    config_entry: ConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, radiator: Radiator, books: HomeBooks
    ) -> None:
        # Not from the entry: the radiator may have been removed while its home is set up.
        super().__init__(hass, LOGGER, config_entry=entry, name=books.names[radiator.radiator_id])
        self.radiator = radiator
        self._books = books

    @override
    async def _async_update_data(self) -> RadiatorState:
        radiator, now = self.radiator, Moment(utc_s=time.time(), steady_s=time.monotonic())
        try:
            if radiator.schedule is not None:
                await radiator.schedule.async_refresh()
                # A home that was closed meanwhile has stopped the engine.
                if self._shutdown_requested:
                    return self.data
            radiator.has_dial = self._has_dial()
            state = radiator.tick(now.utc_s, now.steady_s)
        except Exception as err:
            # Whatever it is, the other rooms stay warm, and this one is left without heat.
            radiator.engine.set_budget(HeatBudget(power_w=0.0, expires_s=now.steady_s))
            if self.last_update_success:
                LOGGER.exception("The radiator %s has failed", self.name)
            raise UpdateFailed(
                translation_domain=DOMAIN, translation_key="radiator_failed"
            ) from err
        cores = radiator.busy_slots(state.engine)
        self._books.record(radiator.radiator_id, now, state.engine, cores)
        if radiator.control.needs_refit():
            self.config_entry.async_create_background_task(
                self.hass, self._learn(), "qheat learning"
            )
        # A plan has had its turn; a dozen entities that show it take another.
        await async_next_turn(self.hass)
        return state

    def _has_dial(self) -> bool:
        """Whether the thermostat is shown: who has disabled it, or its device, wants no heat."""
        registry, radiator_id = er.async_get(self.hass), self.radiator.radiator_id
        unique_id = f"{radiator_id}_{THERMOSTAT}"
        entity_id = registry.async_get_entity_id(CLIMATE_DOMAIN, DOMAIN, unique_id)
        entity = registry.async_get(entity_id) if entity_id else None
        return entity is None or not entity.disabled

    async def _learn(self) -> None:
        """Fit the room's model to its history, outside the event loop, one room at a time.

        All rooms' days end at about the same moment, and threads hold up the loop, too.
        """
        control = self.radiator.control
        async with self.hass.data.setdefault(LEARNING, asyncio.Lock()):
            # Taken only now: all rooms' weeks together would fill the memory.
            model = await self.hass.async_add_executor_job(refit, control.snapshot())
        control.adopt(model)
