"""Reference heating and the CO2 that it would emit."""

import math

import pytest

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import (
    REFERENCE_DEFAULTS,
    Ledger,
    LedgerError,
    ReferenceKind,
    Tariff,
    co2_avoided_g,
)

from .ledger_data import OFFICE, TARIFF, heat, hour

KWH_J = 3_600_000


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


def test_paid_heat_avoids_all_that_the_reference_heating_would_emit() -> None:
    ledger = Ledger("EUR")
    heat(ledger, hour(1), 900_000)
    avoided_g = co2_avoided_g(
        ledger.totals(OFFICE),
        reference_g_per_kwh=200,
        reference_efficiency=0.9,
        electricity_g_per_kwh=400,
    )
    assert avoided_g == pytest.approx(900_000 / KWH_J / 0.9 * 200)


@pytest.mark.parametrize("kind", [HeatKind.OWN, HeatKind.FILLER, HeatKind.NONE])
def test_unpaid_heat_from_dirty_electricity_emits_more_than_it_avoids(kind: HeatKind) -> None:
    ledger = Ledger("EUR")
    heat(ledger, hour(1), 900_000, kind=kind)
    avoided_g = co2_avoided_g(
        ledger.totals(OFFICE),
        reference_g_per_kwh=200,
        reference_efficiency=1,
        electricity_g_per_kwh=400,
    )
    assert avoided_g == pytest.approx(-50)


@pytest.mark.parametrize(
    "change",
    [
        {"reference_g_per_kwh": math.nan},
        {"electricity_g_per_kwh": -1},
        {"electricity_g_per_kwh": math.inf},
        {"reference_efficiency": 0},
    ],
)
def test_an_absurd_factor_is_refused(change: dict[str, float]) -> None:
    factors = {
        "reference_g_per_kwh": 200.0,
        "reference_efficiency": 0.9,
        "electricity_g_per_kwh": 50.0,
    }
    with pytest.raises(LedgerError):
        co2_avoided_g(Ledger("EUR").totals(OFFICE), **(factors | change))
