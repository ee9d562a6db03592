"""The qheat integration: a thermostat whose burner is paid computing."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Final

from homeassistant.config_entries import UnknownEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.hass_dict import HassKey

from .boinc_left_behind import async_tell_of_left_behind
from .const import DOMAIN
from .coordinator import QheatConfigEntry
from .home import async_open_home, async_remove_home
from .renames import async_follow_renames
from .services import async_register_actions
from .turns import async_next_turn

PLATFORMS = [Platform.CLIMATE, Platform.IMAGE, Platform.SENSOR]

_DUE: Final = HassKey[set[str]](f"{DOMAIN}_due")
"""Homes that are about to be reloaded."""

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which say so if their home is not loaded; tell what was left behind."""
    async_follow_renames(hass)
    async_register_actions(hass)
    await async_tell_of_left_behind(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: QheatConfigEntry) -> bool:
    """Set up a home: its backend, its radiators and their entities."""
    # Before all else: a change would be lost, or half of it, while the home is set up.
    entry.async_on_unload(entry.add_update_listener(async_reload))
    async with AsyncExitStack() as stack:
        entry.runtime_data = coordinator = await async_open_home(hass, entry, stack)
        await coordinator.async_config_entry_first_refresh()
        if entry.pref_disable_polling:
            ticking = entry.async_create_background_task(
                hass, coordinator.async_tick_on(), "qheat ticks"
            )
            stack.push_async_callback(async_end, ticking)
        # A hundred homes that have read their books would all go on in one turn.
        await async_next_turn(hass)
        await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
        booking = entry.async_create_background_task(
            hass, coordinator.async_follow_settlements(), "qheat settlements"
        )
        stack.push_async_callback(async_end, booking)
        stack.push_async_callback(coordinator.async_shutdown)
        coordinator.async_close_home = stack.pop_all().aclose

    async def async_stop(event: Event) -> None:
        """Give leases back before Home Assistant is gone."""
        await coordinator.async_close_home()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, async_stop))
    # A stop that came meanwhile has told nobody here.
    if hass.is_stopping:
        await coordinator.async_close_home()
    return True


async def async_end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task])


async def async_unload_entry(hass: HomeAssistant, entry: QheatConfigEntry) -> bool:
    """Stop a home; nothing runs on and no lease is left behind."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.async_close_home()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: QheatConfigEntry) -> None:
    """Delete what a home has kept on disk."""
    await async_remove_home(hass, entry)


async def async_reload(hass: HomeAssistant, entry: QheatConfigEntry) -> None:
    """Take over changed prices, presets or radiators; what changes together is one reload."""
    due = hass.data.setdefault(_DUE, set())
    if entry.entry_id in due:
        return
    due.add(entry.entry_id)
    await asyncio.sleep(0)
    # A whole building may be added while a home is loaded anew: that is one more reload.
    async with entry.setup_lock:
        due.discard(entry.entry_id)
    # Whoever changes a home may remove it right after.
    with suppress(UnknownEntry):
        await hass.config_entries.async_reload(entry.entry_id)
