"""The worked example of the documentation is what the code computes."""

import re
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path

import pytest

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import (
    MAX_GAP_S,
    MEMORY,
    REFERENCE_DEFAULTS,
    Carbon,
    History,
    Ledger,
    ReferenceKind,
    Tariff,
    Totals,
    foreign,
)
from custom_components.qheat.ledger.history import KEPT_DAYS, KEPT_IDS
from custom_components.qheat.ledger.hours import LATE_DAYS

from .ledger_data import OFFICE, absorb, hour, page, read, settlement

PAGE = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs" / "money.md").read_text())
GAS = REFERENCE_DEFAULTS[ReferenceKind.GAS]
TARIFF = Tariff(
    currency="EUR",
    electricity_per_kwh=Decimal("0.25"),
    reference_per_kwh=Decimal("0.11"),
    reference_efficiency=GAS.efficiency,
)


def heated(
    ledger: Ledger, first_hour: int, hours: int, kind: HeatKind, tariff: Tariff | None = TARIFF
) -> None:
    for minute in range(60 * hours + 1):
        at_s = hour(first_hour) + 60 * minute
        read(ledger, at_s, 300, kind=kind, tariff=tariff, since_s=0)
    read(ledger, hour(first_hour + hours), None, kind=kind, tariff=tariff, since_s=0)


def example(paid_at: Tariff | None) -> Ledger:
    ledger = Ledger("EUR")
    heated(ledger, 8, 8, HeatKind.PAID, paid_at)
    heated(ledger, 16, 2, HeatKind.OWN)
    jobs = (
        settlement(
            f"job {number}",
            earned=Decimal("0.01"),
            repaid=Decimal("0.075"),
            energy_j=1_080_000.0,
            settled_at=float(hour(9 + number)),
        )
        for number in range(8)
    )
    ledger.book(OFFICE, page(*jobs), hour(20))
    return ledger


@pytest.fixture
def ledger() -> Ledger:
    return example(TARIFF)


def kwh(heat_j: float) -> str:
    return f"{heat_j / 3.6e6:.2f}"


def table(name: str, figure: str) -> bool:
    return f"| {name} | {figure} |" in PAGE


def test_the_example_has_the_heat_and_money_that_the_ledger_computes(ledger: Ledger) -> None:
    totals = ledger.totals(OFFICE)
    assert table("paid heat", kwh(totals.heat_of(HeatKind.PAID)))
    assert table("own heat", kwh(totals.heat_of(HeatKind.OWN)))
    assert table("heat", kwh(totals.heat_j))
    assert table("free heat", kwh(totals.free_heat_j))
    assert table("electricity cost", f"{totals.electricity_cost:.3f}")
    assert table("reference cost", f"{totals.reference_cost:.3f}")
    assert table("repaid", f"{totals.repaid:.3f}")
    assert table("earned", f"{totals.earned:.3f}")
    assert table("savings", f"{totals.savings:.3f}")
    assert table("net heat cost", f"{totals.net_heat_cost:.3f}")
    assert totals.subsidy is not None
    assert totals.effective_cop is not None
    assert (
        f"subsidy is {totals.subsidy * 100:.1f} %, the effective COP {totals.effective_cop:.1f}"
        in PAGE
    )
    after_repayment = totals.electricity_cost - totals.repaid
    assert f"€{totals.reference_cost:.3f}, so the heat cost €{after_repayment:.3f}" in PAGE
    unpaid = totals.reference_cost - totals.electricity_cost
    assert f"would have been €\N{MINUS SIGN}{abs(unpaid):.3f}" in PAGE


def test_the_example_has_what_a_revocation_changes(ledger: Ledger) -> None:
    revoked = settlement("job 3", accepted=False, settled_at=float(hour(24 * 7)))
    ledger.book(OFFICE, page(revoked), hour(24 * 7 + 1))
    totals = ledger.totals(OFFICE)
    assert (
        f"repaid €{totals.repaid:.3f}, earned €{totals.earned:.3f}, savings"
        f" €{totals.savings:.3f}, net heat cost €{totals.net_heat_cost:.3f}."
    ) in PAGE
    assert kwh(totals.free_heat_j) == "2.40"
    history = History("EUR")
    absorb(history, ledger, UTC)
    ((_, day, row),) = history.days(date(2000, 1, 1), date(2100, 1, 1))
    assert day == date(2026, 9, 21)
    assert f"true free heat, {kwh(row.totals.free_heat_j)} kWh" in PAGE


def test_the_example_has_what_heat_without_a_price_makes_of_savings_and_subsidy() -> None:
    totals = example(None).totals(OFFICE)
    assert kwh(totals.unpriced_heat_j) == "2.40"
    assert f"no price, savings would be €{totals.savings:.3f} and the subsidy" in PAGE
    assert totals.subsidy is not None
    assert f"subsidy {totals.subsidy * 100:.1f} %, *Free heat*" in PAGE
    assert totals.effective_cop is None


def test_the_example_has_the_co2_that_the_code_computes(ledger: Ledger) -> None:
    def grams(totals: Totals, electricity_g_per_kwh: float) -> float:
        carbon = Carbon(
            reference_g_per_kwh=GAS.co2_g_per_kwh,
            electricity_g_per_kwh=electricity_g_per_kwh,
            reference_efficiency=float(GAS.efficiency),
            source=None,
            reference_source=GAS.co2_source,
        )
        return (carbon.avoided_kg(totals) or 0.0) * 1000

    boiler_g, avoided_g = grams(ledger.totals(OFFICE), 0), grams(ledger.totals(OFFICE), 60)
    assert f"With {GAS.co2_g_per_kwh} g of CO2 per kWh of gas and 60 g" in PAGE
    assert f"has avoided {avoided_g:.0f} g: the boiler would have emitted {boiler_g:.0f} g" in PAGE
    assert f"own heat has emitted {boiler_g - avoided_g:.0f} g" in PAGE


def test_the_page_names_the_bounds_that_the_code_has() -> None:
    assert f"not more than {MAX_GAP_S / 60:.0f} minutes apart" in PAGE
    assert f"up to {LATE_DAYS} days back" in PAGE
    assert f"newest {KEPT_DAYS} days and {KEPT_IDS} settlement ids" in PAGE
    assert f"newest {foreign.KEPT} of each radiator are kept" in PAGE
    assert f"newest {MEMORY} settlements of each radiator are remembered" in PAGE
