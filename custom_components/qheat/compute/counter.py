"""A meter that counts energy, a plug's kilowatt-hours for instance: what it adds, and its watts.

Pure: time comes in, in seconds on a clock that only goes forwards. A count begins with the first
step that is seen: what a meter showed before may be hours old.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

LONGEST_S: Final = 5400.0
"""A meter that moves once an hour may be late; one that stands still for longer counts no more."""
SHORTEST_S: Final = 15.0
"""Over less time, a meter's steps are too coarse to be watts."""
FRESH_S: Final = 90.0
RESET_BELOW: Final = 0.9
"""A total below this share of the last is a reset, a smaller fall a dip: Home Assistant's rule."""
BURST_S: Final = 30.0
"""A meter may have held back what it counted for so long."""
MOST_J: Final = 1e15
_THIN_S: Final = 1.0
_KEPT: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a power meter showed, in watts, and when (on the clock of the budget)."""

    power_w: float
    at_s: float
    since_s: float
    """The watts are the mean from here to `at_s`; the same moment, where the meter shows watts."""


@dataclass(frozen=True, slots=True)
class _Step:
    total_j: float
    at_s: float


class EnergyCounter:
    """Adds up what a meter counts; resets, replaced meters and silence add and take nothing."""

    def __init__(self, *, most_w: float) -> None:
        """`most_w`: what counts faster than this is not counted."""
        self._most_w = most_w
        self._counted_j = 0.0
        self._cycle: object = None
        self._last: _Step | None = None
        self._steps: deque[_Step] = deque(maxlen=_KEPT)
        """The newest steps; empty until the meter has moved once."""

    def take(self, total_j: float | None, at_s: float, cycle: object = None) -> None:
        """Take in what the meter shows at `at_s`, in joules; None, or what cannot be: nothing.

        `cycle` is when the meter began at zero, as far as it says so; another one is a reset.
        """
        if total_j is None or not 0 <= total_j <= MOST_J:
            self._last = None
            self._steps.clear()
            return
        last, step = self._last, _Step(total_j, at_s)
        if last is None or cycle != self._cycle or self._is_another_count(last, step):
            self._last, self._cycle = step, cycle
            self._steps.clear()
        elif step.total_j > last.total_j and step.at_s >= last.at_s:
            if self._steps:
                self._counted_j += step.total_j - last.total_j
            self._last = step
            self._remember(step)

    def counted_j(self, now_s: float) -> float | None:
        """Return all that was counted so far, in joules; None while the meter does not count."""
        if not self._steps or now_s - self._steps[-1].at_s > LONGEST_S:
            return None
        return self._counted_j

    def reading(self, now_s: float) -> Reading | None:
        """Return the mean watts between steps of late; None for steps too rare to tell."""
        if not self._steps:
            return None
        last = self._steps[-1]
        before = (one for one in reversed(self._steps) if last.at_s - one.at_s >= SHORTEST_S)
        if (first := next(before, None)) is None:
            return None
        passed_s = last.at_s - first.at_s
        power_w = (last.total_j - first.total_j) / passed_s
        # A meter that stands still for much longer than before shows less now, nobody knows what.
        is_fresh = passed_s <= FRESH_S and now_s - last.at_s <= min(2 * passed_s, FRESH_S)
        if not is_fresh or power_w > self._most_w:
            return None
        return Reading(power_w=power_w, at_s=last.at_s, since_s=first.at_s)

    def _is_another_count(self, last: _Step, step: _Step) -> bool:
        passed_s = step.at_s - last.at_s
        return (
            step.total_j < RESET_BELOW * last.total_j
            or step.total_j - last.total_j > self._most_w * max(passed_s, BURST_S)
            or passed_s > LONGEST_S
        )

    def _remember(self, step: _Step) -> None:
        if len(self._steps) > 1 and step.at_s - self._steps[-2].at_s < _THIN_S:
            self._steps.pop()
        self._steps.append(step)
