"""How much heat comes of what is asked for: a meter may show more or less than a rating says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LATELY_S: Final = 600.0
SETTLED_S: Final = 180.0
"""A meter may be so late: what it shows sooner after a change is what came before."""
LEAST: Final = 0.1
"""A plan counts on this share of a level at least: without jobs none would differ from another."""


@dataclass(slots=True)
class Given:
    """What a radiator gave of late, beside what was asked for."""

    idle_w: float
    _resting_w: float = 0.0
    """What comes while nothing is asked for: idle power, or nothing where it is off then."""
    _beyond_w: float = 0.0
    _asked_w: float = 0.0
    _asked_s: float = 0.0
    """For how long that has been asked for."""

    def see(self, elapsed_s: float, asked_w: float, given_w: float) -> None:
        """Take the mean watts of a step in which `asked_w` were wanted."""
        self._asked_s = self._asked_s + elapsed_s if asked_w == self._asked_w else 0.0
        self._asked_w = asked_w
        if self._asked_s < SETTLED_S:
            return
        share = -math.expm1(-elapsed_s / LATELY_S)
        beyond_w = given_w - asked_w
        if asked_w == 0:
            self._resting_w += (min(given_w, self.idle_w) - self._resting_w) * share
            beyond_w = max(0.0, given_w - self.idle_w)
        self._beyond_w += (beyond_w - self._beyond_w) * share

    def likely_w(self, levels_w: Sequence[float]) -> list[float]:
        """Return the watts that levels, the first of them none, are likely to give.

        A plan that counted on their own watts would hold a room beside its setpoint for ever.
        """
        rest_w, beyond_w = self._resting_w, self._beyond_w
        return [
            rest_w + max(0.0, beyond_w),
            *(max(level_w + beyond_w, rest_w + LEAST * level_w) for level_w in levels_w[1:]),
        ]
