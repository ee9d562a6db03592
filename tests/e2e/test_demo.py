"""The demo as a person at a terminal meets it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest

from scripts.demo_home.api import Api
from scripts.demo_home.errors import DemoError
from scripts.demo_home.folder import HOST, password
from scripts.demo_home.plan import Plan
from scripts.demo_home.process import check_folder, check_port, free_port
from scripts.demo_home.run import run

DEMO = (sys.executable, "-m", "scripts.demo_home")
STOP_S = 60.0


@pytest.mark.parametrize(
    ("said", "end"),
    [
        pytest.param(b"ready", lambda pid: os.killpg(pid, signal.SIGINT), id="Ctrl-C"),
        pytest.param(b"starting", lambda pid: os.kill(pid, signal.SIGTERM), id="SIGTERM"),
        pytest.param(b"ready", lambda pid: os.kill(pid, signal.SIGKILL), id="SIGKILL"),
    ],
)
async def test_however_and_whenever_the_demo_ends_no_process_is_left(
    said: bytes, end: Callable[[int], None]
) -> None:
    demo = await asyncio.create_subprocess_exec(
        *DEMO, "--smoke", stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert demo.stdout is not None
    while said not in (line := await demo.stdout.readline()):
        assert line, f"it ended before it was {said.decode()}"
    processes = psutil.Process(demo.pid).children(recursive=True)
    assert processes

    end(demo.pid)

    assert await demo.wait() != 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=STOP_S)
    assert alive == []


@pytest.mark.parametrize("port", [0, 65536])
async def test_what_is_no_port_is_said_plainly(port: int) -> None:
    with pytest.raises(DemoError, match="no port"):
        check_port(port)


async def test_a_taken_port_is_said_plainly() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        demo = await asyncio.create_subprocess_exec(
            *DEMO, "--port", str(port), stderr=asyncio.subprocess.PIPE
        )
        _, said = await demo.communicate()
    assert demo.returncode == 1
    assert f"port {port} of {HOST} cannot be used" in said.decode()


async def test_one_demo_runs_at_a_time_and_the_next_goes_on_with_what_was_changed(
    tmp_path: Path,
) -> None:
    seen = []

    async def change(api: Api, plan: Plan) -> None:
        await api.command("config/core/update", language="fr", unit_system="us_customary")
        thermostat = plan.radiators[1].thermostat
        assert (await api.state(thermostat))["state"] == "heat"
        await api.command("config/entity_registry/update", entity_id=thermostat, disabled_by="user")

    async def look(api: Api, _: Plan) -> None:
        await api.sign_in(password(tmp_path))
        config = await api.command("get_config")
        seen.append((config["language"], config["unit_system"]["temperature"]))

        with pytest.raises(DemoError, match="runs already"):
            check_folder(tmp_path)

    start = partial(run, tmp_path, free_port())
    with (
        patch("scripts.demo_home.furnish.read_plan", side_effect=DemoError("Ctrl-C")),
        pytest.raises(DemoError, match="Ctrl-C"),
    ):
        await start(change)
    await start(change)
    check_folder(tmp_path)
    async with asyncio.timeout(60):
        await start(look)

    assert seen == [("fr", "°F")]
