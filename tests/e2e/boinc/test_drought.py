"""A project without work for a real client, and what the engine does about it by itself."""

import asyncio
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc import LOOK_EVERY_S
from custom_components.qheat.compute.engine import EngineProblem

from .project import ACCOUNT_KEY, Job, Project
from .real_client import CORES, RealClient, until
from .tenant import engine_for, heated, note

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    ("rate", "drought_s"), [(0, 0.0), (1, 85.0)], ids=["at first", "after long, if it pays"]
)
async def test_a_dry_queue_burns_again_soon_after_work_is_there(
    client: RealClient, project: Project, rate: int, drought_s: float
) -> None:
    rates = {project.url: Decimal(rate)}
    engine = engine_for(client, rates=rates, look_every_s=LOOK_EVERY_S)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(CORES)
        await until(lambda: engine.status().problem, EngineProblem.NO_JOBS, 60)
        # By then who does not pay is asked every minute only, and soon every five.
        await asyncio.sleep(drought_s)
        assert await client.burning() == 0
        project.queue.extend(Job(cpu_s=600.0) for _ in range(CORES))
        note("burns", await client.until_burning(CORES, 30))
        await until(lambda: engine.status().problem, None, 20)
