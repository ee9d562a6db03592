"""A real Home Assistant with the demo home in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .running import RunningHome


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHome]:
    """Return the demo home, running: one for all tests, for each start takes most of a minute."""
    home = RunningHome(tmp_path_factory.mktemp("home") / "demo")
    await home.start()
    yield home
    await home.stop()
