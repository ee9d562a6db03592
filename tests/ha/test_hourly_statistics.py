"""Statistics by the hour: what is settled late counts when the heat was made, and once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import (
    list_statistic_ids,
    statistics_during_period,
)
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.qheat.compute.engine import SettlementPage

from .conftest import LIVING_ROOM, FixedEngine, radiator, set_up, settlement

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOON_S = NOON.timestamp()
EARNINGS = f"qheat:{LIVING_ROOM.lower()}_earnings"
SAVINGS = f"qheat:{LIVING_ROOM.lower()}_savings"
NET_HEAT_COST = f"qheat:{LIVING_ROOM.lower()}_net_heat_cost"
HEAT = f"qheat:{LIVING_ROOM.lower()}_heat"

pytestmark = pytest.mark.freeze_time("2026-11-23 12:00:00+00:00")


async def heat(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory, hours: int
) -> None:
    """Let the home heat for some hours, and the recorder write."""
    await entry.runtime_data.async_book_settlements()
    for _ in range(60 * hours):
        freezer.tick(60)
        await entry.runtime_data.async_refresh()
    await async_wait_recording_done(hass)


async def by_hour(hass: HomeAssistant, statistic_id: str) -> list[float]:
    """Return what was added in each hour since noon."""
    rows = await get_instance(hass).async_add_executor_job(
        lambda: statistics_during_period(hass, NOON, None, {statistic_id}, "hour", None, {"change"})
    )
    return [round(row["change"] or 0, 6) for row in rows[statistic_id]]


def page(cursor: str, *numbers: int, **changes: Any) -> SettlementPage:
    """Return settlements of 0.01 each, of work done at half past noon."""
    values = {"earned": Decimal("0.01"), "delivered_at": NOON_S + 1800, **changes}
    settlements = tuple(
        settlement(f"s{number}", **({"settled_at": NOON_S + 3600 * number} | values))
        for number in numbers
    )
    return SettlementPage(settlements=settlements, cursor=cursor)


@pytest.mark.usefixtures("recorder_mock")
async def test_what_is_settled_late_counts_in_the_hour_of_its_heat_and_once(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=400.0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heat(hass, entry, freezer, hours=3)
    assert await by_hour(hass, HEAT) == pytest.approx([0.4, 0.4, 0.4], rel=0.01)
    assert await by_hour(hass, EARNINGS) == [0, 0, 0]

    engine.pages = [page("1", 1, 2)]
    await heat(hass, entry, freezer, hours=1)
    assert await by_hour(hass, EARNINGS) == [0.02, 0, 0, 0]

    assert await hass.config_entries.async_reload(entry.entry_id)
    engine.pages = [page("1", 1, 2)]
    await heat(hass, entry, freezer, hours=1)
    assert await by_hour(hass, EARNINGS) == [0.02, 0, 0, 0, 0]

    engine.pages = [page("2", 2, accepted=False)]
    await heat(hass, entry, freezer, hours=1)
    assert await by_hour(hass, EARNINGS) == [0.01, 0, 0, 0, 0, 0]
    heats_kwh = await by_hour(hass, HEAT)
    assert sum(heats_kwh) == pytest.approx(2.4, rel=0.02)


@pytest.mark.usefixtures("recorder_mock")
async def test_a_repayment_hours_late_is_saved_in_the_hour_of_its_heat(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    prices = {"electricity_price": 0.25, "reference_price": 0.1, "reference_kind": "electric"}
    engine.tell(power_w=400.0)
    entry = await set_up(hass, radiator(), options=prices)
    await heat(hass, entry, freezer, hours=3)
    before = await by_hour(hass, SAVINGS)
    assert before == pytest.approx([-0.06] * 3, rel=0.02)
    costs = await by_hour(hass, NET_HEAT_COST)
    assert costs == pytest.approx([0.1] * 3, rel=0.02)

    engine.pages = [page("1", 1, repaid=Decimal("0.05"))]
    await heat(hass, entry, freezer, hours=1)
    first, *later = await by_hour(hass, SAVINGS)
    assert first == pytest.approx(before[0] + 0.05)
    assert later[:2] == before[1:]
    [cost, *_] = await by_hour(hass, NET_HEAT_COST)
    assert cost == pytest.approx(costs[0] - 0.05 - 0.01)


@pytest.mark.usefixtures("recorder_mock", "engine")
async def test_the_statistics_have_names_and_units(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    hass.config.language = "fr"
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heat(hass, entry, freezer, hours=1)
    known = await get_instance(hass).async_add_executor_job(
        lambda: list_statistic_ids(hass, {HEAT, EARNINGS})
    )
    assert {(one["name"], one["statistics_unit_of_measurement"]) for one in known} == {
        ("Living room Chaleur (qheat)", "kWh"),
        ("Living room Gains (qheat)", "EUR"),
    }


@pytest.mark.usefixtures("engine")
async def test_a_home_without_a_recorder_works_as_well(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    for _ in range(70):
        freezer.tick(60)
        await entry.runtime_data.async_refresh()
    assert entry.runtime_data.last_update_success
