"""What the books show of a day: money, the effective COP, CO2 and the day's work."""

from decimal import Decimal
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat import books_sensor
from custom_components.qheat.compute.engine import HeatKind, SettlementPage
from custom_components.qheat.shelf import Shelf

from .conftest import LIVING_ROOM, FixedEngine, home, load, radiator, settlement, state_at

NOON_S = 1_795_435_200.0  # 2026-11-23 12:00 UTC

pytestmark = [
    pytest.mark.usefixtures("engine", "all_entities_enabled"),
    pytest.mark.freeze_time("2026-11-23 12:00:00+00:00"),
]


def shown(hass: HomeAssistant, sensor: str) -> State:
    """Return what a sensor of the radiator shows."""
    return state_at(hass, f"sensor.living_room_{sensor}")


async def heat(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory, minutes: int = 60
) -> None:
    """Set the home up and let it heat, with all that it shows written."""
    if not hass.states.get("climate.living_room"):
        assert await hass.config_entries.async_setup(entry.entry_id)
    await entry.runtime_data.async_book_settlements()
    for _ in range(minutes):
        freezer.tick(60)
        await entry.runtime_data.async_refresh()
    await entry.runtime_data.async_book_settlements()
    await hass.async_block_till_done()


@pytest.mark.parametrize("value", [Decimal("0.1234567"), 0.1234567])
def test_what_is_finer_than_a_millionth_is_not_shown(value: Decimal | float) -> None:
    assert str(books_sensor.shown(value)) == "0.123457"


def paid(**changes: Any) -> list[SettlementPage]:
    """Return a page of one settlement of now."""
    return [SettlementPage(settlements=(settlement(settled_at=NOON_S, **changes),), cursor="1")]


async def test_an_hour_of_heat_is_shown_as_money(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=400.0)
    engine.pages = paid(earned=Decimal("0.01"), repaid=Decimal("0.04"), energy_j=576_000.0)
    await heat(hass, entry, freezer)
    assert float(shown(hass, "heat").state) == pytest.approx(0.4)
    assert float(shown(hass, "net_heat_cost").state) == pytest.approx(0.05)
    assert float(shown(hass, "repaid").state) == pytest.approx(0.04)
    assert float(shown(hass, "subsidy").state) == pytest.approx(50)
    assert shown(hass, "effective_cop").state == "2.0"


async def test_heat_that_settlements_pay_in_full_is_called_free(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=400.0)
    engine.pages = paid(earned=Decimal("0.1"), repaid=Decimal("0.1"))
    await heat(hass, entry, freezer)
    assert shown(hass, "effective_cop").state == "free"
    assert float(shown(hass, "net_heat_cost").state) < 0


async def test_nothing_is_said_of_a_subsidy_before_there_is_a_cost(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await load(hass, entry)
    assert shown(hass, "effective_cop").state == STATE_UNKNOWN
    assert shown(hass, "subsidy").state == STATE_UNKNOWN


async def test_todays_work_is_told_by_kind_and_starts_anew_at_midnight(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    await hass.config.async_set_time_zone("UTC")
    engine.tell(power_w=500.0, cores_by_kind={"docking": 3, "option_price": 1})
    done = [settlement(f"s{n}", settled_at=NOON_S, job_kind="docking") for n in range(3)]
    refused = settlement("s9", settled_at=NOON_S, accepted=False)
    engine.pages = [SettlementPage(settlements=(*done, refused), cursor="1")]
    await heat(hass, entry, freezer, minutes=120)
    today = shown(hass, "jobs_done_today")
    assert today.state == "3"
    assert today.attributes["kinds"] == {
        "docking": {"jobs": 3, "core_hours": 1.5},
        "option_price": {"jobs": 0, "core_hours": 0.5},
    }
    assert today.attributes["refused"] == 1
    assert not {"s0", "s9"} & set(str(today.attributes).split("'"))
    assert today.attributes["core_hours"] == 2
    assert today.attributes["last_reset"] == "2026-11-23T00:00:00+00:00"

    freezer.move_to("2026-11-23 23:59:58+00:00")
    await entry.runtime_data.async_refresh()
    freezer.tick(4)
    await entry.runtime_data.async_refresh()
    today = shown(hass, "jobs_done_today")
    # What was written last is still yesterday's, and says so.
    assert today.state == "3"
    assert today.attributes["last_reset"] == "2026-11-23T00:00:00+00:00"

    freezer.move_to("2026-11-24 00:05:00+00:00")
    await heat(hass, entry, freezer, minutes=2)
    today = shown(hass, "jobs_done_today")
    assert today.state == "0"
    assert today.attributes["core_hours"] < 0.1
    assert today.attributes["last_reset"] == "2026-11-24T00:00:00+00:00"


async def test_todays_work_outlives_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=500.0)
    await heat(hass, entry, freezer)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    core_h = shown(hass, "jobs_done_today").attributes["core_hours"]
    assert core_h == 1


async def test_heat_for_warmth_alone_is_no_work(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=500.0, heat_kind=HeatKind.OWN)
    await heat(hass, entry, freezer, minutes=5)
    assert shown(hass, "jobs_done_today").attributes["core_hours"] == 0


async def test_co2_is_reckoned_with_the_factors_of_the_options(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    factors = {"co2_electricity": 60, "co2_source": "my supplier's label"}
    gas = {"electricity_price": 0.25, "reference_price": 0.1, "reference_kind": "gas"}
    entry = home(radiator(), options=gas | factors)
    entry.add_to_hass(hass)
    engine.tell(power_w=400.0, heat_kind=HeatKind.OWN)
    await heat(hass, entry, freezer)
    state = shown(hass, "co2_avoided")
    assert float(state.state) == pytest.approx(0.4 * (0.20196 / 0.9 - 0.06))
    assert state.attributes["source"] == "my supplier's label"
    assert state.attributes["reference_g_per_kwh"] == 201.96
    assert state.attributes["reference_source"].startswith("IPCC Guidelines 2006")


async def test_a_factor_that_the_user_enters_is_not_said_to_come_from_elsewhere(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    factors = {"co2_electricity": 60, "co2_reference": 180, "co2_source": "the landlord"}
    gas = {"electricity_price": 0.25, "reference_price": 0.1, "reference_kind": "gas"}
    entry = home(radiator(), options=gas | factors)
    entry.add_to_hass(hass)
    await heat(hass, entry, freezer)
    attributes = shown(hass, "co2_avoided").attributes
    assert attributes["source"] == "the landlord"
    assert attributes["reference_g_per_kwh"] == 180
    assert attributes["reference_source"] is None


async def test_co2_is_unknown_without_factors(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    await load(hass, entry)
    assert shown(hass, "co2_avoided").state == STATE_UNKNOWN


@pytest.mark.parametrize(
    "core_time",
    [
        7,
        {},
        {"day": "x", "core_s": {}},
        {"day": "2026-11-23", "core_s": {LIVING_ROOM: "nan"}},
        {"day": "2026-11-23", "core_s": {LIVING_ROOM: {"docking": "nan"}}},
        {"day": "2026-11-23", "core_s": {LIVING_ROOM: {"": 3600}}},
    ],
)
async def test_a_damaged_count_of_core_hours_begins_anew(
    hass: HomeAssistant, hass_storage: dict[str, Any], entry: MockConfigEntry, core_time: Any
) -> None:
    books = {"ledger": {"version": 1, "currency": "EUR", "accounts": {}}, "core_time": core_time}
    key = f"qheat.{entry.entry_id}"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": books}
    await load(hass, entry)
    assert shown(hass, "jobs_done_today").attributes["core_hours"] == 0


async def test_the_books_on_disk_are_half_a_minute_behind_at_most_and_not_at_all_on_a_settlement(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=400.0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    for ticks in range(1, 40):
        freezer.tick(5)
        await entry.runtime_data.async_refresh()
        written, _ = await Shelf(hass, entry).async_read()
        assert written.totals(LIVING_ROOM).heat_j >= 400 * (5 * ticks - 30)

    engine.pages = paid()
    freezer.tick(5)
    await entry.runtime_data.async_refresh()
    await entry.runtime_data.async_book_settlements()
    written, _ = await Shelf(hass, entry).async_read()
    assert written.totals(LIVING_ROOM).earned == Decimal("0.002")
