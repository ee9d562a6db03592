"""The pull engine on a real machine, with a real backend."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.engine import EngineError, EngineProblem, HeatKind
from tests.backend.tiny import PAY, TinyCatalogue, deliver
from tests.waiting import until

from .guests import ECHO, LOOP, TRAP
from .homes import (
    RADIATOR,
    backend_in,
    client_of,
    engine_on,
    free_jobs,
    heat,
    machine_with,
    pulling,
    serving,
    settled,
)
from .hostile import answering, http, losing_answers_to


async def test_a_budget_makes_jobs_run_and_money_come_in(tmp_path: Path) -> None:
    async with pulling(tmp_path, ECHO) as (engine, *_):
        assert engine.status().jobs_running == 0
        engine.set_budget(heat())
        page = await settled(engine, 3)
        assert all(one.accepted and one.earned == PAY for one in page.settlements)
        assert {one.radiator_id for one in page.settlements} == {RADIATOR}
        assert (await engine.settlements(page.cursor)).settlements != page.settlements
        assert engine.status().problem is None
        assert engine.status().work_lost_s == 0


async def test_without_a_budget_no_job_is_taken(tmp_path: Path) -> None:
    async with pulling(tmp_path, ECHO, jobs=1) as (engine, backend, _):
        engine.set_budget(heat(0.0))
        engine.set_budget(heat(10.0))  # what the radiator takes when idle
        engine.set_budget(heat(110.0, for_s=-1.0))
        await asyncio.sleep(0.3)
        assert await free_jobs(backend) == 1
        status = engine.status()
        assert (status.heat_kind, status.power_w, status.problem) == (HeatKind.NONE, 10.0, None)


async def test_a_budget_taken_back_at_once_spoils_no_later_one(tmp_path: Path) -> None:
    async with pulling(tmp_path, ECHO) as (engine, *_):
        for turns in range(5):
            engine.set_budget(heat())
            for _ in range(turns):
                await asyncio.sleep(0)
            engine.set_budget(heat(0.0))
            await asyncio.sleep(0.1)
        engine.set_budget(heat())
        await settled(engine, 1)


async def test_a_running_job_makes_watts_of_paid_heat(tmp_path: Path) -> None:
    async with pulling(tmp_path, LOOP) as (engine, *_):
        engine.set_budget(heat())
        await until(lambda: (engine.status().power_w or 0) > 30)
        status = engine.status()
        assert status.heat_kind is HeatKind.PAID
        assert (status.jobs_running, status.jobs_paused) == (1, 0)
        assert status.cores_by_kind == {"echo": 1}
        assert status.lease_left_s is not None
        assert status.lease_left_s > 0


async def test_a_stopped_engine_has_given_its_leases_back(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=LOOP)) as backend,
        client_of(backend.socket_path) as client,
        machine_with(LOOP) as machine,
    ):
        async with engine_on(client, machine) as engine:
            engine.set_budget(heat())
            await until(lambda: engine.status().jobs_running)
            await until(lambda: machine.usage(RADIATOR).busy_slots)
        assert await free_jobs(backend) == 1
        await until(lambda: machine.usage(RADIATOR).running == 0)
        assert engine.status().power_w is None
        assert engine.status().work_lost_s > 0
        assert not [
            task for task in asyncio.all_tasks() if task.get_name().startswith("qheat pull")
        ]


async def test_a_budget_that_is_not_renewed_ends_the_work(tmp_path: Path) -> None:
    async with pulling(tmp_path, LOOP, jobs=1) as (engine, backend, _):
        engine.set_budget(heat(for_s=3.0))
        await until(lambda: engine.status().jobs_running)
        await until(lambda: engine.status().lease_left_s is None)
        assert await free_jobs(backend) == 1
        assert engine.status().work_lost_s > 0
        await until(lambda: engine.status().heat_kind is HeatKind.NONE)


async def test_a_job_waits_paused_while_no_heat_is_wanted_and_goes_on(tmp_path: Path) -> None:
    async with pulling(tmp_path, LOOP, jobs=1, lease_ttl_s=1.5) as (engine, backend, _):
        engine.set_budget(heat())
        await until(lambda: engine.status().jobs_running)
        engine.set_budget(heat(0.0))
        await until(lambda: engine.status().jobs_paused)
        await asyncio.sleep(3.0)  # two lives of a lease
        assert await free_jobs(backend) == 0
        engine.set_budget(heat())
        await until(lambda: engine.status().jobs_running)
        assert engine.status().work_lost_s == 0


async def test_while_a_job_runs_nobody_but_its_worker_holds_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def large(_client: JobClient, _sha256_hex: str) -> bytes:
        return bytes(16 << 20)

    monkeypatch.setattr(JobClient, "input_data", large)
    async with pulling(tmp_path, LOOP, jobs=1) as (engine, *_):
        tracemalloc.start()
        try:
            engine.set_budget(heat())
            await until(lambda: any(job.used_s for job in engine._jobs))
            held_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held_bytes < 8 << 20


async def test_without_jobs_own_heat_is_burnt_only_where_the_budget_allows_it(
    tmp_path: Path,
) -> None:
    async with pulling(tmp_path, TinyCatalogue(jobs=0)) as (engine, *_):
        engine.set_budget(heat(own_heat=False))
        await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        assert engine.status().heat_kind is HeatKind.NONE
        engine.set_budget(heat(own_heat=True))
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)
        await until(lambda: (engine.status().power_w or 0) > 30)
        status = engine.status()
        assert (status.heat_kind, status.jobs_running) == (HeatKind.OWN, 0)
        engine.set_budget(heat(own_heat=False))
        await until(lambda: engine.status().heat_kind is HeatKind.NONE)


async def test_a_backend_that_is_away_is_told_and_found_again(tmp_path: Path) -> None:
    async with (
        client_of(tmp_path / "jobs.sock") as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)
        assert engine.status().problem is EngineProblem.BACKEND_UNREACHABLE
        with pytest.raises(EngineError):
            await engine.settlements(None)
        async with serving(tmp_path, TinyCatalogue(module=ECHO)):
            await until(lambda: engine.status().problem is None)
            await settled(engine, 1)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (http(b"garbage"), EngineProblem.BACKEND_FAULTY),
        (http(b"", "500 Oh"), EngineProblem.BACKEND_FAULTY),
        (http(b"", "401 No"), EngineProblem.BACKEND_REFUSED),
        (http(b"{}").replace(b": 2", b": 9"), EngineProblem.BACKEND_UNREACHABLE),  # cut off
        (b"", EngineProblem.BACKEND_UNREACHABLE),
    ],
)
async def test_a_backend_that_is_wrong_is_told_and_does_not_let_anybody_freeze(
    tmp_path: Path, answer: bytes, problem: EngineProblem
) -> None:
    async with (
        answering(tmp_path, answer) as path,
        client_of(path) as client,
        machine_with() as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().problem is problem)
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)


async def test_lost_answers_to_pulls_leak_no_lease(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=5, module=LOOP)) as backend,
        losing_answers_to(tmp_path, backend.socket_path, b"POST /v1/leases ", 2) as path,
        client_of(path) as client,
        machine_with(LOOP) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().jobs_running)
        assert await free_jobs(backend) == 4


@pytest.mark.parametrize(
    "left_of",
    [lambda answer: answer[:-1], lambda _: http(b"", "502 Bad Gateway")],
    ids=["cut off", "a gateway whose backend is away"],
)
async def test_an_input_that_cannot_be_had_now_is_no_failure_of_its_job(
    tmp_path: Path, left_of: Callable[[bytes], bytes]
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=ECHO)) as backend,
        losing_answers_to(tmp_path, backend.socket_path, b"GET /v1/inputs/", 3, left_of) as path,
        client_of(path) as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        page = await settled(engine, 1)
        assert page.settlements[0].accepted
        assert engine.status().work_lost_s == 0
        failed = "SELECT 1 FROM leases WHERE failed"
        assert await backend.ask(lambda store: store.database.execute(failed).fetchall()) == []


async def test_stopped_while_the_answer_to_a_pull_is_lost_it_gives_the_lease_back(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=5, module=LOOP)) as backend,
        losing_answers_to(tmp_path, backend.socket_path, b"POST /v1/leases ", 1) as path,
        client_of(path) as client,
        machine_with(LOOP) as machine,
    ):
        async with engine_on(client, machine) as engine:
            engine.set_budget(heat())
            await until(lambda: engine.status().problem)
        assert await free_jobs(backend) == 5


async def test_a_result_whose_answer_is_lost_is_settled_once(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=ECHO)) as backend,
        client_of(backend.socket_path) as client,
        machine_with(ECHO) as machine,
        losing_answers_to(tmp_path, backend.socket_path, b"PUT ", 2) as path,
        client_of(path) as unlucky,
        engine_on(unlucky, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        assert len((await client.settlements(RADIATOR, None)).settlements) == 1
        assert (await client.account()).balance >= PAY


async def test_a_job_that_comes_just_after_the_last_one_does_not_wait_long(tmp_path: Path) -> None:
    catalogue = TinyCatalogue(jobs=1, module=ECHO)
    async with pulling(tmp_path, catalogue) as (engine, *_):
        engine.set_budget(heat())
        await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        catalogue.jobs = 2
        async with asyncio.timeout(5):
            await settled(engine, 2)


async def test_a_result_is_kept_until_the_backend_is_back(tmp_path: Path) -> None:
    catalogue = TinyCatalogue(jobs=1, module=ECHO)
    backend = backend_in(tmp_path, catalogue)
    await backend.start()
    async with (
        client_of(backend.socket_path) as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat(11.0, own_heat=False))  # slow enough to be overtaken
        await until(lambda: engine.status().lease_left_s is not None)
        await backend.stop()
        engine.set_budget(heat(own_heat=False))
        await until(lambda: engine.status().problem is EngineProblem.BACKEND_UNREACHABLE)
        async with serving(tmp_path, catalogue):
            await until(lambda: engine.status().lease_left_s is None)
            page = await settled(engine, 1)
        assert len(page.settlements) == 1


async def test_a_job_that_traps_is_given_back_and_not_taken_again_at_once(tmp_path: Path) -> None:
    async with pulling(tmp_path, TRAP, jobs=1) as (engine, backend, _):
        engine.set_budget(heat(own_heat=False))
        await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        assert await free_jobs(backend) == 0
        assert (await engine.settlements(None)).settlements == ()


async def test_jobs_that_all_trap_let_nobody_freeze_and_are_none(tmp_path: Path) -> None:
    def burns() -> bool:
        status = engine.status()
        return (status.problem, status.heat_kind) == (EngineProblem.NO_JOBS, HeatKind.OWN)

    async with pulling(tmp_path, TRAP) as (engine, *_):
        engine.set_budget(heat())
        await until(burns, 20)


async def test_a_module_that_may_not_run_here_is_not_taken_again(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(module=LOOP)) as backend,
        client_of(backend.socket_path) as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)
        assert engine.status().lease_left_s is None


async def test_a_job_that_the_backend_takes_away_is_stopped_and_its_loss_told(
    tmp_path: Path,
) -> None:
    catalogue = TinyCatalogue(jobs=1, module=LOOP)
    async with pulling(tmp_path, catalogue, lease_ttl_s=1.5) as (engine, backend, machine):
        engine.set_budget(heat(own_heat=False))
        await until(lambda: machine.usage(RADIATOR).busy_slots)
        (job,) = engine._jobs
        await backend.ask(
            lambda store: deliver(store, job.lease.lease_id, b"input 0", 0.0, time.time())
        )
        await until(lambda: engine.status().lease_left_s is None)
        await until(lambda: machine.usage(RADIATOR).running == 0)
        assert engine.status().work_lost_s > 0


async def test_a_lease_that_cannot_be_renewed_does_not_outlive_its_end(tmp_path: Path) -> None:
    backend = backend_in(tmp_path, TinyCatalogue(jobs=1, module=LOOP), lease_ttl_s=1.5)
    await backend.start()
    async with (
        client_of(backend.socket_path) as client,
        machine_with(LOOP) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat(own_heat=False))
        await until(lambda: machine.usage(RADIATOR).busy_slots)
        await backend.stop()
        await until(lambda: engine.status().lease_left_s is None)
        await until(lambda: machine.usage(RADIATOR).running == 0)
        assert engine.status().problem is EngineProblem.BACKEND_UNREACHABLE
        assert engine.status().work_lost_s > 0
