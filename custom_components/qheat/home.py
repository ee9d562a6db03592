"""Open the parts of a home in their order; an exit stack closes them in the reverse one."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import aiohttp
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import STORAGE_DIR

from .backend import EmbeddedBackend, StoreError, Terms, catalogue
from .books import BookStore, Kept, async_delete_books, async_read_books, mapping
from .compute.client import JobClient
from .compute.engine import EngineError, PowerModel
from .compute.machine import Machine
from .compute.pull import PullEngine
from .const import (
    BACKEND_EMBEDDED,
    CONF_AREA,
    CONF_BACKEND,
    CONF_CURRENCY,
    CONF_ELECTRICITY_PRICE,
    CONF_FLOOR_AREA_M2,
    CONF_IDLE_W,
    CONF_OUTDOOR_ENTITY,
    CONF_RATED_W,
    CONF_REFERENCE_EFFICIENCY,
    CONF_REFERENCE_PRICE,
    CONF_ROOM,
    CONF_SPEED,
    CONF_TEMPERATURE_ENTITY,
    DOMAIN,
    ROOM_SIMULATED,
)
from .coordinator import HomeCoordinator, QheatConfigEntry
from .heating import RadiatorRating, RoomControl
from .ledger import Tariff
from .machine_share import async_shared_machine
from .radiator import Radiator, Room
from .rooms import FastRoom, SensorRoom
from .setting import DEFAULT_PRESETS, Setting


async def async_open_home(
    hass: HomeAssistant, entry: QheatConfigEntry, stack: AsyncExitStack
) -> HomeCoordinator:
    """Open books, backend, machine and radiators, and register their devices."""
    store = BookStore(hass, entry)
    ledger, kept = await async_read_books(hass, entry, store)
    presets = {preset: entry.options.get(preset, c) for preset, c in DEFAULT_PRESETS.items()}
    try:
        machine = await stack.enter_async_context(async_shared_machine(hass))
    except EngineError as err:
        raise _setup_error("machine_unfit", err) from err
    tariff = _tariff(entry)
    embedded = None
    if entry.data[CONF_BACKEND] == BACKEND_EMBEDDED:
        embedded, client = await _open_embedded(hass, entry, tariff, stack)
    else:
        session = async_get_clientsession(hass)
        client = JobClient(session, entry.data[CONF_URL], entry.data[CONF_TOKEN])
    _register_devices(hass, entry)
    radiators: dict[str, Radiator] = {}
    stack.push_async_callback(_stop_all, radiators)
    for radiator_id, subentry in entry.subentries.items():
        own = mapping(kept, radiator_id)
        power = _power(subentry, machine)
        engine = PullEngine(client, machine, radiator_id, power)
        radiators[radiator_id] = radiator = Radiator(
            radiator_id=radiator_id,
            setting=Setting.load(mapping(own, "setting")).under(presets),
            room=_room(hass, entry, subentry, mapping(own, "room")),
            control=RoomControl(
                RadiatorRating(
                    idle_w=power.idle_w, rated_w=power.rated_w, slots=power.slots, pausable=True
                ),
                mapping(own, "control"),
            ),
            engine=engine,
        )
        await radiator.engine.start()
    coordinator = HomeCoordinator(
        hass,
        entry,
        radiators=radiators,
        ledger=ledger,
        tariff=tariff,
        machine=machine,
        embedded=embedded,
        presets=presets,
        store=store,
    )
    stack.push_async_callback(coordinator.async_save_for_good)
    return coordinator


async def _stop_all(radiators: Mapping[str, Radiator]) -> None:
    """Stop all engines at once: each may have to wait for a backend that is gone."""
    await asyncio.gather(*(radiator.engine.stop() for radiator in radiators.values()))


async def async_remove_home(hass: HomeAssistant, entry: QheatConfigEntry) -> None:
    """Delete the books, and the embedded backend's database."""
    await async_delete_books(hass, entry)
    await hass.async_add_executor_job(_delete_database, _database(hass, entry))


def _database(hass: HomeAssistant, entry: ConfigEntry) -> Path:
    return Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.sqlite"))


def _delete_database(database: Path) -> None:
    for path in database.parent.glob(f"{database.stem}.*"):
        path.unlink()


def _setup_error(translation_key: str, err: Exception) -> ConfigEntryNotReady:
    return ConfigEntryNotReady(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders={"detail": str(err)},
    )


def _tariff(entry: ConfigEntry) -> Tariff:
    options = entry.options
    return Tariff(
        currency=entry.data[CONF_CURRENCY],
        electricity_per_kwh=Decimal(str(options[CONF_ELECTRICITY_PRICE])),
        reference_per_kwh=Decimal(str(options[CONF_REFERENCE_PRICE])),
        reference_efficiency=Decimal(str(options[CONF_REFERENCE_EFFICIENCY])),
    )


async def _open_embedded(
    hass: HomeAssistant, entry: ConfigEntry, tariff: Tariff, stack: AsyncExitStack
) -> tuple[EmbeddedBackend, JobClient]:
    database, token = _database(hass, entry), secrets.token_urlsafe()
    backend = EmbeddedBackend(
        db_path=database,
        socket_path=database.with_suffix(".sock"),
        token=token,
        terms=Terms(currency=tariff.currency, repayment_per_kwh=tariff.electricity_per_kwh),
        catalogue=catalogue,
    )
    try:
        await backend.start()
    except (OSError, StoreError) as err:
        raise _setup_error("backend_failed", err) from err
    stack.push_async_callback(backend.stop)
    connector = aiohttp.UnixConnector(path=str(backend.socket_path))
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    return backend, JobClient(session, "http://localhost", token)


def _register_devices(hass: HomeAssistant, entry: ConfigEntry) -> None:
    areas, devices = ar.async_get(hass), dr.async_get(hass)
    home = devices.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        entry_type=dr.DeviceEntryType.SERVICE,
        manufacturer="qheat",
        model="Home",
        name=entry.title,
    )
    for radiator_id, subentry in entry.subentries.items():
        area = areas.async_get_area(subentry.data.get(CONF_AREA, ""))
        devices.async_get_or_create(
            config_entry_id=entry.entry_id,
            config_subentry_id=radiator_id,
            identifiers={(DOMAIN, radiator_id)},
            manufacturer="qheat",
            model="This machine",
            name=subentry.title,
            suggested_area=area.name if area else None,
            via_device_id=home.id,
        )


def _power(subentry: ConfigSubentry, machine: Machine) -> PowerModel:
    return PowerModel(
        idle_w=subentry.data[CONF_IDLE_W],
        rated_w=subentry.data[CONF_RATED_W],
        slots=machine.slots,
    )


def _room(hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry, kept: Kept) -> Room:
    data = subentry.data
    if data[CONF_ROOM] == ROOM_SIMULATED:
        return FastRoom(data[CONF_FLOOR_AREA_M2], data[CONF_SPEED], time.time(), kept)
    return SensorRoom(hass, data[CONF_TEMPERATURE_ENTITY], entry.options.get(CONF_OUTDOOR_ENTITY))
