"""A real Home Assistant with the demo home in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .running import RunningHome


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[RunningHome]:
    """Return the demo home, running."""
    home = RunningHome(tmp_path / "demo")
    await home.start()
    yield home
    await home.stop()
