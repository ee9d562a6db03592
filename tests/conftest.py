"""What every test shares."""

import asyncio
import sys
from collections.abc import Generator
from unittest.mock import patch

import pytest
import pytest_socket

# Imported first: else the test plugin's own `custom_components` package hides ours.
import custom_components.qheat.const  # noqa: F401

from . import measured_runner


@pytest.fixture(autouse=True, scope="session")
def _runners_are_measured() -> Generator[None]:
    """Have coverage see what runs in runner processes, if it is measured at all."""
    coverage = sys.modules.get("coverage")
    if coverage is None or coverage.Coverage.current() is None:
        yield
        return
    with patch("custom_components.qheat.compute.runner._BOOT", measured_runner.__file__):
        yield


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Have the loop refuse calls from other threads, but not note who makes each callback and task.

    The notes take a third of all time, and only make messages longer.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.get_debug = lambda: False  # type: ignore[method-assign]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call a long value by its argument: the tests' processes tell each other all tests' names."""
    return argname if isinstance(val, str | bytes) and len(val) > 100 else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Let tests connect to unix sockets too, after the plugin has allowed loopback only."""
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
