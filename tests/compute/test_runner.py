"""The runner program by itself: whatever happens to its parent, nothing burns on."""

import asyncio
import fcntl
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime

from custom_components.qheat.compute.sandbox import boot
from custom_components.qheat.compute.sandbox.frames import Frame, Frames
from tests.waiting import until

from .processes import alive, children, cpu_s

HELLO = {
    "op": "hello",
    "slots": 1,
    "wasmtime_folder": str(Path(wasmtime.__file__).parents[1]),
}

# A parent that starts work on a runner and then hangs, as a stuck Home Assistant does.
PARENT = """
import asyncio, importlib.util, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
spec = importlib.util.spec_from_file_location(
    "parent", folder / "__init__.py", submodule_search_locations=[str(folder)])
sys.modules["parent"] = importlib.util.module_from_spec(spec)
from parent.machine import Machine
async def main():
    machine = Machine(2)
    await machine.start()
    for owner, slots in (("a", 2.0), ("b", 0.0)):
        machine.allot(owner, slots, time.monotonic() + float(sys.argv[2]), urgent=True)
    tasks = [asyncio.create_task(machine.burn(owner)) for owner in ("a", "a")]
    await asyncio.sleep(0.5)
    time.sleep(1000)
asyncio.run(main())
"""


def _start_parent(budget_s: float) -> subprocess.Popen[bytes]:
    folder = str(Path(boot.__file__).parents[1])
    return subprocess.Popen([sys.executable, "-c", PARENT, folder, str(budget_s)])


async def _family(parent: int) -> tuple[int, list[int]]:
    await until(lambda: children(parent, "runner"))
    (runner,) = children(parent, "runner")
    await until(lambda: len(children(runner, "worker")) == 2)
    return runner, children(runner, "worker")


async def test_nothing_lives_on_when_home_assistant_is_killed() -> None:
    with _start_parent(1000.0) as parent:
        try:
            runner, workers = await _family(parent.pid)
        finally:
            parent.kill()

    await until(lambda: not any(alive(process) for process in [runner, *workers]))


async def test_jobs_share_home_assistants_session_or_their_low_priority_would_not_count() -> None:
    with _start_parent(1000.0) as parent:
        try:
            runner, workers = await _family(parent.pid)
            ours = {os.getsid(process) for process in (runner, *workers)}
            assert ours == {os.getsid(parent.pid)}
            # But what a terminal says to Home Assistant is not said to them.
            assert {os.getpgid(process) for process in (runner, *workers)} == {runner}
        finally:
            parent.kill()

    await until(lambda: not any(alive(process) for process in [runner, *workers]))


async def test_a_hung_home_assistant_burns_no_longer_than_its_budget() -> None:
    with _start_parent(3.0) as parent:
        try:
            runner, workers = await _family(parent.pid)
            await until(lambda: not any(alive(process) for process in workers))
            assert alive(runner)
        finally:
            parent.kill()

    await until(lambda: not alive(runner))


@pytest.mark.parametrize("said", [b"", b"noise\n", b'{"op":"hello","size":0}\n', b'{"size":0}\n'])
async def test_a_runner_that_is_told_nonsense_ends(said: bytes) -> None:
    runner = await _start_runner()
    answer, _ = await runner.communicate(said)

    assert [frame.header["op"] for frame in Frames().feed(answer)] == ["failed"] * bool(said)


async def test_a_runner_that_is_told_nonsense_later_ends_with_its_workers() -> None:
    runner = await _start_runner()
    assert runner.stdin is not None
    runner.stdin.write(Frame(HELLO).encode())
    await until(lambda: children(runner.pid, "worker"))
    workers = children(runner.pid, "worker")
    await runner.communicate(b'{"op":"allot","size":0}\n')

    assert not any(alive(process) for process in workers)


async def test_a_runner_that_nobody_listens_to_rests_and_goes_on_when_somebody_does() -> None:
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    runner = await _start("runner", str(os.getpid()), stdout=theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as listener:
        assert runner.stdin is not None
        runner.stdin.write(Frame(HELLO).encode())
        for number in range(40):
            budget = {"owner": f"{number:0100}", "slots": 1.0, "expires_s": 1e9, "urgent": False}
            runner.stdin.write(Frame({"op": "allot", **budget}).encode())
        await until(lambda: select.select([ours], [], [], 0)[0])
        await _rests(runner.pid)

        frames, told = Frames(), 0
        while told < 3:
            data = await asyncio.to_thread(listener.read, 1 << 20)
            told += sum(len(frame.header.get("owners", ())) >= 40 for frame in frames.feed(data))
        await runner.communicate()


async def _rests(process: int) -> None:
    """Wait until a process uses no CPU at all for longer than it is between two reports."""
    async with asyncio.timeout(60):
        used_s = -1.0
        while used_s != cpu_s(process):
            used_s = cpu_s(process)
            await asyncio.sleep(2.0)


async def test_a_runner_whose_parent_is_already_gone_ends() -> None:
    runner = await _start_runner(parent=1)
    answer, _ = await runner.communicate(None)

    assert answer == b""
    assert runner.returncode == 0


async def test_a_worker_whose_parent_is_already_gone_ends() -> None:
    worker = await _start("worker", "1", "/")
    answer, _ = await worker.communicate(b"")

    assert answer == b""


async def test_a_stopped_worker_dies_with_its_runner() -> None:
    with _start_parent(1000.0) as parent:
        try:
            runner, workers = await _family(parent.pid)
            await until(lambda: all(cpu_s(process) > 0.3 for process in workers))
            for worker in workers:
                os.kill(worker, signal.SIGSTOP)
            os.kill(runner, signal.SIGKILL)
            await until(lambda: not any(alive(process) for process in workers))
        finally:
            parent.kill()


async def _start_runner(parent: int | None = None) -> asyncio.subprocess.Process:
    return await _start("runner", str(os.getpid() if parent is None else parent))


async def _start(
    *arguments: str, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(boot.__file__),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )


# A worker on a kernel without seccomp.
UNLOCKED = """
import runpy, sys
load = runpy.run_path(sys.argv[1])["load"]
def fail(*arguments, **options):
    raise OSError
load("lock")._filter_system_calls = fail
load("worker").main(sys.argv[2:])
"""


@pytest.mark.parametrize("mode", ["job", "burn"])
def test_without_a_lock_on_system_calls_a_worker_refuses_to_work(mode: str) -> None:
    limits = {"memory_bytes": 1 << 20, "cpu_s": 9.0, "output_bytes": 0}
    folder = str(Path(wasmtime.__file__).parents[1])
    worker = subprocess.run(
        [sys.executable, "-I", "-c", UNLOCKED, str(boot.__file__), str(os.getpid()), folder],
        check=True,
        input=Frame({"mode": mode, "module_bytes": 0, "count_fuel": False, **limits}).encode(),
        capture_output=True,
        timeout=60,
    )

    (answer,) = Frames().feed(worker.stdout)
    assert answer.header["fault"] == "refused"
