"""Totals by the hour, so that what is settled late lands where its heat was made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .money import LedgerError
from .totals import Totals

HOUR_S: Final = 3600
LATE_DAYS: Final = 7
"""What is settled so late still counts in the hour of its heat."""

# The longest local day, and a day's hours that close before a history is written again.
_MARGIN_HOURS: Final = 25 + 25
OPEN_HOURS: Final = 24 * LATE_DAYS + _MARGIN_HOURS
_NOTHING: Final = Totals()


@dataclass(slots=True, kw_only=True)
class Hours:
    """The newest `OPEN_HOURS` hours in which anything happened, and the sum of all before."""

    closed: Totals = field(default_factory=Totals)
    closed_until_s: int = 0
    """Epoch seconds at the end of the newest closed hour, 0 while none is."""
    open: dict[int, Totals] = field(default_factory=dict)
    """By the hour's start in epoch seconds."""
    changed: dict[int, None] = field(default_factory=dict)
    """The hours that were changed or closed since the last volume, in order of that."""
    totals: Totals = field(init=False)
    """All hours, open and closed."""

    def __post_init__(self) -> None:
        self.totals = sum(self.open.values(), self.closed)
        if self.totals.free_heat_j < 0 or min(self.totals.jobs.values(), default=0) < 0:
            raise LedgerError("the hours add up to less than nothing")

    def open_at(self, at_s: float) -> float:
        """Return `at_s`, or the next moment that is open for changes (epoch seconds).

        No change goes to a day of which an hour is closed, in any time zone: so what has been
        copied of it into a history stays true.
        """
        if len(self.open) < OPEN_HOURS:
            return at_s
        earliest_s = min(self.open) + _MARGIN_HOURS * HOUR_S
        return at_s if at_s >= earliest_s else min(at for at in self.open if at >= earliest_s)

    def add(self, at_s: float, change: Totals) -> None:
        """Add to the hour of `at_s` (epoch seconds), or to the first that is open for changes."""
        hour_s = int(self.open_at(at_s) // HOUR_S) * HOUR_S
        self.open[hour_s] = self.open.get(hour_s, _NOTHING) + change
        self.changed[hour_s] = None
        self.totals += change
        if len(self.open) > OPEN_HOURS:
            oldest_s = min(self.open)
            self.closed += self.open.pop(oldest_s)
            self.changed[oldest_s] = None
            self.closed_until_s = oldest_s + HOUR_S

    def running(self) -> Iterator[tuple[int, Totals]]:
        """Yield each open hour's start and all that happened up to its end, the oldest first."""
        so_far = self.closed
        for hour_s in sorted(self.open):
            so_far += self.open[hour_s]
            yield hour_s, so_far
