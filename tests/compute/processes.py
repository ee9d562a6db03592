"""Looking at other processes: who is whose child, who lives, who computes."""

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


def children(parent: int, program: str) -> list[int]:
    """Return the living children of `parent` that run the sandbox's `program`."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError, ValueError:
            continue
        if int(status[1]) == parent and status[0] != "Z" and program.encode() in words:
            found.append(int(folder.name))
    return found


def runner() -> int:
    """Return the one runner of this process."""
    (process,) = children(os.getpid(), "runner")
    return process


def alive(process: int) -> bool:
    """Tell whether a process lives; a zombie does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def cpu_s(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    return time.clock_gettime(~process << 3 | 2)


@contextmanager
def session_of_its_own() -> Generator[None]:
    """Start runners in sessions of their own: beside other tests their low priority gets nothing.

    A load that is to be measured needs a processor.
    """
    spawn = asyncio.create_subprocess_exec

    async def spawn_apart(*args: Any, process_group: int, **kwargs: Any) -> Any:
        assert process_group == 0
        return await spawn(*args, start_new_session=True, **kwargs)

    with patch("asyncio.create_subprocess_exec", spawn_apart):
        yield
