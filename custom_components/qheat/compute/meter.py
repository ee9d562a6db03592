"""What a meter says of a machine's power, believed while it is fresh and possible."""

import time
from collections.abc import Callable
from typing import Final

from .counter import FRESH_S, EnergyCounter, Reading

MOST_W: Final = 100_000.0
"""More than any radiator draws."""
IMPOSSIBLE_SHARE: Final = 10
"""A meter that shows so many times a machine's full power is not of that machine."""


class PowerMeter:
    """A meter of watts, or one that counts energy; one that is silent or absurd shows nothing."""

    def __init__(
        self,
        *,
        most_w: float = MOST_W,
        fresh_s: float = FRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_w = most_w
        self._fresh_s = fresh_s
        self._clock = clock
        self._last: Reading | None = None
        self._counter = EnergyCounter(most_w=most_w)

    def take(self, power_w: float | None) -> None:
        """Take in the watts that the meter shows now; None: none."""
        self._last = None
        if power_w is not None and 0 <= power_w <= self._most_w:
            now_s = self._clock()
            self._last = Reading(power_w=power_w, at_s=now_s, since_s=now_s)

    def count(self, total_j: float | None, cycle: object = None) -> None:
        """Take in the joules that the meter has counted since `cycle` began; None: none."""
        self._counter.take(total_j, self._clock(), cycle)

    def reading(self) -> Reading | None:
        """Return the watts of late, as shown or from what was counted."""
        return self.shown() or self._counter.reading(self._clock())

    def shown(self) -> Reading | None:
        """Return the watts that the meter itself shows, while they are fresh."""
        last = self._last
        return last if last and self._clock() - last.at_s <= self._fresh_s else None

    def counted_j(self) -> float | None:
        """Return the joules counted so far; None while the meter counts none."""
        return self._counter.counted_j(self._clock())
