"""The runner process as Home Assistant's process sees it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

from .sandbox.frames import Frame, Frames

_BOOT: Final = str(Path(__file__).parent / "sandbox" / "boot.py")
_READ_BYTES: Final = 256 << 10
_SILENCE_S: Final = 30.0
_STOP_S: Final = 5.0


class RunnerProcess:
    """One runner process and the frames to and from it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self.frames = self._receive()

    @classmethod
    async def spawn(cls) -> Self:
        """Start a runner that ends with this process; raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            _BOOT,
            "runner",
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Home Assistant's environment holds secrets.
            env={},
            cwd="/",
            # Not a session of its own: Linux shares the processor between sessions before it
            # looks at the priority of workers (autogroup, see sched(7)).
            process_group=0,
        )
        return cls(process)

    def send(self, frame: Frame) -> None:
        """Send a frame without waiting; what a dead runner does not get is lost."""
        if not self._stdin.is_closing():
            self._stdin.write(frame.encode())

    async def drain(self) -> None:
        """Wait until the runner has read nearly all, or is gone."""
        with contextlib.suppress(OSError):
            await self._stdin.drain()

    async def close(self) -> None:
        """End the runner, and with it its workers; kill it if it does not end by itself."""
        self._stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        with contextlib.suppress(OSError):
            await self._stdin.wait_closed()

    async def _receive(self) -> AsyncIterator[Frame]:
        """Yield frames until the runner ends; raises FrameError, and TimeoutError on silence."""
        frames = Frames()
        while True:
            async with asyncio.timeout(_SILENCE_S):
                data = await self._stdout.read(_READ_BYTES)
            if not data:
                return
            for frame in frames.feed(data):
                yield frame
