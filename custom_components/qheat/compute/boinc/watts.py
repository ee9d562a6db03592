"""The watts that a machine draws with n cores busy, learned from its power meter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..engine import PowerModel

WEIGHT: Final = 0.2
"""What one reading counts against all before it."""
_FLAT_W: Final = 1e-6


@dataclass(slots=True)
class WattsTable:
    """Power by busy cores: the entered idle and full watts, bent to what a meter has shown."""

    model: PowerModel
    seen: dict[int, float] = field(default_factory=dict)
    """Mean measured watts with so many cores busy."""

    @property
    def idle_w(self) -> float:
        """Power with no core busy, in watts."""
        return self._at(0)

    def watts(self, busy: float) -> float:
        """Return the watts of `busy` cores; a fraction lies between its neighbours."""
        below = min(int(busy), self.model.slots)
        above = min(below + 1, self.model.slots)
        return self._at(below) + (self._at(above) - self._at(below)) * (busy - below)

    def cores_for(self, power_w: float) -> int:
        """Return how many whole cores stay within `power_w` watts."""
        fitting = (n for n in range(self.model.slots, 0, -1) if self._at(n) <= power_w)
        return next(fitting, 0)

    def learn(self, busy: int, power_w: float) -> None:
        """Take in a steady reading with `busy` cores busy; an absurd one is dropped."""
        if not 0 <= busy <= self.model.slots or not 0 < power_w <= 3 * self.model.rated_w:
            return
        before_w = self.seen.get(busy, power_w)
        self.seen[busy] = before_w + WEIGHT * (power_w - before_w)

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

    def _at(self, busy: int) -> float:
        """Return the watts of whole cores; never less than those of fewer cores."""
        return max(self._bent(n) for n in (0, busy, *(n for n in self.seen if n < busy)))

    def _bent(self, busy: int) -> float:
        """Return the entered watts, shifted by what the meter showed at the nearest counts."""
        below = max((n for n in self.seen if n <= busy), default=0)
        above = min((n for n in self.seen if n >= busy), default=below)
        share = 0.0 if above == below else (busy - below) / (above - below)
        shift_w = self._shift(below) + (self._shift(above) - self._shift(below)) * share
        return self.model.power_for(busy) + shift_w

    def _shift(self, busy: int) -> float:
        entered_w = self.model.power_for(busy)
        return self.seen.get(busy, entered_w) - entered_w
