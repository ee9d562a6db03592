"""One worker process, as the runner sees it: untrusted from its first instruction on."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .frames import Frame, FrameError, Frames
from .work import OUTCOME_BYTES, Limits, Lock, WorkFault

_BOOT = str(Path(__file__).with_name("boot.py"))
_ERROR_BYTES = 4096
_DETAIL_CHARACTERS = 500
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


type Outcome = Failure | Success


class Child:
    """A worker process: started stopped or running, paused and resumed by signals."""

    def __init__(self, job: Frame, limits: Limits, wasmtime_folder: str) -> None:
        self._limits = limits
        self._failure: Failure | None = None
        self._paused = False
        self._files = [os.memfd_create(name) for name in ("job", "outcome", "errors")]
        try:
            _write_all(self._files[0], job.encode())
            os.lseek(self._files[0], 0, os.SEEK_SET)
            arguments = [sys.executable, "-I", _BOOT, "worker", str(os.getpid()), wasmtime_folder]
            self._pid = os.posix_spawn(
                sys.executable,
                arguments,
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, file, descriptor)
                    for descriptor, file in enumerate(self._files)
                ],
                # In a group of its own, so that the kernel ends it if we die while it is stopped.
                setpgroup=0,
                setsigmask=(),
            )
        except OSError:
            self._close()
            raise
        self.descriptor = os.pidfd_open(self._pid)

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far."""
        # The process's own CPU clock: see clock_getcpuclockid(3) and the kernel's posix-timers.
        return time.clock_gettime(~self._pid << 3 | 2)

    def run(self, *, wanted: bool) -> None:
        """Resume the worker, or pause it."""
        if wanted == self._paused:
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
            return self._answer()
        errors = os.pread(self._files[2], _ERROR_BYTES, 0).decode(errors="replace").strip()
        cause = errors.splitlines()[-1] if errors else ""
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            cause = cause or f"killed by {signal.Signals(number).name}"
            if number == signal.SIGXCPU or cpu_s > self._limits.cpu_s:
                return Failure(WorkFault.OUT_OF_TIME, cause)
        # The interpreter's and the engine's own words for it.
        out_of_memory = "MemoryError" in errors or "memory allocation of" in errors
        fault = WorkFault.OUT_OF_MEMORY if out_of_memory else WorkFault.WORKER_DIED
        return Failure(fault, cause[:_DETAIL_CHARACTERS])

    def _answer(self) -> Outcome:
        data = os.pread(self._files[1], self._limits.output_bytes + OUTCOME_BYTES, 0)
        try:
            (frame,) = Frames(self._limits.output_bytes).feed(data)
            if "fault" not in frame.header:
                return Success(frame.body, Lock.from_json(frame.header["lock"]))
            fault = WorkFault(frame.header["fault"])
            detail = str(frame.header["detail"])[:_DETAIL_CHARACTERS]
        except FrameError, ValueError, TypeError, KeyError:
            return Failure(WorkFault.WORKER_DIED, "the worker's answer is no outcome")
        if fault not in _FAULTS_OF_A_WORKER:
            return Failure(WorkFault.WORKER_DIED, "the worker's answer is no fault of its own")
        return Failure(fault, detail)

    def _close(self) -> None:
        for file in self._files:
            with contextlib.suppress(OSError):
                os.close(file)


def _write_all(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
