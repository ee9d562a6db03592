"""Totals: what one or more stretches of heating and their settlements add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..compute.engine import HeatKind, PowerSource, Settlement
from .money import CONTEXT, JOULES_PER_KWH, Tariff

type HeatSplit = Mapping[tuple[HeatKind, PowerSource], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Heat in joules, money in one currency, jobs by kind; totals add up by `+`."""

    heat_split_j: HeatSplit = field(default_factory=dict)
    """Joules by kind of heat and by where the watts came from."""
    unpriced_heat_j: float = 0.0
    """Joules made while no price was known: in the heat, in none of the costs."""
    free_heat_j: float = 0.0
    """Joules whose electricity was repaid."""
    electricity_product: Decimal = Decimal(0)
    """Joules times the price of a kWh: it adds up exactly, a cost in cents would not."""
    reference_product: Decimal = Decimal(0)
    """Joules times the price of a kWh from the reference heating."""
    repaid: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)
    jobs: Mapping[str, int] = field(default_factory=dict)
    """Accepted jobs by kind."""
    refused: int = 0
    """Jobs that the backend did not accept, or accepted and revoked."""

    @classmethod
    def of_heat(
        cls, heat_j: float, kind: HeatKind, source: PowerSource, tariff: Tariff | None
    ) -> Totals:
        """Value one stretch of heat; without a tariff its costs are unknown."""
        split = {(kind, source): heat_j}
        if tariff is None:
            return cls(heat_split_j=split, unpriced_heat_j=heat_j)
        return cls(
            heat_split_j=split,
            electricity_product=CONTEXT.multiply(Decimal(heat_j), tariff.electricity),
            reference_product=CONTEXT.multiply(Decimal(heat_j), tariff.reference),
        )

    @classmethod
    def of_settlement(cls, settlement: Settlement, times: int = 1) -> Totals:
        """Value one settlement, -1 times to reverse it; a refused one pays nothing."""
        if not settlement.accepted:
            return cls(refused=times)
        return cls(
            free_heat_j=times * settlement.energy_j if settlement.repaid else 0.0,
            repaid=CONTEXT.multiply(settlement.repaid, times),
            earned=CONTEXT.multiply(settlement.earned, times),
            jobs={settlement.job_kind: times},
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            heat_split_j=_merged(self.heat_split_j, other.heat_split_j),
            unpriced_heat_j=self.unpriced_heat_j + other.unpriced_heat_j,
            free_heat_j=self.free_heat_j + other.free_heat_j,
            electricity_product=_sum(self.electricity_product, other.electricity_product),
            reference_product=_sum(self.reference_product, other.reference_product),
            repaid=_sum(self.repaid, other.repaid),
            earned=_sum(self.earned, other.earned),
            jobs=_merged(self.jobs, other.jobs),
            refused=self.refused + other.refused,
        )

    @property
    def heat_j(self) -> float:
        """All heat, in joules."""
        return sum(self.heat_split_j.values(), 0.0)

    def heat_of(self, part: HeatKind | PowerSource) -> float:
        """Heat of one kind, or from one source of watts, in joules."""
        return sum((heat_j for key, heat_j in self.heat_split_j.items() if part in key), 0.0)

    @property
    def electricity_cost(self) -> Decimal:
        """What the electricity cost, before anything was repaid."""
        return CONTEXT.divide(self.electricity_product, JOULES_PER_KWH)

    @property
    def reference_cost(self) -> Decimal:
        """What the same heat from the reference heating would have cost."""
        return CONTEXT.divide(self.reference_product, JOULES_PER_KWH)

    @property
    def savings(self) -> Decimal:
        """Reference cost minus what the electricity cost after repayments; may be negative."""
        paid = CONTEXT.subtract(self.electricity_cost, self.repaid)
        return CONTEXT.subtract(self.reference_cost, paid)

    @property
    def net_heat_cost(self) -> Decimal:
        """Electricity cost minus all that settlements brought; negative if heating pays."""
        return CONTEXT.subtract(self.electricity_cost, CONTEXT.add(self.repaid, self.earned))

    @property
    def subsidy(self) -> Decimal | None:
        """Share of the electricity cost that settlements brought; None without a cost."""
        if self.electricity_cost <= 0:
            return None
        return CONTEXT.divide(CONTEXT.add(self.repaid, self.earned), self.electricity_cost)

    @property
    def effective_cop(self) -> Decimal | None:
        """1 / (1 - subsidy); None without a cost, and where the heat is free (subsidy >= 1)."""
        if self.subsidy is None or self.subsidy >= 1:
            return None
        return CONTEXT.divide(Decimal(1), CONTEXT.subtract(Decimal(1), self.subsidy))


def _sum(one: Decimal, other: Decimal) -> Decimal:
    # Heat brings no money: a building would make thousands of the same amounts with every tick.
    return CONTEXT.add(one, other) if other else one


def _merged[K, V: (int, float)](one: Mapping[K, V], other: Mapping[K, V]) -> Mapping[K, V]:
    if not other:
        return one
    merged = dict(one)
    for key, value in other.items():
        merged[key] = merged[key] + value if key in merged else value
    return {key: value for key, value in merged.items() if value}
