"""Notices an open window by a leap of the air, and by the air's rise that it was shut."""

import math
from dataclasses import dataclass
from typing import Final

from .estimate import OUTLIER

AIRED_S: Final = 900.0
RISING_K: Final = 0.1


@dataclass(slots=True, kw_only=True)
class Airing:
    """The last open window: for a quarter of an hour after the air has leapt it counts as open.

    With `ends_early` only until the air has risen again: a reading far above what was expected, or
    a tenth of a kelvin in all.
    """

    ends_early: bool
    _leapt_s: float = -math.inf
    _coldest_c: float = math.inf

    def is_open(self, time_s: float) -> bool:
        """Tell whether the air has leapt in the last quarter of an hour and not risen since."""
        return 0 <= time_s - self._leapt_s < AIRED_S

    def see(self, time_s: float, score: float, air_c: float) -> bool:
        """Take in how unexpected a reading was, in standard deviations; tell whether this ends it.

        `air_c` is the estimate after the reading.
        """
        if abs(score) > OUTLIER:
            self._leapt_s, self._coldest_c = time_s, air_c
        if not self.ends_early or not self.is_open(time_s):
            return False
        self._coldest_c = min(self._coldest_c, air_c)
        if score <= OUTLIER and air_c <= self._coldest_c + RISING_K:
            return False
        self._leapt_s = -math.inf
        return True
