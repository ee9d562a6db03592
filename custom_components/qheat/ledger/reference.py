"""Reference heating: what would heat the room otherwise, and the CO2 that it would emit."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ..compute.engine import HeatKind
from .money import JOULES_PER_KWH
from .totals import Totals


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Carbon:
    """How much CO2 a kWh emits, in grams per kWh bought; None where nobody has said."""

    reference_g_per_kwh: float | None
    electricity_g_per_kwh: float | None
    reference_efficiency: float
    source: str | None
    """Where the factors that the user entered come from."""
    reference_source: str | None
    """Where the usual factor of the other heating comes from, if that is used."""

    def avoided_kg(self, totals: Totals) -> float | None:
        """Return the kilograms of CO2 that the heat has avoided, None without factors.

        Below zero if it has caused more. The reference heating would have emitted for all of the
        heat. The electricity of paid jobs would be used elsewhere for the same jobs, so it is not
        counted; that of all other heat is.
        """
        if self.reference_g_per_kwh is None or self.electricity_g_per_kwh is None:
            return None
        unpaid_j = totals.heat_j - totals.heat_of(HeatKind.PAID)
        reference_g = totals.heat_j / self.reference_efficiency * self.reference_g_per_kwh
        avoided_g = (reference_g - unpaid_j * self.electricity_g_per_kwh) / float(JOULES_PER_KWH)
        return avoided_g / 1000
