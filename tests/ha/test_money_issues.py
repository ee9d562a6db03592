"""Money in another currency is refused where a person sees it, and kept until it is made good."""

import json
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.const import DOMAIN

from .conftest import LIVING_ROOM, MONEY, FixedEngine, radiator, set_up, settlement

pytestmark = pytest.mark.usefixtures("engine")

SPOT = MONEY | {"electricity_price_entity": "sensor.spot"}


def issue(hass: HomeAssistant, issue_id: str) -> ir.IssueEntry | None:
    """Return a repair issue of ours."""
    return ir.async_get(hass).async_get_issue(DOMAIN, issue_id)


def told(hass: HomeAssistant) -> ir.IssueEntry | None:
    """Return the issue about settlements in another currency."""
    return issue(hass, f"foreign_settlements_{LIVING_ROOM}")


async def book(entry: MockConfigEntry, engine: FixedEngine, cursor: str, *told: Any) -> None:
    """Have a page of settlements booked, and look at what it brought."""
    engine.pages = [SettlementPage(settlements=told, cursor=cursor)]
    await entry.runtime_data.async_book_settlements()
    await entry.runtime_data.async_refresh()


async def test_a_settlement_in_another_currency_is_told_kept_and_made_good(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    yen = settlement("yen", currency="JPY")
    await book(entry, engine, "1", yen, settlement("euro"))
    problem = told(hass)
    assert problem is not None
    assert problem.severity is ir.IssueSeverity.ERROR
    assert problem.translation_placeholders == {
        "radiator": "Living room",
        "count": "1",
        "amounts": "0.012 JPY",
        "currency": "EUR",
    }
    assert entry.runtime_data.books.home_balance.totals.jobs == {"option_price": 1}
    # Written with the cursor that is behind it: whenever it is killed, it is asked for or kept.
    written = json.loads(json.dumps(hass_storage["qheat.01JHOME"]["data"]))
    assert written["foreign"][LIVING_ROOM][0][0] == "yen"
    assert written["ledger"]["accounts"][LIVING_ROOM]["cursor"] == "1"

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert told(hass) is None
    assert await hass.config_entries.async_setup(entry.entry_id)
    await entry.runtime_data.async_refresh()
    assert told(hass) is not None

    await book(entry, engine, "2", settlement("yen"))
    assert told(hass) is None
    assert entry.runtime_data.books.home_balance.totals.jobs == {"option_price": 2}


@pytest.mark.parametrize(("unit", "is_told"), [("USD/kWh", True), ("EUR/l", True), (None, False)])
async def test_a_price_that_turns_to_another_currency_is_told_until_it_turns_back(
    hass: HomeAssistant, unit: str | None, is_told: bool
) -> None:
    hass.states.async_set("sensor.spot", "0.2", {"unit_of_measurement": "EUR/kWh"})
    entry = await set_up(hass, radiator(), options=SPOT)
    issue_id = f"price_refused_{entry.entry_id}_electricity_price_entity"
    assert issue(hass, issue_id) is None
    hass.states.async_set("sensor.spot", "0.2", {"unit_of_measurement": unit})
    await entry.runtime_data.async_refresh()
    problem = issue(hass, issue_id)
    assert (problem is not None) is is_told
    if problem is not None:
        assert problem.translation_placeholders == {
            "entity": "sensor.spot",
            "unit": unit,
            "currency": "EUR",
        }
    hass.states.async_set("sensor.spot", "0.2", {"unit_of_measurement": "EUR/kWh"})
    await entry.runtime_data.async_refresh()
    assert issue(hass, issue_id) is None


@pytest.mark.parametrize("silence", ["unavailable", "unknown", "no number", "nan", "1e9", None])
async def test_a_price_that_is_not_known_for_hours_is_told_until_it_is(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, silence: str | None
) -> None:
    unit = {"unit_of_measurement": "EUR/kWh"}
    hass.states.async_set("sensor.spot", "0.2", unit)
    entry = await set_up(hass, radiator(), options=SPOT)
    if silence is None:
        hass.states.async_remove("sensor.spot")
    else:
        hass.states.async_set("sensor.spot", silence, unit)
    issue_id = f"price_silent_{entry.entry_id}_electricity_price_entity"
    await entry.runtime_data.async_refresh()
    freezer.tick(3 * 3600 - 1)
    await entry.runtime_data.async_refresh()
    assert issue(hass, issue_id) is None
    freezer.tick(2)
    await entry.runtime_data.async_refresh()
    assert issue(hass, issue_id) is not None
    hass.states.async_set("sensor.spot", "-0.02", unit)
    await entry.runtime_data.async_refresh()
    assert issue(hass, issue_id) is None
