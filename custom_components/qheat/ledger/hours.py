"""Totals by the hour, so that what is settled late lands where its heat was made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .money import LedgerError
from .totals import Totals

OPEN_HOURS: Final = 192
HOUR_S: Final = 3600


@dataclass(slots=True, kw_only=True)
class Hours:
    """The newest `OPEN_HOURS` hours in which anything happened, and the sum of all before."""

    closed: Totals = field(default_factory=Totals)
    closed_until_s: int = 0
    """Epoch seconds at the end of the newest closed hour, 0 while none is."""
    open: dict[int, Totals] = field(default_factory=dict)
    """By the hour's start in epoch seconds."""
    totals: Totals = field(init=False)
    """All hours, open and closed."""

    def __post_init__(self) -> None:
        self.totals = sum(self.open.values(), self.closed)
        if self.totals.free_heat_j < 0 or min(self.totals.jobs.values(), default=0) < 0:
            raise LedgerError("the hours add up to less than nothing")

    def add(self, at_s: float, change: Totals) -> None:
        """Add to the hour of `at_s` (epoch seconds); what is too late for it, to the oldest."""
        hour_s = int(at_s // HOUR_S) * HOUR_S
        if hour_s not in self.open and len(self.open) >= OPEN_HOURS:
            hour_s = max(hour_s, min(self.open))
        self.open[hour_s] = self.open.get(hour_s, Totals()) + change
        self.totals += change
        if len(self.open) > OPEN_HOURS:
            oldest_s = min(self.open)
            self.closed += self.open.pop(oldest_s)
            self.closed_until_s = max(self.closed_until_s, oldest_s + HOUR_S)

    def running(self) -> Iterator[tuple[int, Totals]]:
        """Yield each open hour's start and all that happened up to its end, the oldest first."""
        so_far = self.closed
        for hour_s in sorted(self.open):
            so_far += self.open[hour_s]
            yield hour_s, so_far
