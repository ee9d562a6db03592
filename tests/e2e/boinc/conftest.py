"""A real client, attached to nothing yet, and a project for it to attach to."""

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Never

import pytest

from .project import Project
from .real_client import RealClient

HERE = Path(__file__).parent
SUITES = os.environ.get("QHEAT_BOINC_SUITES", "installed forky").split()


def pytest_configure() -> None:
    """End the stories in order, with their clients, when the time for all of them is over."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: object) -> Never:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt("the stories took too long")


@pytest.fixture(scope="session", params=SUITES)
def binary(request: pytest.FixtureRequest) -> Path:
    """Return a BOINC client: the installed one, and that of a newer Debian."""
    found = subprocess.run(
        [HERE / "get_client", request.param], stdout=subprocess.PIPE, check=False
    )
    if found.returncode:
        message = f"no BOINC client of {request.param} can be had here"
        pytest.fail(message) if request.param == "installed" else pytest.skip(message)
    return Path(found.stdout.decode().strip())


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the application that the jobs run, compiled from burn.c."""
    program = tmp_path_factory.mktemp("app") / "burn"
    zig = (sys.executable, "-m", "ziglang", "cc", "-target", f"{platform.machine()}-linux-musl")
    compiler = ("cc",) if shutil.which("cc") else zig
    command = (*compiler, "-O1", "-static", "-o", str(program), str(HERE / "burn.c"))
    subprocess.run(command, check=True)
    return program.read_bytes()


@pytest.fixture
async def project(app: bytes, socket_enabled: None) -> AsyncGenerator[Project]:
    """Serve a project."""
    served = Project()
    await served.start(app)
    yield served
    await served.stop()


@pytest.fixture
async def client(binary: Path, tmp_path: Path, socket_enabled: None) -> AsyncGenerator[RealClient]:
    """Run a real client."""
    started = RealClient(binary, tmp_path)
    await started.start()
    yield started
    await started.stop()
