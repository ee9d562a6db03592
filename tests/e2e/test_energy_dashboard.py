"""A real Home Assistant's energy dashboard, set up and undone by our actions, after a week."""

import re

from playwright.async_api import expect

from scripts.demo_home.browser import TIMEOUT_MS, signed_in_page
from scripts.demo_home.energy import add_radiators, found_wrong, open_energy_page
from scripts.demo_home.past_week import remember_week, week_begin

from .running import RunningHome


async def test_after_a_week_the_energy_dashboard_shows_the_radiators_and_finds_nothing_wrong(
    home: RunningHome,
) -> None:
    week_kwh = await remember_week(home.api, home.plan)

    await add_radiators(home.api)

    assert await found_wrong(home.api) == []
    shown = (await home.api.command("energy/get_prefs"))["device_consumption"]
    assert [device["stat_consumption"] for device in shown] == [
        radiator.entities["heat"] for radiator in home.plan.radiators
    ]
    assert await shown_kwh(home) >= round(week_kwh, 3) > 0
    async with signed_in_page(home.api.url, home.password) as page:
        await open_energy_page(home.api, page)
        legend = page.locator("hui-energy-devices-detail-graph-card")
        for radiator in home.plan.radiators:
            await expect(legend).to_contain_text(radiator.room, timeout=TIMEOUT_MS)
        await expect(page.get_by_text(re.compile("no data for this period"))).to_have_count(0)

    await home.api.act("qheat", "remove_from_energy_dashboard")
    prefs = await home.api.command("energy/get_prefs")
    assert prefs["device_consumption"] == []


async def shown_kwh(home: RunningHome) -> float:
    """Return what the dashboard adds up for all radiators since the week began."""
    answer = await home.api.command(
        "recorder/statistics_during_period",
        start_time=week_begin().isoformat(),
        statistic_ids=[radiator.entities["heat"] for radiator in home.plan.radiators],
        period="day",
        types=["change"],
    )
    changes = [float(row["change"]) for rows in answer.values() for row in rows]
    return round(sum(changes), 3)
