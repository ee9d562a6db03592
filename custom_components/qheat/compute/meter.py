"""What a power meter shows, believed while it is fresh and possible."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FRESH_S: Final = 90.0
MOST_W: Final = 100_000.0
"""More than any radiator draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a power meter showed, in watts, and when (on the clock of the budget)."""

    power_w: float
    at_s: float


class PowerMeter:
    """The last reading of a meter; a meter that is silent or talks nonsense shows nothing."""

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

    def take(self, power_w: float | None) -> None:
        """Take in what the meter shows now, in watts; None: nothing."""
        self._last = None
        if power_w is not None and 0 <= power_w <= self._most_w:
            self._last = Reading(power_w=power_w, at_s=self._clock())

    def reading(self) -> Reading | None:
        """Return the last reading while it is fresh."""
        last = self._last
        return last if last and self._clock() - last.at_s <= self._fresh_s else None
