"""Take the pictures of the energy dashboard: a week of data, and the power of now."""

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, ViewportSize

from .api import Api
from .browser import signed_in_page
from .errors import DemoError
from .folder import REPOSITORY, password
from .furnish import ENGLISH
from .past_week import remember_week
from .plan import Plan
from .run import run_apart, say

SETTLE_S: Final = 10
RECORDER_S: Final = 60
SIZE: Final = (600, 970)
NOW_SIZE: Final = (600, 470)
LOCALES: Final = {ENGLISH: "en-GB", "fr": "fr-FR"}
# What the page's own menu of periods keeps in the browser.
SHOW_A_WEEK: Final = "localStorage['energy-default-period-_energy_dashboard'] = 'now-7d'"


async def photograph(pictures: Path, language: str, folder: Path, api: Api, plan: Plan) -> None:
    """Put a week behind the radiators and photograph the energy page."""
    week_kwh = await remember_week(api, plan)
    say(f"the radiators have a simulated week of {week_kwh:.1f} kWh behind them")
    await add_radiators(api)
    locale, suffix = LOCALES[language], "" if language == ENGLISH else f".{language}"
    async with signed_in_page(api.url, password(folder), size=SIZE, locale=locale) as page:
        await open_energy_page(api, page)
        await asyncio.sleep(SETTLE_S)
        await page.screenshot(path=pictures / f"energy{suffix}.png")
        await page.set_viewport_size(ViewportSize(width=NOW_SIZE[0], height=NOW_SIZE[1]))
        await open_power_page(api, page)
        await asyncio.sleep(SETTLE_S)
        await page.screenshot(path=pictures / f"energy-now{suffix}.png")
    say(f"the pictures are in {pictures}")


async def add_radiators(api: Api) -> None:
    """Take the radiators out of the energy dashboard and add them again, by our own actions.

    Raises DemoError if Home Assistant goes on finding something wrong with them.
    """
    await api.act("qheat", "remove_from_energy_dashboard")
    await api.act("qheat", "add_to_energy_dashboard")
    try:
        # The recorder takes a moment to write what was imported.
        async with asyncio.timeout(RECORDER_S):
            while await found_wrong(api):
                await asyncio.sleep(0.5)
    except TimeoutError as err:
        raise DemoError(f"energy/validate reports {await found_wrong(api)}") from err


async def found_wrong(api: Api) -> list[Any]:
    """Return what energy/validate reports, about sources and devices."""
    answer = await api.command("energy/validate")
    return [issue for part in answer.values() for checked in part for issue in checked]


async def open_energy_page(api: Api, page: Page) -> None:
    """Show the energy page's devices over the last week."""
    await page.evaluate(SHOW_A_WEEK)
    await page.goto(f"{api.url}/energy/electricity")
    await page.locator("hui-energy-devices-graph-card").first.wait_for()


async def open_power_page(api: Api, page: Page) -> None:
    """Show the energy page's power of now."""
    await page.goto(f"{api.url}/energy/now")
    await page.locator("hui-power-sankey-card").first.wait_for()


def main() -> int:
    """Run the demo in a folder of its own and photograph it; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/screenshot-energy", description=__doc__)
    parser.add_argument("--language", choices=LOCALES, default=ENGLISH, help="default: en")
    parser.add_argument("pictures", nargs="?", type=Path, default=REPOSITORY / "docs/images")
    arguments = parser.parse_args()
    visit = partial(photograph, arguments.pictures, arguments.language)
    return 0 if run_apart(visit, language=arguments.language) else 1


if __name__ == "__main__":
    sys.exit(main())
