"""Notices an open window by a leap of the air, and by readings that rise that it was shut."""

import math
from dataclasses import dataclass
from typing import Final

from .estimate import OUTLIER

AIRED_S: Final = 900.0
RISEN_K: Final = 0.15
"""More than one step of a usual sensor: what is estimated rises before the air does."""


@dataclass(slots=True)
class Airing:
    """The last open window: for a quarter of an hour after the air has leapt it counts as open.

    With `ends_early` only a fall is a leap, and the window counts as shut when the sensor reads
    more than 0.15 K above the coldest since.
    """

    ends_early: bool = True
    _leapt_s: float = -math.inf
    _coldest_c: float = math.inf

    def is_open(self, time_s: float) -> bool:
        """Tell whether the air has leapt in the last quarter of an hour and not risen since."""
        return 0 <= time_s - self._leapt_s < AIRED_S

    def see(self, time_s: float, score: float, room_c: float) -> bool:
        """Take in a reading in °C; tell whether it shows that the window has just been shut.

        `score` says how unexpected it was, in standard deviations.
        """
        if score < -OUTLIER or (score > OUTLIER and not self.ends_early):
            if not self.is_open(time_s):
                self._coldest_c = room_c
            self._leapt_s = time_s
        if not self.ends_early or not self.is_open(time_s):
            return False
        self._coldest_c = min(self._coldest_c, room_c)
        if room_c <= self._coldest_c + RISEN_K:
            return False
        self._leapt_s = -math.inf
        return True
