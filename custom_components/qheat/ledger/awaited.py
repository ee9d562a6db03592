"""Heat not yet in its hour: a meter has yet to count it, or nobody has looked since."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..compute.engine import HeatKind, PowerSource
from .money import Tariff, on_grid
from .totals import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a stretch of heat has in common."""

    hour_s: int
    """The start of its hour, in epoch seconds."""
    kind: HeatKind
    source: PowerSource
    tariff: Tariff | None


@dataclass(slots=True)
class Awaited:
    """The estimate shapes the heat, by hour, kind and price; the meter says how much it is."""

    joules: dict[Stretch, float] = field(default_factory=dict)

    def add(self, stretch: Stretch, heat_j: float) -> None:
        """Wait for the meter to count an estimated heat in joules, of the ledger's grid."""
        self.joules[stretch] = self.joules.get(stretch, 0.0) + heat_j

    def counted(self, heat_j: float, now: Stretch) -> Iterator[tuple[int, Totals]]:
        """Yield hours and their parts of what the meter has counted since it last moved.

        Nobody saw what it came from if no heat was estimated: then it is `now`'s.
        """
        joules, self.joules = self.joules, {}
        left_j, left = on_grid(heat_j), sum(joules.values())
        if not left:
            joules, left = {now: 1.0}, 1.0
        for stretch, estimated_j in joules.items():
            part_j = on_grid(left_j * estimated_j / left) if left else 0.0
            left_j, left = left_j - part_j, left - estimated_j
            if part_j:
                heat = Totals.of_heat(part_j, stretch.kind, PowerSource.MEASURED, stretch.tariff)
                yield stretch.hour_s, heat

    def estimated(self) -> Iterator[tuple[int, Totals]]:
        """Yield hours and their heat as it was estimated."""
        for stretch, heat_j in self.joules.items():
            if heat_j:
                heat = Totals.of_heat(heat_j, stretch.kind, stretch.source, stretch.tariff)
                yield stretch.hour_s, heat
