"""The watts that a machine draws with n cores busy, learned from its power meter."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from ..engine import PowerModel

WEIGHT: Final = 0.2
"""What one reading counts against all before it."""


class WattsTable:
    """Power by busy cores: the entered idle and full watts, bent to what a meter has shown."""

    def __init__(self, model: PowerModel) -> None:
        self.model = model
        self.seen: dict[int, float] = {}
        """Mean measured watts with so many cores busy."""
        self._watts: list[float] = []
        self._bend()

    @property
    def idle_w(self) -> float:
        """Power with no core busy, in watts."""
        return self._watts[0]

    def watts(self, busy: float) -> float:
        """Return the watts of `busy` cores, of all at most; a fraction lies between neighbours."""
        below = min(int(busy), self.model.slots)
        above = min(below + 1, self.model.slots)
        return self._watts[below] + (self._watts[above] - self._watts[below]) * (busy - below)

    def cores_for(self, power_w: float) -> int:
        """Return how many whole cores stay within `power_w` watts."""
        return max(bisect_right(self._watts, power_w) - 1, 0)

    def learn(self, busy: int, power_w: float) -> None:
        """Take in a steady reading with `busy` cores busy; an absurd one is dropped."""
        # Above full power at rest, it is the meter of something else: no budget would ever heat.
        most_w = 3 * self.model.rated_w if busy else self.model.rated_w
        if not 0 <= busy <= self.model.slots or not 0 < power_w < most_w:
            return
        before_w = self.seen.get(busy, power_w)
        self.seen[busy] = before_w + WEIGHT * (power_w - before_w)
        self._bend()

    def saved(self) -> dict[str, float]:
        """Return what a meter has shown, for JSON."""
        return {str(busy): power_w for busy, power_w in self.seen.items()}

    def restore(self, saved: object) -> None:
        """Take back what `saved` returned; anything else in it is dropped."""
        if not isinstance(saved, Mapping):
            return
        for busy, power_w in saved.items():
            if re.fullmatch("[0-9]{1,4}", str(busy)) and isinstance(power_w, int | float):
                self.learn(int(busy), power_w)

    def _bend(self) -> None:
        """Fit the table anew; more cores never count as fewer watts."""
        shifts = self._shifts()
        powers = (self.model.power_for(n) + shift_w for n, shift_w in enumerate(shifts))
        self._watts = list(accumulate(powers, max))

    def _shifts(self) -> Iterator[float]:
        """Yield what each count of busy cores draws more than entered: straight between readings.

        Without a reading of its own the idle machine draws what was entered.
        """
        readings = {0: self.model.idle_w} | self.seen
        known = sorted(readings)
        shift = {n: readings[n] - self.model.power_for(n) for n in known}
        for below, above in zip(known, [*known[1:], self.model.slots + 1], strict=True):
            step_w = (shift.get(above, shift[below]) - shift[below]) / (above - below)
            yield from (shift[below] + step_w * n for n in range(above - below))
