"""The parties as processes that may be killed and started again."""

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import psutil

from .clock import TurnedClock


class Zygote:
    """Where parties are forked from."""

    def __init__(self, clock_library: Path) -> None:
        self._clock_library = clock_library

    async def start(self) -> None:
        """Have everything imported."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{__package__}.zygote"),
            stdin=PIPE,
            stdout=PIPE,
            env=os.environ | {"LD_PRELOAD": str(self._clock_library)},
        )
        await self._line()

    async def fork(self, order: dict[str, Any]) -> int:
        """Return the process id of a new party."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return int(await self._line())

    async def stop(self) -> None:
        """End it; parties that are left die with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the zygote has died")
        return line


class Party:
    """A process that is started again whenever it was killed; one that ends itself is a failure."""

    def __init__(
        self, zygote: Zygote, name: str, module: str, folder: Path, arguments: dict[str, Any]
    ) -> None:
        self.name = name
        self.starts = 0
        self.clock = TurnedClock(folder / f"{name}.clock")
        self.may_end = False
        """Whether ending itself is no failure now, as on a full disk."""
        self.ended_itself = 0
        self.log = folder / f"{name}.log"
        self._zygote = zygote
        self._order = {
            "party": module,
            "clock": str(self.clock.path),
            "log": str(self.log),
            "arguments": arguments,
        }
        self._life: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._life is not None

    async def start(self) -> None:
        """Start it."""
        pid = await self._zygote.fork(self._order)
        self.pid = pid
        self.starts += 1
        self._life = os.pidfd_open(pid)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, wait until it is dead, and have it dead until it is started again."""
        life, self._life = self._life, None
        if life is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(life, number)
        await _end_of(life)
        os.close(life)

    async def look_after(self) -> None:
        """Start it again if it has ended itself; raises RuntimeError where it may not."""
        if self._life is None or not _has_ended(self._life):
            return
        self.ended_itself += 1
        os.close(self._life)
        self._life = None
        if not self.may_end:
            tail = "".join(self.log.read_text().splitlines(keepends=True)[-30:])
            raise RuntimeError(f"the {self.name} has ended itself:\n{tail}")
        await asyncio.sleep(0.5)
        await self.start()


def sandbox(home_pid: int) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """Return the runner (one at most) and the workers of a home."""
    try:
        runners = psutil.Process(home_pid).children()
        return runners, [worker for runner in runners for worker in runner.children()]
    except psutil.NoSuchProcess:
        return [], []


def _has_ended(life: int) -> bool:
    poll = select.poll()
    poll.register(life, select.POLLIN)
    return bool(poll.poll(0))


async def _end_of(life: int) -> None:
    async with asyncio.timeout(60):
        while not _has_ended(life):
            await asyncio.sleep(0.01)
