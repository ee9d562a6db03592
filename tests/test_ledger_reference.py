"""Reference heating and the CO2 that it would emit."""

import pytest

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import (
    REFERENCE_DEFAULTS,
    Carbon,
    Ledger,
    ReferenceKind,
    Tariff,
)

from .ledger_data import OFFICE, TARIFF, heat, hour


@pytest.mark.parametrize("kind", ReferenceKind)
def test_every_reference_heating_has_an_efficiency_that_a_tariff_takes(kind: ReferenceKind) -> None:
    efficiency = REFERENCE_DEFAULTS[kind].efficiency
    tariff = Tariff(
        currency="EUR",
        electricity_per_kwh=TARIFF.electricity_per_kwh,
        reference_per_kwh=efficiency,
        reference_efficiency=efficiency,
    )
    assert tariff.reference == 1


def avoided_kg(kind: HeatKind, efficiency: float) -> float | None:
    """Return what a quarter of a kWh of heat of one kind avoids."""
    ledger = Ledger("EUR")
    heat(ledger, hour(1), 900_000, kind=kind)
    carbon = Carbon(
        reference_g_per_kwh=200,
        electricity_g_per_kwh=400,
        reference_efficiency=efficiency,
        source=None,
        reference_source=None,
    )
    return carbon.avoided_kg(ledger.totals(OFFICE))


def test_paid_heat_avoids_all_that_the_reference_heating_would_emit() -> None:
    assert avoided_kg(HeatKind.PAID, 0.9) == pytest.approx(0.25 / 0.9 * 0.2)


@pytest.mark.parametrize("kind", [HeatKind.OWN, HeatKind.FILLER, HeatKind.NONE])
def test_unpaid_heat_from_dirty_electricity_emits_more_than_it_avoids(kind: HeatKind) -> None:
    assert avoided_kg(kind, 1) == pytest.approx(-0.05)
