"""The pull engine when what it stands on fails: its machine, its backend, its own code."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import override

import aiohttp
import pytest

from custom_components.qheat.compute import pull as pull_module
from custom_components.qheat.compute import runner as runner_module
from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem, HeatKind, Settlement
from custom_components.qheat.compute.machine import Machine
from custom_components.qheat.compute.messages import Pending, PullAnswer, PullRequest
from custom_components.qheat.compute.pull import PullEngine
from tests.backend.tiny import TinyCatalogue
from tests.waiting import until

from .guests import ECHO, LOOP
from .homes import (
    POWER,
    TOKEN,
    client_of,
    engine_on,
    free_jobs,
    heat,
    machine_with,
    pulling,
    serving,
    settled,
)
from .hostile import http, say
from .processes import runner
from .test_client import SETTLEMENT


async def test_of_a_machine_that_cannot_come_back_no_heat_is_told_and_no_job_is_held_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pulling(tmp_path, LOOP, jobs=1) as (engine, backend, _):
        engine.set_budget(heat())
        await until(lambda: (engine.status().power_w or 0) > 30)
        monkeypatch.setattr(runner_module, "_BOOT", str(tmp_path / "gone.py"))
        os.kill(runner(), signal.SIGKILL)
        await until(lambda: engine.status().power_w is None)
        status = engine.status()
        assert status.problem is EngineProblem.ENGINE_FAILED
        assert (status.heat_kind, status.jobs_running) == (HeatKind.NONE, 0)
        await until(lambda: engine.status().lease_left_s is None)
        for _ in range(20):
            engine.set_budget(heat())
            await asyncio.sleep(0.1)
        assert await free_jobs(backend) == 1
        assert engine.status().work_lost_s > 0
        monkeypatch.undo()

        def heats() -> bool:
            engine.set_budget(heat())
            return (engine.status().power_w or 0) > 30

        await until(heats)


async def test_a_job_that_is_on_its_way_to_a_machine_that_is_lost_is_not_held_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_its_way(_client: JobClient, _sha256_hex: str) -> bytes:
        return await asyncio.Future[bytes]()

    monkeypatch.setattr(JobClient, "input_data", on_its_way)
    async with pulling(tmp_path, LOOP, jobs=1) as (engine, backend, _):
        engine.set_budget(heat())
        await until(lambda: engine.status().jobs_queued)
        monkeypatch.setattr(runner_module, "_BOOT", str(tmp_path / "gone.py"))
        os.kill(runner(), signal.SIGKILL)
        await until(lambda: engine.status().power_w is None)
        engine.set_budget(heat())
        await until(lambda: engine.status().lease_left_s is None)
        assert await free_jobs(backend) == 1


class Unforeseen(JobClient):
    """A client whose pulls end in an error that nobody thought of, until it is mended."""

    broken = True

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        if self.broken:
            raise AttributeError("nobody thought of this")
        return await super().pull(request, wait_s)


async def test_an_error_that_nobody_foresaw_lets_nobody_freeze_and_is_got_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(module=LOOP)) as backend,
        aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(backend.socket_path))
        ) as session,
        machine_with(LOOP) as machine,
    ):
        client = Unforeseen(session, "http://localhost", TOKEN)
        async with engine_on(client, machine) as engine:
            engine.set_budget(heat())
            await until(lambda: engine.status().heat_kind is HeatKind.OWN)
            await until(lambda: (engine.status().power_w or 0) > 30)
            assert engine.status().problem is EngineProblem.ENGINE_FAILED
            assert caplog.text.count("error of its own") == 1
            client.broken = False
            await until(lambda: engine.status().heat_kind is HeatKind.PAID)
            assert engine.status().problem is None


class Broken(JobClient):
    """A client of a backend that renews leases, but gives no input or takes no result."""

    gives_no_input = takes_no_result = is_slow = False

    @override
    async def input_data(self, sha256_hex: str) -> bytes:
        if self.gives_no_input:
            raise BackendError(EngineProblem.BACKEND_UNREACHABLE, "hung up")
        if self.is_slow:
            await asyncio.Event().wait()
        return await super().input_data(sha256_hex)

    @override
    async def deliver(
        self,
        lease_id: str,
        radiator_id: str,
        output: bytes,
        energy_j: float,
        fuel: int | None = None,
    ) -> Settlement | Pending | None:
        if self.takes_no_result:
            raise BackendError(EngineProblem.BACKEND_FAULTY, "status 500", status=500)
        return await super().deliver(lease_id, radiator_id, output, energy_j, fuel)


@asynccontextmanager
async def broken(folder: Path) -> AsyncIterator[tuple[Broken, PullEngine]]:
    async with (
        serving(folder, TinyCatalogue(module=ECHO), lease_ttl_s=0.9) as backend,
        aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(backend.socket_path))
        ) as session,
        machine_with(ECHO) as machine,
    ):
        client = Broken(session, "http://localhost", TOKEN)
        async with engine_on(client, machine) as engine:
            yield client, engine


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("gives_no_input", EngineProblem.BACKEND_UNREACHABLE),
        ("takes_no_result", EngineProblem.BACKEND_FAULTY),
    ],
)
async def test_a_job_that_is_stuck_is_told_and_lets_nobody_freeze_though_its_lease_is_renewed(
    tmp_path: Path, fault: str, problem: EngineProblem
) -> None:
    async with broken(tmp_path) as (client, engine):
        setattr(client, fault, True)
        engine.set_budget(heat())
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert (engine.status().problem, engine.status().heat_kind) == (problem, HeatKind.OWN)
        setattr(client, fault, False)
        await settled(engine, 1)
        await until(lambda: engine.status().problem is None)


async def test_a_job_whose_input_is_long_on_its_way_is_none_and_lets_nobody_freeze(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_module, "_FETCH_S", 0.5)

    def burns() -> bool:
        engine.set_budget(heat())
        return engine.status().heat_kind is HeatKind.OWN

    async with broken(tmp_path) as (client, engine):
        client.is_slow = True
        await until(burns)
        assert engine.status().problem is EngineProblem.NO_JOBS


async def test_a_budget_that_is_no_number_is_refused_and_the_last_one_stays(tmp_path: Path) -> None:
    async with pulling(tmp_path, ECHO) as (engine, *_):
        engine.set_budget(heat())
        with pytest.raises(ValueError, match="budget"):
            engine.set_budget(heat(float("nan")))
        await settled(engine, 2)


async def test_settlements_that_can_be_had_do_not_hide_that_jobs_cannot(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        good = say({"settlements": [], "cursor": "0"})
        writer.write(good if b"settlements" in head else http(b"garbage"))
        await writer.drain()
        writer.close()

    path = tmp_path / "half.sock"
    async with (
        await asyncio.start_unix_server(answer, path),
        client_of(path) as client,
        machine_with() as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        await until(lambda: engine.status().problem is EngineProblem.BACKEND_FAULTY)
        assert (await engine.settlements(None)).settlements == ()
        assert engine.status().problem is EngineProblem.BACKEND_FAULTY


@pytest.mark.parametrize("status", ["429 Too Many Requests", "200 OK"])
async def test_a_backend_that_wants_to_be_left_alone_is_so_though_more_heat_is_wanted(
    tmp_path: Path, status: str
) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b'{"leases": []}', status=status, headers="Retry-After: 600\r\n"))
        await writer.drain()
        writer.close()

    path = tmp_path / "busy.sock"
    async with (
        await asyncio.start_unix_server(answer, path),
        client_of(path) as client,
        machine_with() as machine,
        engine_on(client, machine) as engine,
    ):
        for _ in range(5):
            engine.set_budget(heat(own_heat=False))
            await asyncio.sleep(0.3)
            engine.set_budget(heat(0.0))
            await asyncio.sleep(0.1)
        assert asked == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "503 Service Unavailable"])
async def test_a_cursor_that_a_backend_refuses_for_good_is_given_up_and_that_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        head = await reader.readuntil(b"\r\n\r\n")
        good = say({"settlements": [SETTLEMENT], "cursor": "new"})
        refusal = http(b"{}", status, "Qheat-Api-Version: 1\r\n")
        writer.write(refusal if b"after=old" in head else good)
        await writer.drain()
        writer.close()

    path = tmp_path / "other.sock"
    async with await asyncio.start_unix_server(answer, path), client_of(path) as client:
        engine = PullEngine(client, Machine(1), "r", POWER)
        if status.startswith("503"):
            with pytest.raises(BackendError):
                await engine.settlements("old")
            assert asked == 1
            return
        page = await engine.settlements("old")
        assert (len(page.settlements), page.cursor) == (1, "new")
        assert "refuses a cursor" in caplog.text
        await engine.settlements("new")
        assert asked == 3


async def test_engines_that_stop_together_all_give_their_leases_back(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=3, module=LOOP)) as backend,
        client_of(backend.socket_path) as client,
        machine_with(LOOP) as machine,
        engine_on(client, machine, radiator_id="one") as one,
        engine_on(client, machine, radiator_id="two") as two,
        engine_on(client, machine, radiator_id="three") as three,
    ):
        engines = (one, two, three)
        for engine in engines:
            engine.set_budget(heat())
        await until(lambda: all(engine.status().lease_left_s for engine in engines))
        await asyncio.gather(*(engine.stop() for engine in engines))
        assert await free_jobs(backend) == 3
        assert not [
            task for task in asyncio.all_tasks() if task.get_name().startswith("qheat pull")
        ]


async def test_a_job_that_other_programs_hold_up_keeps_its_lease(tmp_path: Path) -> None:
    async with pulling(tmp_path, LOOP, jobs=1, lease_ttl_s=1.5) as (engine, backend, _):
        others = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
            for _ in range(os.cpu_count() or 1)
        ]
        try:
            engine.set_budget(heat(own_heat=False))
            await until(lambda: engine.status().problem is EngineProblem.MACHINE_BUSY)
            (job,) = engine._jobs
            await asyncio.sleep(3.0)  # two lives of a lease
            assert list(engine._jobs) == [job]
            assert await free_jobs(backend) == 0
        finally:
            for other in others:
                other.kill()
                await other.wait()
