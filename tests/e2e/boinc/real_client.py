"""A real BOINC client on loopback, in a folder of its own."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from custom_components.qheat.compute.boinc import BoincError, probe

from .project import GPU

PASSWORD: Final = "tenant's secret & more"
CORES: Final = 4
OWN_PREFERENCES: Final = (
    "<global_preferences>\n   <work_buf_min_days>0.0001</work_buf_min_days>\n"
    "   <work_buf_additional_days>0</work_buf_additional_days>\n"
    "   <max_ncpus_pct>75</max_ncpus_pct>\n   <disk_max_used_gb>5</disk_max_used_gb>\n"
    # In its own mode a client stops while other programs are busy: those of the tests beside.
    "   <suspend_cpu_usage>0</suspend_cpu_usage>\n</global_preferences>"
)
_CONFIG: Final = (
    f"<cc_config><options><ncpus>{CORES}</ncpus><skip_cpu_benchmarks>1</skip_cpu_benchmarks>"
    # No driver finds this card, and nothing needs to: the jobs for it only say that they use it.
    f"<coproc><type>{GPU}</type><count>1</count><peak_flops>1e12</peak_flops>"
    "<device_nums>0</device_nums></coproc></options></cc_config>"
)
_BUSY_NS: Final = 5e6
"""CPU time in one second that a paused task never uses, even where the machine is overloaded."""


class RealClient:
    """Starts, kills and ends a client, and measures what its tasks really do."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._binary = binary
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: set[int] = set()
        password = folder / "gui_rpc_auth.cfg"
        password.write_text(PASSWORD)
        password.chmod(0o600)
        (folder / "cc_config.xml").write_text(_CONFIG)
        self.preferences = folder / "global_prefs_override.xml"
        self.preferences.write_text(OWN_PREFERENCES)

    async def start(self) -> None:
        """Start the client and wait until it answers."""
        with (self.folder / "client.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                # Should the tests be killed, the client is killed, too, and its tasks miss it.
                *("setpriv", "--pdeathsig", "KILL", self._binary),
                *("--dir", self.folder, "--gui_rpc_port", str(self.port)),
                "--allow_multiple_clients",
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with asyncio.timeout(60):
            while True:
                with suppress(BoincError):
                    await probe("127.0.0.1", self.port, PASSWORD)
                    return
                await asyncio.sleep(0.2)

    @property
    def alive(self) -> bool:
        """Tell whether the client still runs."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """Kill the client as a power cut would, but leave its tasks alone."""
        self._remember_tasks()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """End the client and everything that it has started."""
        self._remember_tasks()
        if self._process is not None and self.alive:
            self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(10):
                    await self._process.wait()
        await self.kill()
        for pid in self._tasks:
            if _belongs(pid, self.folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def burning(self) -> int:
        """Return how many tasks use CPU time, measured over a second."""
        self._remember_tasks()
        before = {pid: _cpu_and_queue_ns(pid)[0] for pid in self._tasks}
        await asyncio.sleep(1.0)
        return sum(_cpu_and_queue_ns(pid)[0] - cpu_ns > _BUSY_NS for pid, cpu_ns in before.items())

    async def until_burning(self, count: int, within_s: float) -> float:
        """Wait until `count` tasks use CPU time; return after how many seconds they did."""
        return await until(self.burning, count, within_s)

    async def wanted_time(self, over_s: float) -> float:
        """Return for how much of `over_s` a task wanted to compute, in shares of a core, all added.

        Whether it was let is for the machine to say: other tests may want its cores, too.
        """
        self._remember_tasks()
        clock = asyncio.get_running_loop().time
        begun_s, before = clock(), {pid: sum(_cpu_and_queue_ns(pid)) for pid in self._tasks}
        await asyncio.sleep(over_s)
        wanted_ns = sum(sum(_cpu_and_queue_ns(pid)) - ns for pid, ns in before.items())
        return wanted_ns / 1e9 / (clock() - begun_s)

    def tasks(self) -> set[int]:
        """Return the process ids of the tasks that are in memory."""
        slots = self.folder / "slots"
        return {
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and _belongs(int(entry.name), slots)
        }

    def _remember_tasks(self) -> None:
        self._tasks |= self.tasks()


async def until(look: Callable[[], object], wanted: object, within_s: float) -> float:
    """Wait until `look` gives what is wanted; return after how many seconds it did."""
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    while True:
        seen = look()
        if isinstance(seen, Awaitable):
            seen = await seen
        if seen == wanted:
            return clock() - begun_s
        assert clock() - begun_s < within_s, f"{seen!r} instead of {wanted!r} after {within_s} s"
        await asyncio.sleep(0.2)


def _belongs(pid: int, folder: Path) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    return False


def _cpu_and_queue_ns(pid: int) -> tuple[float, float]:
    """Return for how long a process has computed, and for how long it waited to be let."""
    with suppress(OSError):
        computed, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2]
        return float(computed), float(waited)
    return 0.0, 0.0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
