"""A person in front of a browser turns a thermostat up."""

import asyncio

import pytest
from playwright.async_api import expect

from scripts.demo_home.browser import TIMEOUT_MS, signed_in_page

from .running import RunningHome, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_click_on_plus_heats_the_room(home: RunningHome) -> None:
    radiator = home.plan.radiators[0]
    before = await home.api.state(radiator.thermostat)
    async with signed_in_page(home.api.url, home.password) as page:
        card = page.locator("hui-thermostat-card").first
        plus = card.locator("ha-state-control-climate-temperature ha-outlined-icon-button").last

        async def a_click_raises_the_setpoint() -> bool:
            # The card forgets a click that a new state comes upon: a person clicks again.
            await plus.click()
            await asyncio.sleep(5)
            state = await home.api.state(radiator.thermostat)
            return bool(state["attributes"]["temperature"] > before["attributes"]["temperature"])

        await until(a_click_raises_the_setpoint)
        await expect(card).to_contain_text("Heating", timeout=TIMEOUT_MS)

        async def a_job_runs() -> bool:
            return await home.number(radiator.entities["jobs_running"]) > 0

        await until(a_job_runs)
        tile = page.locator("hui-tile-card", has_text="Jobs").first
        await expect(tile).to_contain_text("1", timeout=TIMEOUT_MS)


async def test_the_dashboard_shows_no_error_and_nothing_unavailable(home: RunningHome) -> None:
    async with signed_in_page(home.api.url, home.password) as page:
        await expect(page.locator("hui-thermostat-card")).to_have_count(len(home.plan.radiators))
        await expect(page.locator("hui-history-graph-card").last).to_be_visible()
        await expect(page.locator("hui-error-card, hui-warning")).to_have_count(0)
        await expect(page.get_by_text("unavailable", exact=False)).to_have_count(0)
