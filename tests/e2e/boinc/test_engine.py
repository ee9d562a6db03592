"""The BOINC engine against the real client, the minimal project, and real work."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc import BoincEngine, BoincOptions, control
from custom_components.qheat.compute.engine import HeatBudget, HeatKind, PowerModel

from .project import ACCOUNT_KEY, Job, Project
from .real_client import CORES, OWN_PREFERENCES, PASSWORD, RealClient, until

pytestmark = pytest.mark.timeout(300)

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


def engine_for(client: RealClient, **options: object) -> BoincEngine:
    return BoincEngine(
        "127.0.0.1",
        client.port,
        PASSWORD,
        radiator_id="living-room",
        model=MODEL,
        options=BoincOptions(poll_s=2.0, **options),  # type: ignore[arg-type]
    )


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


async def test_work_is_attached_run_throttled_and_paid(
    client: RealClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 2.0)
    project.endless = Job(cpu_s=6.0, credit=12.5)
    engine = engine_for(client, rates={project.url: Decimal("0.02")})
    async with heated(engine) as tenant:
        assert (await engine.settlements(None)).settlements == ()
        await engine.attach(project.url, ACCOUNT_KEY)
        start = await engine.settlements(None)
        tenant.set(CORES)
        print("first task after", await until(lambda: engine.status().jobs_running > 0, True, 60))
        print("all after", await client.until_burning(CORES, 60))
        assert engine.status().heat_kind is HeatKind.PAID
        for cores in (1, 3, 2, 4, 0, 2, 1, 4, 3, 0, 1, 4):
            tenant.set(cores)
            print(cores, "cores after", await client.until_burning(cores, 40))
        await until(lambda: project.host_credit >= 50, True, 120)
        await engine.update(project.url)
        await until(lambda: (d := engine.details()) is not None and d.credit >= 50, True, 60)
        page = await engine.settlements(start.cursor)
        details = engine.details()
        assert details is not None
        assert sum(s.earned for s in page.settlements) == details.credit * Decimal("0.02")
        assert (await engine.settlements(page.cursor)).settlements == ()
        print(details, engine.status())
