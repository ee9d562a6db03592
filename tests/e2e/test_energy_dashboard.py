"""A real Home Assistant's energy dashboard, set up and undone by our actions, after a week."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from playwright.async_api import expect

from scripts.demo_home.browser import TIMEOUT_MS, signed_in_page
from scripts.demo_home.energy import add_radiators, found_wrong, open_energy_page
from scripts.demo_home.past_week import past_hours, remember_week

from .running import RunningHome, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY_METER: Final = "sensor.grid_day"
NIGHT_METER: Final = "sensor.grid_night"
PRICE: Final = "sensor.night_price"


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
        start_time=past_hours(datetime.now(UTC))[0].isoformat(),
        statistic_ids=[radiator.entities["heat"] for radiator in home.plan.radiators],
        period="day",
        types=["change"],
    )
    changes = [float(row["change"]) for rows in answer.values() for row in rows]
    return round(sum(changes), 3)


async def test_cost_is_the_grids_as_documented_beside_our_devices_and_nothing_is_found_wrong(
    home: RunningHome,
) -> None:
    radiators = [radiator.entities["heat"] for radiator in home.plan.radiators]
    for meter in (*radiators, DAY_METER, NIGHT_METER):
        await remember_start(home, meter)
    await show_grid(home, day_kwh=4000, night_kwh=2000)
    sources = [
        grid(DAY_METER, number_energy_price=0.25),
        grid(NIGHT_METER, entity_energy_price=PRICE),
    ]
    await home.api.command("energy/save_prefs", energy_sources=sources)

    await add_radiators(home.api)
    await until_cost(home, DAY_METER, 0)
    await until_cost(home, NIGHT_METER, 0)
    await show_grid(home, day_kwh=4002, night_kwh=2001)

    await until_cost(home, DAY_METER, 0.50)
    await until_cost(home, NIGHT_METER, 0.18)
    assert await found_wrong(home.api) == []
    prefs = await home.api.command("energy/get_prefs")
    assert len(prefs["device_consumption"]) == len(home.plan.radiators)
    assert prefs["energy_sources"] == sources

    await home.api.act("qheat", "remove_from_energy_dashboard")
    prefs = await home.api.command("energy/get_prefs")
    assert (prefs["device_consumption"], prefs["energy_sources"]) == ([], sources)
    assert await found_wrong(home.api) == []


def grid(meter: str, **price: Any) -> dict[str, Any]:
    """Return a grid source as the dashboard's own form makes it: a meter and a price."""
    return {
        "type": "grid",
        "stat_energy_from": meter,
        "stat_energy_to": None,
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": None,
        "stat_compensation": None,
        "entity_energy_price_export": None,
        "number_energy_price_export": None,
        "cost_adjustment_day": 0,
        **price,
    }


async def show_grid(home: RunningHome, *, day_kwh: float, night_kwh: float) -> None:
    """Have the supplier's meters show so much, and the price of the night be 0.18."""
    energy = {
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
    }
    for entity_id, state, attributes in (
        (DAY_METER, day_kwh, energy),
        (NIGHT_METER, night_kwh, energy),
        (PRICE, 0.18, {"unit_of_measurement": "EUR/kWh", "state_class": "measurement"}),
    ):
        shown = {"state": str(state), "attributes": attributes}
        await home.api.post(f"/api/states/{entity_id}", shown)


async def remember_start(home: RunningHome, meter: str) -> None:
    """Give a meter statistics, which Home Assistant itself would begin within five minutes."""
    await home.api.command(
        "recorder/import_statistics",
        metadata={
            "statistic_id": meter,
            "source": "recorder",
            "name": None,
            "has_sum": True,
            "mean_type": 0,
            "unit_class": "energy",
            "unit_of_measurement": "kWh",
        },
        stats=[{"start": past_hours(datetime.now(UTC))[0].isoformat(), "sum": 0.0}],
    )


async def until_cost(home: RunningHome, meter: str, cost: float) -> None:
    """Wait until what Home Assistant makes of a meter and its price is so much."""

    async def is_so() -> bool:
        sensors = (await home.api.command("energy/info"))["cost_sensors"]
        return meter in sensors and abs(await home.number(sensors[meter]) - cost) < 1e-6

    await until(is_so)
