"""The machine with real processes: work, budgets, sharing, and every kind of death."""

import asyncio
import math
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from custom_components.qheat.compute import runner as runner_module
from custom_components.qheat.compute.engine import EngineError, EngineProblem
from custom_components.qheat.compute.machine import Limits, Machine, Usage, WorkError, WorkFault
from custom_components.qheat.compute.sandbox.lock import SYSTEM_CALLS
from tests.waiting import until

from .guests import ECHO, LIMITS, LOOP, OWNER, command, digest, machine_for
from .processes import alive, children, cpu_s, runner

FOREVER = Limits(memory_bytes=1 << 20, cpu_s=1000.0, output_bytes=0)
LATER_S = 100.0
DREW = """(i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 32))
    (drop (call $random (i32.const 64) (i32.const 32)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"""
_USAGE = (
    '{"op":"usage","owners":[{"owner":"o","busy_slots":0,"running":0,"paused":0,'
    '"machine_busy":false,"jobs":[]}],"size":0}'
)


def _workers() -> list[int]:
    return children(runner(), "worker")


async def _begin(machine: Machine, owner: str = OWNER) -> tuple[asyncio.Task[object], int]:
    """Start work that never ends; return its task and its process."""
    before = set(_workers())
    task = asyncio.create_task(machine.run(owner, LOOP, b"", FOREVER, digest(LOOP)))
    await until(lambda: set(_workers()) - before)
    (process,) = set(_workers()) - before
    return task, process


async def _fault(task: asyncio.Task[object]) -> WorkFault:
    with pytest.raises(WorkError) as caught:
        await task
    return caught.value.fault


@pytest.mark.parametrize("size", [0, 1, 100_000, 1 << 20])
async def test_a_job_gets_its_input_and_gives_its_output(size: int) -> None:
    data = os.urandom(size)

    async with machine_for() as machine:
        result = await machine.run(OWNER, ECHO, data, LIMITS, digest(ECHO))

    assert result.output == data
    assert result.cpu_s > 0.0


async def test_the_same_job_burns_the_same_fuel_and_another_input_another() -> None:
    async with machine_for() as machine:
        burnt = [
            (
                await machine.run(OWNER, ECHO, bytes(size), LIMITS, digest(ECHO), count_fuel=True)
            ).fuel
            for size in (100_000, 100_000, 300_000)
        ]
        uncounted = await machine.run(OWNER, ECHO, b"", LIMITS, digest(ECHO))

    assert uncounted.fuel is None
    first, again, other = burnt
    assert first is not None
    assert other is not None
    assert first == again
    assert 0 < first < other


async def test_the_same_job_gives_the_same_output_twice() -> None:
    module = command(DREW)

    async with machine_for() as machine:
        outputs = [
            (await machine.run(OWNER, module, b"x", LIMITS, digest(module))).output
            for _ in range(2)
        ]

    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 32


async def test_the_locks_that_hold_are_told() -> None:
    async with machine_for() as machine:
        assert machine.lock is not None
        assert SYSTEM_CALLS in machine.lock.held
        if os.geteuid() == 0:
            assert {"nobody", "no_files", "capabilities"} <= set(machine.lock.held)


@pytest.mark.parametrize(
    ("memory_bytes", "cpu_s", "output_bytes"),
    [
        (0, 1.0, 1),
        (1, math.nan, 1),
        (1, math.inf, 1),
        (1, -1.0, 1),
        (1, 1.0, -1),
        (1 << 60, 1.0, 1),
    ],
)
def test_limits_that_no_job_may_have_are_an_error(
    memory_bytes: int, cpu_s: float, output_bytes: int
) -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        Limits(memory_bytes=memory_bytes, cpu_s=cpu_s, output_bytes=output_bytes)


@pytest.mark.parametrize("slots", [math.nan, math.inf, -1.0])
async def test_a_budget_that_is_no_number_is_an_error(slots: float) -> None:
    with pytest.raises(ValueError, match="budget"):
        Machine(1).allot(OWNER, slots, time.monotonic())


async def test_work_without_a_budget_ends_at_once() -> None:
    async with machine_for() as machine:
        with pytest.raises(WorkError) as caught:
            await machine.run("stranger", ECHO, b"", LIMITS, digest(ECHO))

    assert caught.value.fault is WorkFault.BUDGET_ENDED


async def test_a_budget_that_nobody_renews_ends_its_work() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)

        machine.allot(OWNER, 1.0, time.monotonic() + 0.2, urgent=True)

        assert await _fault(task) is WorkFault.BUDGET_ENDED
        assert not alive(process)


async def test_a_renewed_budget_keeps_its_work() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)
        for _ in range(10):
            machine.allot(OWNER, 1.0, time.monotonic() + 5.0, urgent=True)
            await asyncio.sleep(0.1)

        assert alive(process)
        assert not task.done()
        task.cancel()


async def test_no_slots_pause_the_work_and_slots_resume_it() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)
        machine.allot(OWNER, 0.0, time.monotonic() + LATER_S, urgent=True)
        await until(lambda: machine.usage(OWNER).paused == 1)
        paused_s = cpu_s(process)
        await until(lambda: machine.usage(OWNER).busy_slots == 0.0)

        assert cpu_s(process) == paused_s
        machine.allot(OWNER, 1.0, time.monotonic() + LATER_S, urgent=True)
        await until(lambda: cpu_s(process) > paused_s)
        task.cancel()


async def test_cancelling_kills_the_worker() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await until(lambda: not alive(process))


async def test_cancelling_kills_a_paused_worker() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)
        machine.allot(OWNER, 0.0, time.monotonic() + LATER_S)
        await until(lambda: machine.usage(OWNER).paused == 1)

        task.cancel()

        await until(lambda: not alive(process))


async def test_burning_computes_until_it_is_cancelled() -> None:
    async with machine_for() as machine:
        task = asyncio.create_task(machine.burn(OWNER))
        await until(lambda: any(cpu_s(process) > 0.3 for process in _workers()))
        (process,) = _workers()

        task.cancel()

        await until(lambda: not alive(process))


async def test_a_job_goes_before_burning() -> None:
    async with machine_for() as machine:
        burning = asyncio.create_task(machine.burn(OWNER))
        await until(_workers)

        assert (await machine.run(OWNER, ECHO, b"first", LIMITS, digest(ECHO))).output == b"first"
        burning.cancel()


async def test_jobs_wait_however_many_they_are() -> None:
    async with machine_for() as machine:
        machine.allot(OWNER, 0.0, time.monotonic() + LATER_S)
        jobs = [
            asyncio.create_task(machine.run(OWNER, ECHO, b"", LIMITS, digest(ECHO)))
            for _ in range(300)
        ]
        await until(lambda: machine.usage(OWNER).paused == len(jobs))
        for job in jobs:
            job.cancel()
        await asyncio.wait(jobs)


async def test_a_runner_may_have_files_for_more_workers_than_home_assistant_would() -> None:
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(few, most // 2), most))
    try:
        async with machine_for():
            assert resource.prlimit(runner(), resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


async def test_three_owners_share_one_slot_fairly() -> None:
    owners = ("north", "south", "west")
    async with machine_for() as machine:
        for owner in owners:
            machine.allot(owner, 1.0, time.monotonic() + LATER_S, urgent=True)
        tasks = [asyncio.create_task(machine.burn(owner)) for owner in owners]
        await until(lambda: sum(map(cpu_s, _workers())) > 2.0)

        used_s = [cpu_s(process) for process in _workers()]
        assert len(used_s) == 3
        assert min(used_s) > 0.5 * max(used_s)
        for task in tasks:
            task.cancel()


async def test_what_each_job_has_used_is_told_apart_and_a_job_that_waits_uses_nothing() -> None:
    told: dict[str, list[float]] = {"runs": [], "waits": []}
    async with machine_for() as machine:
        for heard in told.values():
            work = machine.run(OWNER, LOOP, b"", FOREVER, digest(LOOP), used=heard.append)
            task = asyncio.create_task(work)
            await asyncio.sleep(0)
            task.add_done_callback(lambda done: done.exception())
        await until(lambda: told["runs"] and told["runs"][-1] > 0.5 and told["waits"])
        assert told["runs"] == sorted(told["runs"])
        (process,) = _workers()
        assert 0.0 <= cpu_s(process) - told["runs"][-1] < 2.0
        assert set(told["waits"]) == {0.0}


async def test_stopping_leaves_no_process_and_ends_all_work() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)
        parent = runner()

        await machine.stop()

        assert not alive(process)
        assert not alive(parent)
        assert await _fault(task) is WorkFault.WORKER_DIED
        with pytest.raises(WorkError):
            await machine.run(OWNER, LOOP, b"", FOREVER, digest(LOOP))


async def test_a_killed_worker_is_an_error_and_the_next_one_works() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)

        os.kill(process, signal.SIGKILL)

        assert await _fault(task) is WorkFault.WORKER_DIED
        assert (await machine.run(OWNER, ECHO, b"on", LIMITS, digest(ECHO))).output == b"on"


async def test_a_killed_runner_takes_its_workers_along_and_another_starts() -> None:
    async with machine_for() as machine:
        task, process = await _begin(machine)
        paused, other = await _begin_paused(machine)
        parent = runner()

        os.kill(parent, signal.SIGKILL)

        assert await _fault(task) is WorkFault.WORKER_DIED
        assert await _fault(paused) is WorkFault.WORKER_DIED
        await until(lambda: not alive(process) and not alive(other))
        assert machine.usage(OWNER).running == 0
        assert (await machine.run(OWNER, ECHO, b"on", LIMITS, digest(ECHO))).output == b"on"
        assert runner() != parent


async def test_of_a_runner_that_falls_silent_nothing_is_told() -> None:
    async with machine_for() as machine:
        task, _ = await _begin(machine)
        await until(lambda: machine.usage(OWNER).busy_slots)
        assert machine.usage("nobody") == Usage()

        os.kill(runner(), signal.SIGSTOP)
        await until(lambda: machine.usage(OWNER).busy_slots is None)
        assert machine.usage(OWNER).running == 0
        os.kill(runner(), signal.SIGCONT)
        await until(lambda: machine.usage(OWNER).busy_slots)
        task.cancel()


@pytest.mark.parametrize("again", [False, True], ids=["new", "stopped before"])
async def test_a_computer_that_is_too_busy_for_a_runner_at_first_works_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    machine = Machine(1)
    if again:
        await machine.start()
        await machine.stop()
    script = tmp_path / "runner.py"
    script.write_text("import sys; sys.stdin.read()")
    monkeypatch.setattr(runner_module, "_BOOT", str(script))
    monkeypatch.setattr(runner_module, "_SILENCE_S", 0.5)
    await machine.start()
    try:
        assert machine.usage(OWNER).busy_slots is None
        monkeypatch.undo()
        machine.allot(OWNER, 1.0, time.monotonic() + LATER_S, urgent=True)
        assert (await machine.run(OWNER, ECHO, b"late", LIMITS, digest(ECHO))).output == b"late"
    finally:
        await machine.stop()


async def test_of_a_runner_that_cannot_start_again_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with machine_for() as machine:
        task, _ = await _begin(machine)
        await until(lambda: machine.usage(OWNER).busy_slots)
        monkeypatch.setattr(runner_module, "_BOOT", str(tmp_path / "gone.py"))

        os.kill(runner(), signal.SIGKILL)

        assert await _fault(task) is WorkFault.WORKER_DIED
        assert machine.usage(OWNER).busy_slots is None
        monkeypatch.undo()
        await until(lambda: machine.usage(OWNER).busy_slots is not None)


async def test_a_runner_that_overflows_numbers_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "runner.py"
    script.write_text(
        """print('{"op":"ready","lock":{"held":[],"missing":[]},"size":0}', flush=True)\n"""
        """print('{"op":"result","number":1e999,"cpu_s":1,"fuel":null,"size":0}', flush=True)\n"""
        "import sys; sys.stdin.read()\n"
    )
    monkeypatch.setattr(runner_module, "_BOOT", str(script))
    machine = Machine(1)
    await machine.start()
    monkeypatch.undo()
    try:
        await until(lambda: machine.usage(OWNER).busy_slots is None)
        machine.allot(OWNER, 1.0, time.monotonic() + LATER_S, urgent=True)
        assert (await machine.run(OWNER, ECHO, b"on", LIMITS, digest(ECHO))).output == b"on"
    finally:
        await machine.stop()


async def _begin_paused(machine: Machine) -> tuple[asyncio.Task[object], int]:
    machine.allot("paused", 1.0, time.monotonic() + LATER_S, urgent=True)
    task, process = await _begin(machine, "paused")
    machine.allot("paused", 0.0, time.monotonic() + LATER_S, urgent=True)
    await until(lambda: machine.usage("paused").paused == 1)
    return task, process


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("", id="ends"),
        pytest.param("print('hello', flush=True)", id="no frame"),
        pytest.param("""print('{"op":"result","size":0}', flush=True)""", id="another frame"),
        pytest.param("""print('{"op":"failed","detail":"no seccomp","size":0}')""", id="fails"),
    ],
)
async def test_a_runner_that_does_not_come_up_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    script = tmp_path / "runner.py"
    script.write_text(program)
    monkeypatch.setattr(runner_module, "_BOOT", str(script))
    machine = Machine(1)

    with pytest.raises(EngineError) as caught:
        await machine.start()

    assert caught.value.problem is EngineProblem.ENGINE_FAILED
    assert children(os.getpid(), str(script)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "noise",
        '{"op":"result","size":0}',
        '{"op":"result","number":1,"cpu_s":NaN,"size":0}',
        '{"op":"result","number":1,"cpu_s":-1,"size":0}',
        '{"op":"result","number":1,"cpu_s":1,"size":0}',
        '{"op":"result","number":1,"cpu_s":1,"fuel":-1,"size":0}',
        '{"op":"result","number":1,"cpu_s":1,"fuel":1e9,"size":0}',
        '{"op":"fault","number":1,"cpu_s":1,"fault":"none","detail":"","size":0}',
        '{"op":"usage","owners":[{"owner":1}],"size":0}',
        '{"op":"usage","owners":3,"size":0}',
        '{"op":"usage","owners":[null],"size":0}',
        _USAGE.replace("[]", "[1]"),
        _USAGE.replace("[]", "[[1,-1]]"),
        _USAGE.replace("[]", '[["one",1]]'),
        _USAGE.replace(',"jobs":[]', ""),
        '{"op":"new","size":0}',
        '{"size":-1}',
    ],
)
async def test_a_runner_that_talks_nonsense_loses_its_work_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    script = tmp_path / "runner.py"
    script.write_text(
        "import sys\n"
        """print('{"op":"ready","lock":{"held":[],"missing":[]},"size":0}', flush=True)\n"""
        "while b'run' not in sys.stdin.buffer.readline(): pass\n"
        f"print({answer!r}, flush=True)\n"
        "sys.stdin.read()\n"
    )
    monkeypatch.setattr(runner_module, "_BOOT", str(script))
    machine = Machine(1)
    await machine.start()
    try:
        with pytest.raises(WorkError) as caught:
            await machine.run(OWNER, ECHO, b"", LIMITS, digest(ECHO))
    finally:
        await machine.stop()

    assert caught.value.fault is WorkFault.WORKER_DIED


async def test_without_wasmtime_the_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.qheat.compute.machine.find_spec", lambda _name: None)

    with pytest.raises(EngineError, match="wasmtime"):
        await Machine(1).start()
