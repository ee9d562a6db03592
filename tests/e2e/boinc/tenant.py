"""What the stories share: a tenant who heats, and his books."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

from custom_components.qheat.compute.boinc import BoincEngine, BoincOptions
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.engine import HeatBudget, PowerModel

from .real_client import CORES, PASSWORD, RealClient, until

IDLE_W = 20.0
CORE_W = 10.0
MODEL = PowerModel(idle_w=IDLE_W, rated_w=IDLE_W + CORES * CORE_W, slots=CORES)


class Tenant:
    """Renews a budget as Home Assistant does on each tick."""

    def __init__(self, engine: BoincEngine, lease_s: float = 20.0) -> None:
        self.engine = engine
        self.cores = 0.0
        self.lease_s = lease_s
        self._task = asyncio.create_task(self._tick())

    def set(self, cores: float) -> None:
        self.cores = cores
        self._renew()

    def silence(self) -> None:
        self.engine.set_budget(HeatBudget(power_w=0.0, expires_s=time.monotonic()))

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _tick(self) -> None:
        while True:
            self._renew()
            await asyncio.sleep(self.lease_s / 4)

    def _renew(self) -> None:
        self.engine.set_budget(
            HeatBudget(
                power_w=IDLE_W + CORE_W * self.cores + 0.5 if self.cores else 0.0,
                expires_s=time.monotonic() + self.lease_s,
            )
        )


def engine_for(
    client: RealClient,
    *,
    rates: Mapping[str, Decimal] | None = None,
    saved: Mapping[str, object] | None = None,
    gpu_w: float = 0.0,
    password: str = PASSWORD,
    look_every_s: float = 2.0,
) -> BoincEngine:
    return BoincEngine(
        "127.0.0.1",
        client.port,
        password,
        radiator_id="living-room",
        model=MODEL,
        options=BoincOptions(look_every_s=look_every_s, rates=rates or {}, gpu_w=gpu_w),
        saved=saved,
    )


def note(what: str, after_s: float) -> None:
    """Say, with `pytest -s`, how long something took; no test depends on it."""
    sys.stdout.write(f"{what} after {after_s:.1f} s\n")


@asynccontextmanager
async def heated(engine: BoincEngine) -> AsyncGenerator[Tenant]:
    await engine.start()
    tenant = Tenant(engine)
    try:
        await until(lambda: engine.details() is not None, True, 30)
        yield tenant
    finally:
        await tenant.end()
        await engine.stop()


@asynccontextmanager
async def somebody_at(client: RealClient) -> AsyncGenerator[BoincClient]:
    """Sit at a client as its user does, beside the engine."""
    connection = RpcConnection("127.0.0.1", client.port, PASSWORD)
    await connection.connect()
    try:
        yield BoincClient(connection)
    finally:
        await connection.close()


async def lasting_modes(client: RealClient) -> tuple[RunMode, RunMode]:
    """Return the run modes that a client's cores and its GPU have for good."""
    async with somebody_at(client) as user:
        status = await user.status()
    return status.cpu.permanent, status.gpu.permanent


def shown_credit(engine: BoincEngine) -> Decimal:
    details = engine.details()
    return Decimal(0) if details is None else details.credit


async def book(engine: BoincEngine, cursor: str | None, booked: dict[str, Decimal]) -> str | None:
    """Book what is new as a ledger does; then all that is booked is what the project credits."""
    page = await engine.settlements(cursor)
    for settlement in page.settlements:
        if settlement.accepted:
            booked[settlement.settlement_id] = settlement.earned
        else:
            del booked[settlement.settlement_id]
    assert sum(booked.values()) == shown_credit(engine) * Decimal("0.02")
    return page.cursor
