"""A real Home Assistant with the demo home in it, and a real browser."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from .running import RunningHome


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[RunningHome]:
    """Return the demo home, running."""
    home = RunningHome(tmp_path / "demo")
    await home.start()
    yield home
    await home.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Return Debian's chromium without a window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            # As root, in a container for instance, chromium has no sandbox to offer.
            chromium_sandbox=os.geteuid() != 0,
        )
        yield browser
        await browser.close()
