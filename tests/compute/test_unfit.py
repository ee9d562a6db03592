"""A radiator on whose machine no job can run."""

import asyncio
from pathlib import Path

import pytest

from custom_components.qheat.backend.store import Store
from custom_components.qheat.compute import machine as machine_module
from custom_components.qheat.compute.engine import EngineError, EngineProblem, HeatKind
from custom_components.qheat.compute.machine import Machine
from tests.backend.tiny import TinyCatalogue

from .guests import ECHO, broken_wasmtime
from .homes import client_of, engine_on, heat, machine_with, serving, settled


def _leases(store: Store) -> object:
    return store.database.execute("SELECT lease_id FROM leases").fetchall()


async def test_a_machine_without_a_usable_wheel_says_so_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = broken_wasmtime(tmp_path)
    monkeypatch.setattr(machine_module, "_find_wasmtime", lambda: str(folder))
    with pytest.raises(EngineError, match="cannot load wasmtime: wrong ELF class"):
        await Machine(1).start()


async def test_a_radiator_that_can_run_nothing_any_more_still_gets_what_it_has_earned(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(module=ECHO)) as backend,
        client_of(backend.socket_path) as client,
    ):
        async with machine_with(ECHO) as machine, engine_on(client, machine) as engine:
            engine.set_budget(heat())
            earned = await settled(engine, 1)
        leases = await backend.ask(_leases)
        async with engine_on(client, Machine(1)) as unfit:
            unfit.set_budget(heat())
            await asyncio.sleep(0.3)
            assert await backend.ask(_leases) == leases
            assert await unfit.settlements(None) == earned
            status = unfit.status()
        assert (status.problem, status.lease_left_s) == (EngineProblem.ENGINE_FAILED, None)
        assert (status.heat_kind, status.power_w) == (HeatKind.NONE, None)
