"""The demo as a person at a terminal meets it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable

import psutil
import pytest

from scripts.demo_home.folder import HOST

DEMO = (sys.executable, "-m", "scripts.demo_home")
STOP_S = 60.0


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda pid: os.killpg(pid, signal.SIGINT), id="Ctrl-C"),
        pytest.param(lambda pid: os.kill(pid, signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda pid: os.kill(pid, signal.SIGKILL), id="SIGKILL"),
    ],
)
async def test_however_the_demo_ends_no_process_is_left(end: Callable[[int], None]) -> None:
    demo = await asyncio.create_subprocess_exec(
        *DEMO, "--smoke", stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert demo.stdout is not None
    while b"ready" not in (line := await demo.stdout.readline()):
        assert line, "it ended before it was ready"
    processes = psutil.Process(demo.pid).children(recursive=True)
    assert processes

    end(demo.pid)

    assert await demo.wait() != 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=STOP_S)
    assert alive == []


async def test_a_taken_port_is_said_plainly() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        demo = await asyncio.create_subprocess_exec(
            *DEMO, "--port", str(port), stderr=asyncio.subprocess.PIPE
        )
        _, said = await demo.communicate()
    assert demo.returncode == 1
    assert f"port {port} of {HOST} cannot be used" in said.decode()
