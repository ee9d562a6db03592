"""One worker process, as the runner sees it: untrusted from its first instruction on."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .frames import Frame, Frames
from .work import DETAIL_CHARACTERS, OUTCOME_BYTES, Limits, Lock, WorkFault, read_fuel

_BOOT = str(Path(__file__).with_name("boot.py"))
_ERROR_BYTES = 4096
_FAULTS_OF_A_WORKER = frozenset(
    {
        WorkFault.REFUSED,
        WorkFault.TRAPPED,
        WorkFault.OUT_OF_MEMORY,
        WorkFault.OUTPUT_TOO_LARGE,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker gave no result."""

    fault: WorkFault
    detail: str


@dataclass(frozen=True, slots=True)
class Success:
    """What a worker gave."""

    output: bytes
    lock: Lock
    fuel: int | None


type Outcome = Failure | Success


class Child:
    """A worker process, paused and resumed by signals. Raises OSError if it cannot be started."""

    def __init__(self, job: Frame, limits: Limits, wasmtime_folder: str) -> None:
        self._limits = limits
        self._failure: Failure | None = None
        self._paused = False
        self._files: list[int] = []
        try:
            for name in ("job", "outcome", "errors"):
                self._files.append(os.memfd_create(name))
            with os.fdopen(self._files[0], "wb", closefd=False) as told:
                told.write(job.encode())
            os.lseek(self._files[0], 0, os.SEEK_SET)
            # -S: nothing runs that packages leave in .pth files.
            program = [sys.executable, "-I", "-S", _BOOT]
            arguments = [*program, "worker", str(os.getpid()), wasmtime_folder]
            self._pid = os.posix_spawn(
                sys.executable,
                arguments,
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, file, descriptor)
                    for descriptor, file in enumerate(self._files)
                ],
                setsigmask=(),
                setsigdef=signal.valid_signals(),
            )
        except OSError:
            self._close()
            raise
        try:
            self.descriptor = os.pidfd_open(self._pid)
        except OSError:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._close()
            raise

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far."""
        # The process's own CPU clock: see clock_getcpuclockid(3) and the kernel's posix-timers.
        return time.clock_gettime(~self._pid << 3 | 2)

    def run(self, *, wanted: bool) -> None:
        """Resume the worker, or pause it once it is locked."""
        # Stopped before, it might outlive us: it dies with its parent only when it has said so.
        locked = os.fstat(self._files[1]).st_size > 0
        if wanted == self._paused and locked:
            os.kill(self._pid, signal.SIGCONT if wanted else signal.SIGSTOP)
            self._paused = not wanted

    def kill(self, failure: Failure) -> None:
        """End the worker at once; `failure` says why, the first time it is called."""
        self._failure = self._failure or failure
        os.kill(self._pid, signal.SIGKILL)

    def reap(self) -> tuple[Outcome, float]:
        """Wait for the end; return what came of it, and the CPU seconds used in all."""
        _, status, used = os.wait4(self._pid, 0)
        os.close(self.descriptor)
        try:
            outcome = self._failure or self._outcome(status, used.ru_utime + used.ru_stime)
        finally:
            self._close()
        return outcome, used.ru_utime + used.ru_stime

    def _outcome(self, status: int, cpu_s: float) -> Outcome:
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            data = os.pread(self._files[1], self._limits.output_bytes + OUTCOME_BYTES, 0)
            return read_answer(data, self._limits.output_bytes)
        errors = os.pread(self._files[2], _ERROR_BYTES, 0).decode(errors="replace").strip()
        lines = [line for line in errors.splitlines() if not line.startswith("note:")]
        cause = lines[-1] if lines else ""
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            cause = cause or f"killed by signal {number}"
            if number == signal.SIGXCPU or cpu_s > self._limits.cpu_s:
                return Failure(WorkFault.OUT_OF_TIME, _readable(cause))
        # The interpreter's and the engine's own words for it.
        out_of_memory = "MemoryError" in errors or "memory allocation of" in errors
        fault = WorkFault.OUT_OF_MEMORY if out_of_memory else WorkFault.WORKER_DIED
        return Failure(fault, _readable(cause))

    def _close(self) -> None:
        for file in self._files:
            with contextlib.suppress(OSError):
                os.close(file)


def read_answer(data: bytes, max_output_bytes: int) -> Outcome:
    """Read what a worker wrote before it ended by itself, believing none of it."""
    try:
        (frame,) = Frames(max_output_bytes).feed(data.lstrip())
        if "fault" not in frame.header:
            lock, fuel = Lock.from_json(frame.header["lock"]), read_fuel(frame.header["fuel"])
            return Success(frame.body, lock, fuel)
        fault, detail = WorkFault(frame.header["fault"]), _readable(frame.header["detail"])
    except ValueError, TypeError, KeyError:
        return Failure(WorkFault.WORKER_DIED, "the worker's answer is no outcome")
    if fault not in _FAULTS_OF_A_WORKER:
        return Failure(WorkFault.WORKER_DIED, "the worker's answer is no fault of its own")
    return Failure(fault, detail)


def _readable(text: object) -> str:
    """Return a stranger's text as one short line fit for a log; raises TypeError."""
    if not isinstance(text, str):
        raise TypeError("not text")
    return "".join(c if c.isprintable() else " " for c in text[:DETAIL_CHARACTERS])
