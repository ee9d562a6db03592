"""This computer's slots, shared by all radiators that the pull engine heats."""

import asyncio
import contextlib
import itertools
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from math import inf, isfinite
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from .backoff import Backoff
from .engine import EngineError, EngineProblem
from .modules import SHIPPED
from .runner import RunnerProcess
from .sandbox.frames import Frame
from .sandbox.work import MAX_CPU_S, Limits, Lock, Mode, WorkFault, read_fuel

_LOGGER = logging.getLogger(__name__)

_HEARD_S: Final = 5.0
_BURN_LIMITS: Final = Limits(memory_bytes=1 << 20, cpu_s=MAX_CPU_S, output_bytes=0)
_NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""All that reading a runner's words may end in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkResult:
    """What a job gave: its output, its exit code being 0, and the CPU seconds it took."""

    output: bytes
    cpu_s: float
    fuel: int | None = None
    """How much the job's instructions burnt; None: it was not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one owner's workers do now."""

    busy_slots: float | None = 0.0
    """Mean cores kept busy over the last seconds, measured on the workers' CPU time.

    None: nobody knows, for the runner is gone or silent.
    """
    running: int = 0
    paused: int = 0
    machine_busy: bool = False
    """Other programs need the CPU, so the owner gets less than it asked for."""


class WorkError(Exception):
    """A piece of work ended without a result."""

    def __init__(self, fault: WorkFault, detail: str, cpu_s: float = 0.0) -> None:
        super().__init__(detail)
        self.fault = fault
        self.cpu_s = cpu_s


class Machine:
    """Runs jobs in locked worker processes, within the budgets that their owners are allotted.

    A runner process of its own is the parent of all workers, so that a dead or hung Home Assistant
    leaves nothing burning. When the runner dies, its work is lost and another is started.
    """

    def __init__(self, slots: int, *, modules: Iterable[str] = SHIPPED) -> None:
        self.slots: Final = slots
        self.lock: Lock | None = None
        """Which of the workers' locks hold; None before the first runner is ready."""
        self.modules: Final = frozenset(modules)
        """SHA-256 of the modules that may run here without anybody's signature."""
        self._wasmtime_folder = ""
        self._runner: RunnerProcess | None = None
        self._connected = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._budgets: dict[str, Frame] = {}
        self._usage: dict[str, Usage] = {}
        self._heard_s = -inf
        self._numbers = itertools.count(1)
        self._pending: dict[int, asyncio.Future[WorkResult]] = {}
        self._used: dict[int, Callable[[float], None]] = {}

    async def start(self) -> None:
        """Start the runner and see that a worker can be locked.

        Where it is not ready in time, for the computer is busy, others are tried until one is.
        Raises EngineError where no job can run: not Linux, no seccomp, no wasmtime.
        """
        if sys.platform != "linux":
            raise EngineError(EngineProblem.ENGINE_FAILED, "jobs run on Linux only")
        self._connected.clear()
        self._wasmtime_folder = await asyncio.to_thread(_find_wasmtime)
        runner = None
        with contextlib.suppress(TimeoutError):
            runner = await self._connect()
        self._keeper = asyncio.create_task(self._keep(runner), name="qheat runner")

    async def stop(self) -> None:
        """End all work; no process is left behind."""
        if self._keeper is None:
            return
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        self._keeper = None
        await self._disconnect()
        self._connected.set()  # so that whoever waits for a runner hears that there is none

    def allot(self, owner: str, slots: float, expires_s: float, *, urgent: bool = False) -> None:
        """Let `owner` keep up to `slots` slots busy until `expires_s` (time.monotonic).

        With no slots its work waits; when the time is over it is killed. `urgent` work does not
        make way for other programs. Raises ValueError for what is no number.
        """
        if not (isfinite(slots) and slots >= 0.0 and isfinite(expires_s)):
            raise ValueError(f"not a budget: {slots} slots until {expires_s}")
        header = {"op": "allot", "owner": owner, "slots": min(slots, float(self.slots))}
        frame = Frame({**header, "expires_s": expires_s, "urgent": urgent})
        self._budgets[owner] = frame
        if self._runner is not None:
            self._runner.send(frame)

    async def run(
        self,
        owner: str,
        module: bytes,
        input_data: bytes,
        limits: Limits,
        module_sha256: str,
        *,
        count_fuel: bool = False,
        used: Callable[[float], None] | None = None,
    ) -> WorkResult:
        """Run a job to its end; cancelling this kills it. Raises WorkError.

        Whoever gives `module_sha256` vouches for the module that has it. Counting fuel makes a job
        slower. `used` hears every second what CPU seconds it has used.
        """
        header = {"mode": Mode.JOB, "module_bytes": len(module), **limits.to_json()}
        header |= {"module_sha256": module_sha256, "count_fuel": count_fuel}
        work = self._work(owner, header, module + input_data, used)
        del module, input_data
        return await work

    async def burn(self, owner: str) -> None:
        """Burn CPU for nothing but warmth until cancelled. Raises WorkError when it ends."""
        await self._work(owner, {"mode": Mode.BURN, **_BURN_LIMITS.to_json()}, b"")

    def usage(self, owner: str) -> Usage:
        """Return the last measurement of an owner's workers; an old one tells nothing."""
        if time.monotonic() > self._heard_s + _HEARD_S:
            return Usage(busy_slots=None)
        return self._usage.get(owner, Usage())

    async def _work(
        self,
        owner: str,
        header: Mapping[str, Any],
        body: bytes,
        used: Callable[[float], None] | None = None,
    ) -> WorkResult:
        while not self._connected.is_set():
            await self._connected.wait()
        runner = self._runner
        if runner is None:
            raise WorkError(WorkFault.WORKER_DIED, "the machine is not started")
        number = next(self._numbers)
        future: asyncio.Future[WorkResult] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        if used is not None:
            self._used[number] = used
        try:
            runner.send(Frame({**header, "op": "run", "number": number, "owner": owner}, body))
            del body  # 64 MiB maybe, and the runner has it now: a job may take hours
            await runner.drain()
            return await future
        finally:
            self._used.pop(number, None)
            if self._pending.pop(number, None) is not None:
                runner.send(Frame({"op": "cancel", "number": number}))

    async def _connect(self) -> RunnerProcess:
        """Start a runner that is ready for work; raises EngineError, and TimeoutError."""
        try:
            runner = await RunnerProcess.spawn()
        except OSError as err:
            raise EngineError(EngineProblem.ENGINE_FAILED, f"cannot start: {err}") from err
        try:
            self.lock = await self._greet(runner)
        except BaseException:
            await runner.close()
            raise
        for frame in self._budgets.values():
            runner.send(frame)
        self._runner = runner
        self._heard_s = time.monotonic()
        self._connected.set()
        return runner

    async def _greet(self, runner: RunnerProcess) -> Lock:
        hello = {"op": "hello", "slots": self.slots, "wasmtime_folder": self._wasmtime_folder}
        runner.send(Frame(hello))
        try:
            frame = await anext(runner.frames)
            if frame.header["op"] == "failed":
                raise EngineError(EngineProblem.ENGINE_FAILED, str(frame.header["detail"]))
            return Lock.from_json(frame.header["lock"])
        except TimeoutError as err:
            raise TimeoutError("it is not ready in time") from err
        except (StopAsyncIteration, *_NONSENSE) as err:
            raise EngineError(EngineProblem.ENGINE_FAILED, "the runner does not answer") from err

    async def _keep(self, runner: RunnerProcess | None) -> None:
        """Serve runner after runner, until cancelled."""
        while True:
            if runner is not None:
                await self._serve(runner)
                await self._disconnect()
            runner = await self._reconnect()

    async def _reconnect(self) -> RunnerProcess:
        backoff = Backoff(SystemRandom())
        while True:
            await asyncio.sleep(backoff.next_s())
            try:
                return await self._connect()
            except (EngineError, TimeoutError) as err:
                _LOGGER.warning("The runner cannot start: %s", err)

    async def _serve(self, runner: RunnerProcess) -> None:
        """Take in what the runner says until it ends, hangs or talks nonsense."""
        reason = "it ended"
        try:
            async for frame in runner.frames:
                self._take(frame)
        except _NONSENSE as err:
            reason = f"{type(err).__name__}: {err}"
        _LOGGER.warning("Lost the runner of jobs: %s", reason)

    def _take(self, frame: Frame) -> None:
        header = frame.header
        match header["op"]:
            case "usage":
                for entry in header["owners"]:
                    self._account(entry)
                self._heard_s = time.monotonic()
            case "result":
                cpu_s, fuel = _seconds(header["cpu_s"]), read_fuel(header["fuel"])
                result = WorkResult(output=frame.body, cpu_s=cpu_s, fuel=fuel)
                if (future := self._settle(header)) is not None:
                    future.set_result(result)
            case "fault":
                fault, detail = WorkFault(header["fault"]), str(header["detail"])
                if (future := self._settle(header)) is not None:
                    future.set_exception(WorkError(fault, detail, _seconds(header["cpu_s"])))
            case "failed":
                raise ValueError(header["detail"])
            case operation:
                raise ValueError(f"unknown operation {operation!r}")

    def _settle(self, header: Mapping[str, Any]) -> asyncio.Future[WorkResult] | None:
        future = self._pending.pop(int(header["number"]), None)
        return None if future is None or future.done() else future

    def _account(self, entry: Mapping[str, Any]) -> None:
        self._usage[str(entry["owner"])] = Usage(
            busy_slots=_seconds(entry["busy_slots"]),
            running=int(entry["running"]),
            paused=int(entry["paused"]),
            machine_busy=bool(entry["machine_busy"]),
        )
        for number, cpu_s in entry["jobs"]:
            used_s, used = _seconds(cpu_s), self._used.get(int(number))
            if used is not None:
                used(used_s)

    async def _disconnect(self) -> None:
        """End the runner and all work on it."""
        self._connected.clear()
        self._heard_s = -inf
        pending, self._pending = self._pending, {}
        for future in pending.values():
            if not future.done():
                future.set_exception(WorkError(WorkFault.WORKER_DIED, "the runner ended"))
        self._usage.clear()
        if self._runner is not None:
            await self._runner.close()
            self._runner = None


def _seconds(value: Any) -> float:
    number = float(value)
    if not (isfinite(number) and number >= 0.0):
        raise ValueError(f"not a measurement: {value!r}")
    return number


def _find_wasmtime() -> str:
    """Return the folder that holds the wasmtime package; it is not imported here."""
    spec = find_spec("wasmtime")
    if spec is None or spec.origin is None:
        raise EngineError(EngineProblem.ENGINE_FAILED, "the package wasmtime is not installed")
    return str(Path(spec.origin).parents[1])
