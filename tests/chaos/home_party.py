"""A home as a process: engine, sandbox, ledger and books of production, on their own files.

What a whole Home Assistant has beside them (pages, entities, a room) is left out, so that it can
be killed often. It looks at settlements and ticks more often than a real one, for the same reason.
"""

import asyncio
import logging
import signal
import time
from contextlib import AsyncExitStack
from types import MappingProxyType

import aiohttp
from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant

from custom_components.qheat.archive import async_open_archive
from custom_components.qheat.books import HomeBooks
from custom_components.qheat.cadence import FEW
from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.engine import EngineError, HeatBudget, PowerModel
from custom_components.qheat.compute.machine import Machine
from custom_components.qheat.compute.pull import PullEngine
from custom_components.qheat.compute.trust import Trust
from custom_components.qheat.const import CONF_CURRENCY, DOMAIN
from custom_components.qheat.hourly_statistics import HourlyStatistics
from custom_components.qheat.ledger import ForeignMoney, Ledger, Moment
from custom_components.qheat.prices import Prices, carbon_of, fixed_tariff
from custom_components.qheat.shelf import Kept, Shelf
from custom_components.qheat.work_today import CoreTime

_LOGGER = logging.getLogger(__name__)

ENTRY_ID = "01JCHAOSHOME"
RADIATOR = "01JCHAOSRADIATOR"
POWER = PowerModel(idle_w=10.0, rated_w=110.0, slots=2)
OPTIONS = {"electricity_price": 0.25, "reference_price": 0.25, "reference_efficiency": 1.0}
TICK_S = 1.0
BUDGET_S = 20.0


async def serve(*, folder: str, url: str, token: str, publisher: str) -> None:
    """Heat with all slots until asked to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s home %(name)s %(message)s")
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    hass = HomeAssistant(folder)
    entry = home_entry()
    shelf = Shelf(hass, entry)
    ledger, saved = await shelf.async_read()
    async with AsyncExitStack() as stack:
        books = await _open_books(hass, entry, shelf, ledger, saved)
        stack.push_async_callback(books.async_close)
        machine = Machine(POWER.slots, modules=())
        await _insist_on(machine)
        stack.push_async_callback(machine.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = JobClient(session, url, token)
        engine = PullEngine(client, machine, RADIATOR, POWER, trust=Trust([publisher]))
        await engine.start()
        stack.push_async_callback(engine.stop)
        looking = asyncio.create_task(_follow_settlements(engine, books))
        while not asked_to_stop.is_set():
            await _tick(engine, books)
            if looking.done():
                looking.result()
            try:
                async with asyncio.timeout(TICK_S):
                    await asked_to_stop.wait()
            except TimeoutError:
                pass
        looking.cancel()
        await asyncio.wait([looking])


async def _insist_on(machine: Machine) -> None:
    """Start the machine, again if need be, as Home Assistant sets up a home again."""
    while True:
        try:
            return await machine.start()
        except EngineError as err:
            _LOGGER.warning("the machine does not start: %s", err)
            await asyncio.sleep(TICK_S)


async def _tick(engine: PullEngine, books: HomeBooks) -> None:
    now = Moment(utc_s=time.time(), steady_s=time.monotonic())
    # With own heat, so that other programs on this machine cannot take the CPU away.
    expires_s = now.steady_s + BUDGET_S
    engine.set_budget(HeatBudget(power_w=POWER.rated_w, expires_s=expires_s, own_heat=True))
    books.record(RADIATOR, now, engine.status(), None)
    await books.async_tick(now.steady_s)


async def _follow_settlements(engine: PullEngine, books: HomeBooks) -> None:
    """Do as the coordinator does, every second."""
    while True:
        try:
            page = await engine.settlements(books.cursor(RADIATOR))
        except EngineError:
            pass
        else:
            if books.book(RADIATOR, page):
                await books.async_save(booked=[RADIATOR])
        await asyncio.sleep(TICK_S)


def home_entry() -> ConfigEntry:
    radiator = ConfigSubentryDataWithId(
        data={}, subentry_id=RADIATOR, subentry_type="this_machine", title="Hall", unique_id=None
    )
    return ConfigEntry(
        data={CONF_CURRENCY: "EUR"},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        minor_version=1,
        options=OPTIONS,
        source="user",
        subentries_data=[radiator],
        title="Home",
        unique_id=None,
        version=1,
    )


async def _open_books(
    hass: HomeAssistant, entry: ConfigEntry, shelf: Shelf, ledger: Ledger, saved: Kept
) -> HomeBooks:
    tariff = fixed_tariff(OPTIONS, "EUR")
    return HomeBooks(
        ledger=ledger,
        shelf=shelf,
        archive=await async_open_archive(hass, entry.entry_id, ledger),
        hourly=HourlyStatistics(hass, ledger, {}),
        prices=Prices(hass, tariff, OPTIONS),
        carbon=carbon_of(OPTIONS),
        core_time=CoreTime(saved.get("core_time")),
        foreign=ForeignMoney(saved.get("foreign")),
        names={},
        radiator_ids=(RADIATOR,),
        save_every_s=FEW.save_every_s,
        state=dict,
    )
