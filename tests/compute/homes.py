"""A backend, a client that speaks to it and a machine: what the pull engine needs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import aiohttp

from custom_components.qheat.backend import EmbeddedBackend
from custom_components.qheat.backend.store import LEASE_TTL_S, Store
from custom_components.qheat.backend.work import HOME, GiveBackReason, PullRequest
from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.engine import HeatBudget, PowerModel, SettlementPage
from custom_components.qheat.compute.machine import Machine
from custom_components.qheat.compute.pull import PullEngine
from custom_components.qheat.compute.trust import Trust
from tests.backend.tiny import TERMS, TinyCatalogue

TOKEN = "t0ken-that-nobody-may-see"
RADIATOR = "radiator"
POWER = PowerModel(idle_w=10.0, rated_w=110.0, slots=1)


def backend_in(
    folder: Path, catalogue: TinyCatalogue, lease_ttl_s: float = LEASE_TTL_S
) -> EmbeddedBackend:
    """Return a backend that keeps its files in `folder`."""
    return EmbeddedBackend(
        db_path=folder / "jobs.db",
        token=TOKEN,
        terms=TERMS,
        catalogue=catalogue,
        lease_ttl_s=lease_ttl_s,
    )


@contextlib.asynccontextmanager
async def serving(
    folder: Path, catalogue: TinyCatalogue, lease_ttl_s: float = LEASE_TTL_S
) -> AsyncIterator[EmbeddedBackend]:
    """Yield a backend that serves."""
    backend = backend_in(folder, catalogue, lease_ttl_s)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


@contextlib.asynccontextmanager
async def client_of(socket_path: Path, token: str = TOKEN) -> AsyncIterator[JobClient]:
    """Yield a client that speaks to the backend at `socket_path`."""
    connector = aiohttp.UnixConnector(path=str(socket_path))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield JobClient(session, "http://localhost", token)


@contextlib.asynccontextmanager
async def machine_with(*modules: bytes, slots: int = 1) -> AsyncIterator[Machine]:
    """Yield a machine that may run `modules`; nobody has a budget on it yet."""
    machine = Machine(slots, modules=[sha256(module).hexdigest() for module in modules])
    await machine.start()
    try:
        yield machine
    finally:
        await machine.stop()


@contextlib.asynccontextmanager
async def engine_on(
    client: JobClient,
    machine: Machine,
    *,
    power: PowerModel = POWER,
    radiator_id: str = RADIATOR,
    trust: Trust | None = None,
    unpaid: bool = False,
) -> AsyncIterator[PullEngine]:
    """Yield a started engine."""
    engine = PullEngine(client, machine, radiator_id, power, trust=trust, unpaid=unpaid)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


@contextlib.asynccontextmanager
async def pulling(
    folder: Path,
    work: bytes | TinyCatalogue,
    *,
    jobs: int | None = None,
    lease_ttl_s: float = LEASE_TTL_S,
    unpaid: bool = False,
) -> AsyncIterator[tuple[PullEngine, EmbeddedBackend, Machine]]:
    """Yield an engine, its backend and its machine, which may run what the backend has."""
    catalogue = TinyCatalogue(jobs, work) if isinstance(work, bytes) else work
    async with (
        serving(folder, catalogue, lease_ttl_s) as backend,
        client_of(backend.socket_path) as client,
        machine_with(catalogue.load_module("echo")) as machine,
        engine_on(client, machine, unpaid=unpaid) as engine,
    ):
        yield engine, backend, machine


def heat(power_w: float = 110.0, *, for_s: float = 100.0, own_heat: bool = True) -> HeatBudget:
    """Return a budget; with own heat, so that other programs cannot take the CPU away."""
    return HeatBudget(power_w=power_w, expires_s=time.monotonic() + for_s, own_heat=own_heat)


async def free_jobs(backend: EmbeddedBackend) -> int:
    """Return how many jobs nobody holds, of a catalogue that has not more than ten."""
    return await backend.ask(_count_free)


def _count_free(store: Store) -> int:
    now = time.time()
    request = PullRequest(radiator_id="other", key=str(now), count=10, slot_w=1.0)
    leases = store.pull(request, now)
    for lease in leases:
        store.give_back(HOME, lease.lease_id, GiveBackReason.STOPPED, now)
    return len(leases)


async def settled(engine: PullEngine, count: int) -> SettlementPage:
    """Wait for `count` settlements."""
    async with asyncio.timeout(60):
        while True:
            page = await engine.settlements(None)
            if len(page.settlements) >= count:
                return page
            await asyncio.sleep(0.05)
