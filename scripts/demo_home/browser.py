"""A real browser, Debian's chromium, in front of the demo."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, ViewportSize, async_playwright

from .api import OWNER
from .errors import DemoError

TIMEOUT_MS = 120_000


@asynccontextmanager
async def blank_page(
    *, size: tuple[int, int] = (1280, 1024), scale: float = 1, locale: str = "en-GB"
) -> AsyncIterator[Page]:
    """Open the browser with an empty page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise DemoError("chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            # Root, in a container for instance, has no sandbox to be had from chromium.
            chromium_sandbox=os.geteuid() != 0,
        )
        page = await browser.new_page(
            viewport=ViewportSize(width=size[0], height=size[1]),
            device_scale_factor=scale,
            color_scheme="light",
            locale=locale,
            timezone_id="Europe/Paris",
        )
        page.set_default_timeout(TIMEOUT_MS)
        yield page
        await browser.close()


@asynccontextmanager
async def signed_in_page(
    url: str,
    password: str,
    *,
    size: tuple[int, int] = (1280, 1024),
    scale: float = 1,
    locale: str = "en-GB",
) -> AsyncIterator[Page]:
    """Open Home Assistant, sign in as its owner by the form, and wait for the start page."""
    async with blank_page(size=size, scale=scale, locale=locale) as page:
        await page.goto(url)
        await page.locator("input[name=username]").fill(OWNER)
        await page.locator("input[name=password]").fill(password)
        await page.keyboard.press("Enter")
        await page.locator("hui-thermostat-card").first.wait_for()
        yield page
