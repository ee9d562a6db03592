"""Home Assistant as a child process that leaves nothing behind."""

import asyncio
import ctypes
import fcntl
import os
import signal
import socket
import sys
from collections import deque
from pathlib import Path
from typing import Final

import psutil
from homeassistant.runner import LOCK_FILE_NAME

from .errors import DemoError
from .folder import HOST

LAUNCHER: Final = Path(__file__).with_name("launch.py")
PR_SET_CHILD_SUBREAPER: Final = 36
RESTART_EXIT_CODE: Final = 100
MAX_PORT: Final = 65_535
STOP_TIMEOUT_S: Final = 60
ORPHAN_TIMEOUT_S: Final = 10


def adopt_orphans() -> None:
    """Become the parent of every orphan among this process's descendants (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def check_port(port: int) -> None:
    """Raise DemoError if it is no port, or somebody listens on it already."""
    if not 1 <= port <= MAX_PORT:
        raise DemoError(f"{port} is no port: take one from 1 to {MAX_PORT}")
    try:
        socket.create_server((HOST, port)).close()
    except OSError as err:
        why = os.strerror(err.errno or 0)
        raise DemoError(
            f"port {port} of {HOST} cannot be used ({why}): another Home Assistant?\n"
            "Stop it, or take another port with --port"
        ) from err


def check_folder(folder: Path) -> None:
    """Raise DemoError if a Home Assistant runs in the folder: none survives losing its own."""
    lock = folder / LOCK_FILE_NAME
    if not lock.exists():
        return
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise DemoError("the demo runs already: stop it with Ctrl-C first") from err


class HassProcess:
    """Home Assistant, run in its own session so that Ctrl-C reaches only the demo."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "demo.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Process id of Home Assistant."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process; its output goes to demo.log in the folder."""
        with self._log.open("ab" if self._process else "wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(LAUNCHER),
                *("--config", str(self._folder), "--skip-pip", "--log-no-color"),
                cwd=self._folder,
                env=os.environ | {"QHEAT_DEMO_PID": str(os.getpid())},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def run(self) -> None:
        """Wait until the process ends; start it anew when its user asks for a restart."""
        assert self._process is not None
        while await self._process.wait() == RESTART_EXIT_CODE:
            await self.start()
        raise DemoError(f"Home Assistant ended by itself, status {self._process.returncode}")

    async def stop(self) -> None:
        """End Home Assistant as its user would, or kill it when it takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill Home Assistant at once, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines that Home Assistant wrote."""
        with self._log.open(errors="replace") as log:
            return "".join(deque(log, lines)).rstrip()


async def end_orphans() -> list[str]:
    """Wait until this process has no children; kill those that stay, and return them."""
    deadline_s = asyncio.get_running_loop().time() + ORPHAN_TIMEOUT_S
    while _children_left() and asyncio.get_running_loop().time() < deadline_s:
        await asyncio.sleep(0.1)
    stubborn = []
    while _children_left():
        for process in psutil.Process().children(recursive=True):
            if process.status() != psutil.STATUS_ZOMBIE:
                stubborn.append(f"{process.pid} {process.name()}")
                process.kill()
        await asyncio.sleep(0.1)
    return stubborn


def _children_left() -> bool:
    """Say whether this process has living children, and bury the dead ones."""
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    except ChildProcessError:
        return False
