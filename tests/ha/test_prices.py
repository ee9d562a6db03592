"""Prices from entities: what the books make of a price that changes, is silent or is absurd."""

from collections.abc import Mapping
from decimal import Decimal
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant

from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.ledger import Tariff
from custom_components.qheat.prices import Prices, fixed_tariff

from .conftest import MONEY, FixedEngine, radiator, set_up

SPOT = MONEY | {"electricity_price_entity": "sensor.spot"}


def spot(hass: HomeAssistant, price: str, unit: str | None = "EUR/kWh") -> None:
    """Set the price of electricity."""
    hass.states.async_set("sensor.spot", price, {"unit_of_measurement": unit})


def tariff_now(hass: HomeAssistant, options: Mapping[str, object] = SPOT) -> Tariff | None:
    """Return the tariff valid now."""
    return Prices(hass, fixed_tariff(options, "EUR"), options).now()


@pytest.mark.parametrize(
    ("field", "prices"),
    [("electricity_price", ("0.4", "0.25")), ("reference_price", ("0.25", "0.4"))],
)
async def test_a_price_entity_goes_before_the_fixed_price(
    hass: HomeAssistant, field: str, prices: tuple[str, str]
) -> None:
    spot(hass, "0.4")
    tariff = tariff_now(hass, MONEY | {f"{field}_entity": "sensor.spot"})
    assert tariff is not None
    assert (tariff.electricity_per_kwh, tariff.reference_per_kwh) == (*map(Decimal, prices),)


async def test_a_price_per_megawatt_hour_is_understood_and_may_be_negative(
    hass: HomeAssistant,
) -> None:
    spot(hass, "-12.5", "€/MWh")
    tariff = tariff_now(hass)
    assert tariff is not None
    assert tariff.electricity_per_kwh == Decimal("-0.0125")


@pytest.mark.parametrize(
    ("price", "unit"),
    [
        ("unavailable", "EUR/kWh"),
        ("unknown", "EUR/kWh"),
        ("nan", "EUR/kWh"),
        ("inf", "EUR/kWh"),
        ("snan", "EUR/kWh"),
        ("-inf", "EUR/MWh"),
        ("1e30", "EUR/kWh"),
        ("1e999999", "EUR/Wh"),
        ("1e999999999999999999999", "EUR/Wh"),
        ("-1e999999", "EUR/kWh"),
        ("9" * 255, "EUR/MWh"),
        ("dear", "EUR/kWh"),
        ("0.2", "USD/kWh"),
        ("0.2", None),
    ],
)
async def test_a_price_that_is_silent_or_absurd_is_unknown_and_not_the_fixed_one(
    hass: HomeAssistant, price: str, unit: str | None
) -> None:
    spot(hass, price, unit)
    assert tariff_now(hass) is None


@pytest.mark.parametrize("price", ["-0", "1e-999999", "0." + "3" * 253])
async def test_a_price_however_it_is_written_is_a_price(hass: HomeAssistant, price: str) -> None:
    spot(hass, price, "EUR/Wh")
    tariff = tariff_now(hass)
    assert tariff is not None
    assert tariff.electricity == pytest.approx(Decimal(price) * 1000)


async def test_a_home_can_read_what_its_own_backend_repays_for_a_price_of_many_digits(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    with patch("custom_components.qheat.this_machine.PullEngine", return_value=engine) as made:
        await set_up(hass, radiator(), options=MONEY | {"electricity_price": 0.2345 / 1.19})
    client: JobClient = made.call_args.args[0]
    assert (await client.account()).repayment_per_kwh == Decimal("0.197058823529")


async def test_a_price_entity_that_is_gone_leaves_the_price_unknown(hass: HomeAssistant) -> None:
    assert tariff_now(hass) is None


@pytest.mark.parametrize(
    ("kind", "efficiency"),
    [("electric", "1"), ("gas", "0.9"), ("oil", "0.85"), ("heat_pump", "3"), ("district", "1")],
)
async def test_each_kind_of_heating_has_its_usual_efficiency(kind: str, efficiency: str) -> None:
    options = {"electricity_price": 0.25, "reference_price": 0.1, "reference_kind": kind}
    assert fixed_tariff(options, "EUR").reference_efficiency == Decimal(efficiency)
    known = fixed_tariff(options | {"reference_efficiency": 0.7}, "EUR")
    assert known.reference_efficiency == Decimal("0.7")


async def test_each_hour_costs_what_its_price_was_and_nothing_while_it_is_unknown(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=1000.0)
    spot(hass, "0.1")
    entry = await set_up(hass, radiator(), options=SPOT)
    for price in ("0.1", "0.3", "unavailable"):
        spot(hass, price)
        for _ in range(60):
            freezer.tick(60)
            await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    totals = entry.runtime_data.books.home_balance.totals
    assert totals.heat_j == pytest.approx(3 * 3.6e6)
    assert float(totals.electricity_cost) == pytest.approx(0.4, rel=0.01)
    assert totals.unpriced_heat_j == pytest.approx(3.6e6, rel=0.01)
