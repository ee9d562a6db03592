"""Sessions on simulated clients: as they come, with a GPU, with pay, with hundreds of tasks."""

from collections.abc import AsyncGenerator
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc import control, engine, handover
from custom_components.qheat.compute.boinc.options import BoincOptions

from .engines import OWN, Radiator
from .simulated import URL, SimulatedClient
from .watched import Watched, watching


@pytest.fixture
async def simulated(socket_enabled: None) -> AsyncGenerator[SimulatedClient]:
    client = SimulatedClient()
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
def quick(simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a client with preferences of its own, and an engine that waits for nothing."""
    simulated.override = OWN
    monkeypatch.setattr(engine, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(engine, "LAST_RETRY_S", 0.1)
    monkeypatch.setattr(engine, "SPREAD_S", 0.0)
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 0.2)
    monkeypatch.setattr(handover, "PAUSED_S", 0.0)


@pytest.fixture
async def radiator(simulated: SimulatedClient) -> AsyncGenerator[Radiator]:
    made = Radiator(simulated)
    yield made
    for used in made.engines:
        await used.stop()


@pytest.fixture
async def watched(socket_enabled: None) -> AsyncGenerator[Watched]:
    async with watching(BoincOptions()) as made:
        yield made


@pytest.fixture
async def with_gpu(socket_enabled: None) -> AsyncGenerator[Watched]:
    """Return a session with a machine whose GPU adds 100 W, and has a task."""
    async with watching(BoincOptions(gpu_w=100.0)) as made:
        made.client.gpu_tasks = 1
        yield made


@pytest.fixture
async def paid(socket_enabled: None) -> AsyncGenerator[Watched]:
    """Return a session with a client whose project pays."""
    async with watching(BoincOptions(rates={URL: Decimal(1)})) as made:
        yield made


@pytest.fixture
async def laden(watched: Watched) -> Watched:
    """Return a session that has just looked at a client with 500 tasks, six of them begun."""
    watched.client.tasks, watched.client.begun, watched.client.done_s = 500, 6, 120.0
    await watched.run(20, 60.0)
    return watched
