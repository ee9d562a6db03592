"""Reference heating: what would heat the room otherwise, and the CO2 that it would emit."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ..compute.engine import HeatKind
from .money import JOULES_PER_KWH, MAX_EFFICIENCY, check_number
from .totals import Totals

_MAX_G_PER_KWH: Final = 10_000.0


class ReferenceKind(StrEnum):
    """What would heat the room otherwise."""

    ELECTRIC = "electric"
    GAS = "gas"
    OIL = "oil"
    HEAT_PUMP = "heat_pump"
    DISTRICT = "district"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDefaults:
    """What a reference heating is taken for until somebody knows better."""

    efficiency: Decimal
    """Heat per energy bought; the seasonal COP for a heat pump."""
    co2_g_per_kwh: float | None
    """Emitted per kWh of fuel; None where it depends on the place."""
    co2_source: str | None = None


# Natural gas 56.1, gas/diesel oil 74.1 kg CO2 per GJ.
_IPCC: Final = "IPCC Guidelines 2006, volume 2, table 2.2"

# Efficiencies are round figures for a heating in ordinary use.
REFERENCE_DEFAULTS: Final = {
    ReferenceKind.ELECTRIC: ReferenceDefaults(efficiency=Decimal(1), co2_g_per_kwh=None),
    ReferenceKind.GAS: ReferenceDefaults(
        efficiency=Decimal("0.9"), co2_g_per_kwh=201.96, co2_source=_IPCC
    ),
    ReferenceKind.OIL: ReferenceDefaults(
        efficiency=Decimal("0.85"), co2_g_per_kwh=266.76, co2_source=_IPCC
    ),
    ReferenceKind.HEAT_PUMP: ReferenceDefaults(efficiency=Decimal(3), co2_g_per_kwh=None),
    ReferenceKind.DISTRICT: ReferenceDefaults(efficiency=Decimal(1), co2_g_per_kwh=None),
}


def co2_avoided_g(
    totals: Totals,
    *,
    reference_g_per_kwh: float,
    reference_efficiency: float,
    electricity_g_per_kwh: float,
) -> float:
    """Return the grams of CO2 that the heat has avoided; below zero if it has caused more.

    The reference heating would have emitted for all of the heat. The electricity of paid jobs
    would be used elsewhere for the same jobs, so it is not counted; that of all other heat is.
    Factors are grams per kWh bought. Raises LedgerError for an absurd one.
    """
    check_number("reference_g_per_kwh", reference_g_per_kwh, _MAX_G_PER_KWH)
    check_number("electricity_g_per_kwh", electricity_g_per_kwh, _MAX_G_PER_KWH)
    check_number("reference_efficiency", reference_efficiency, float(MAX_EFFICIENCY), low=0.01)
    unpaid_j = totals.heat_j - totals.heat_of(HeatKind.PAID)
    reference_g = totals.heat_j / reference_efficiency * reference_g_per_kwh
    return (reference_g - unpaid_j * electricity_g_per_kwh) / float(JOULES_PER_KWH)
