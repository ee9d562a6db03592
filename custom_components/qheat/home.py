"""Open the parts of a home in their order; an exit stack closes them in the reverse one."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr

from .archive import async_open_archive
from .boinc_left_behind import async_write_again
from .boinc_machines import BoincMachines, async_release_all
from .books import HomeBooks
from .cadence import cadence
from .compute.engine import Engine
from .const import (
    CONF_AREA,
    CONF_COMFORT_FLOOR,
    CONF_CURRENCY,
    CONF_FLOOR_AREA_M2,
    CONF_LEARN_ROUTINE,
    CONF_OUTDOOR_ENTITY,
    CONF_ROOM,
    CONF_SCHEDULE_ENTITY,
    CONF_SPEED,
    CONF_TEMPERATURE_ENTITY,
    DOMAIN,
    ROOM_SIMULATED,
    SUBENTRY_BOINC,
    SUBENTRY_THIS_MACHINE,
)
from .coordinator import HomeCoordinator, QheatConfigEntry
from .heating import FROST_LIMIT_C, RoomControl
from .heating.setting import DEFAULT_PRESETS, Setting
from .hourly_statistics import HourlyStatistics
from .issues import log_silence, watch_issues
from .ledger import ForeignMoney
from .outdoors import Outdoors
from .prices import Prices, carbon_of, fixed_tariff
from .radiator import Radiator, Room
from .rooms import FastRoom, SensorRoom
from .schedules import HelperSchedule
from .shelf import Kept, Shelf, home_store, mapping
from .this_machine import async_delete_database, async_open_this_machine
from .turns import async_next_turn
from .work_today import CoreTime

MODELS: Final = {SUBENTRY_THIS_MACHINE: None, SUBENTRY_BOINC: "BOINC"}
"""Names that are the same in every language: Home Assistant translates none."""


async def async_open_home(
    hass: HomeAssistant, entry: QheatConfigEntry, stack: AsyncExitStack
) -> HomeCoordinator:
    """Open books and radiators, with what these radiators need, and register their devices."""
    await async_next_turn(hass)
    shelf = Shelf(hass, entry)
    dials, learned = (home_store(hass, entry.entry_id, name) for name in ("dials", "learned"))
    ledger, saved = await shelf.async_read()
    controls, set_before = await learned.async_load(), await dials.async_load()
    archive = await async_open_archive(hass, entry.entry_id, ledger)
    presets = {preset: entry.options.get(preset, c) for preset, c in DEFAULT_PRESETS.items()}
    tariff = fixed_tariff(entry.options, entry.data[CONF_CURRENCY])
    # What is added or removed from now on is for the next time.
    subentries, this_machine = entry.subentries, None
    if entry.get_subentries_of_type(SUBENTRY_THIS_MACHINE):
        this_machine = await async_open_this_machine(hass, entry, tariff, stack)

    async def async_save() -> None:
        """Write the engines' own state with all else; raises OSError if it cannot be."""
        if not await books.async_save():
            raise OSError("the books cannot be written")

    boinc = BoincMachines(hass, entry, mapping(saved, "boinc"), async_save)
    await boinc.async_open()
    outdoors = Outdoors(hass, entry.options.get(CONF_OUTDOOR_ENTITY))
    await _async_register_devices(hass, entry)
    names = {key: subentry.title for key, subentry in subentries.items()}
    radiators: dict[str, Radiator] = {}
    intervals = cadence(hass)
    for radiator_id, subentry in subentries.items():
        if this_machine is not None and subentry.subentry_type == SUBENTRY_THIS_MACHINE:
            rating, engine = this_machine.build(radiator_id, subentry.data)
        else:
            rating, engine = boinc.build(radiator_id, subentry)
        kept_room = mapping(mapping(mapping(saved, "radiators"), radiator_id), "room")
        # A simulated room teaches nothing of a real one, and only it has something to keep.
        is_as_it_was = bool(kept_room) == (subentry.data[CONF_ROOM] == ROOM_SIMULATED)
        schedule = subentry.data.get(CONF_SCHEDULE_ENTITY)
        radiators[radiator_id] = Radiator(
            radiator_id=radiator_id,
            setting=Setting.load(mapping(set_before, radiator_id)).under(presets),
            room=_room(hass, outdoors, subentry, kept_room),
            control=RoomControl(rating, mapping(controls, radiator_id) if is_as_it_was else None),
            engine=engine,
            budget_s=intervals.budget_s,
            schedule=schedule and HelperSchedule(hass, schedule, presets),
            comfort_floor_c=entry.options.get(CONF_COMFORT_FLOOR, FROST_LIMIT_C),
            learns_routine=entry.options.get(CONF_LEARN_ROUTINE, True),
        )
        # A building of thermostats takes a while to make: nothing else is to wait for all of it.
        await async_next_turn(hass)
    had = {key: str(name) for key, name in mapping(saved, "names").items()}
    books = HomeBooks(
        ledger=ledger,
        shelf=shelf,
        archive=archive,
        hourly=HourlyStatistics(hass, ledger, names),
        prices=Prices(hass, tariff, entry.options),
        carbon=carbon_of(entry.options),
        core_time=CoreTime(saved.get("core_time")),
        foreign=ForeignMoney(saved.get("foreign")),
        names=had | names,
        radiator_ids=tuple(radiators),
        save_every_s=intervals.save_every_s,
        state=lambda: {
            "radiators": {key: radiator.save() for key, radiator in radiators.items()},
            "boinc": boinc.save(),
        },
    )
    await books.async_open()
    coordinator = HomeCoordinator(
        hass,
        entry,
        radiators=radiators,
        books=books,
        learned=learned,
        dials=dials,
        outdoors=outdoors,
        presets=presets,
        machine=None if this_machine is None else this_machine.machine,
        boinc=boinc,
        embedded=None if this_machine is None else this_machine.embedded,
    )
    own = [radiator.engine for key, radiator in radiators.items() if key not in boinc]
    stack.push_async_callback(coordinator.async_close)
    stack.push_async_callback(boinc.async_close)
    stack.push_async_callback(_stop_all, own)
    stack.push_async_callback(books.async_save)
    for radiator in radiators.values():
        await radiator.engine.start()
        await async_next_turn(hass)
    stack.callback(log_silence(coordinator))
    stack.callback(watch_issues(coordinator))
    return coordinator


async def _stop_all(engines: Iterable[Engine]) -> None:
    """Stop all engines at once: each may have to wait for a backend that is gone."""
    await asyncio.gather(*(engine.stop() for engine in engines))


async def async_remove_home(hass: HomeAssistant, entry: QheatConfigEntry) -> None:
    """Give BOINC machines their settings back; delete the books and the embedded backend's."""
    shelf = Shelf(hass, entry)
    # Releasing takes a while, and until it is done the books have the only copy of the settings.
    await async_release_all(hass, entry, mapping(await shelf.async_read_kept(), "boinc"))
    await shelf.async_delete()
    for name in ("days", "days.damaged", "dials", "learned", "serials"):
        await home_store(hass, entry.entry_id, name).async_remove()
    await async_delete_database(hass, entry)
    # What a full disk did not take is in no books any more, and now there is room.
    await async_write_again(hass)


async def _async_register_devices(hass: HomeAssistant, entry: ConfigEntry) -> None:
    areas, devices = ar.async_get(hass), dr.async_get(hass)
    home = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        entry_type=dr.DeviceEntryType.SERVICE,
        manufacturer="qheat",
        model=None,
        name=entry.title,
    )
    for radiator_id, subentry in entry.subentries.items():
        if radiator_id not in entry.subentries:
            continue  # it was removed meanwhile
        area = areas.async_get_area(subentry.data.get(CONF_AREA, ""))
        known = devices.async_get_device_by_identifier((DOMAIN, radiator_id), entry.entry_id)
        device = devices.async_get_or_create(
            config_entry_id=entry.entry_id,
            config_subentry_id=radiator_id,
            identifiers={(DOMAIN, radiator_id)},
            manufacturer="qheat",
            model=MODELS[subentry.subentry_type],
            name=subentry.title,
            suggested_area=area.name if area else None,
            via_device_id=home.id,
        )
        if known is not None and known.name != subentry.title != device.name_by_user:
            # The title was changed since: an older name from the device's own page would hide it.
            devices.async_update_device(device.id, name_by_user=None)
        await async_next_turn(hass)


def _room(hass: HomeAssistant, outdoors: Outdoors, subentry: ConfigSubentry, kept: Kept) -> Room:
    data = subentry.data
    if data[CONF_ROOM] == ROOM_SIMULATED:
        return FastRoom(data[CONF_FLOOR_AREA_M2], data[CONF_SPEED], time.time(), kept)
    return SensorRoom(hass, data[CONF_TEMPERATURE_ENTITY], outdoors)
