"""How well a sensor reports, and how often it measures: told by its readings alone."""

import math
from collections import deque
from statistics import median
from typing import Final

NOISE_K: Final = 0.04
"""Of a usual sensor."""
USUAL_STEP_K: Final = 0.1
LEAST_STEP_K: Final = 0.005
STEPS: Final = 256
"""The smallest of so many last changes is a sensor's step: it may be replaced by a coarser one."""
JUMPY: Final = 1.3
"""A sensor whose readings jump about so many times more than is usual is taken for a noisy one."""
FARTHEST_JUMP: Final = 2.5
"""A jump counts as so many times the noise at most: an open window is none."""
APART_S: Final = 900.0
"""Three readings further apart may differ for other reasons than noise, and count as calm."""
SOON_S: Final = 1800.0
MEMORY_S: Final = 6 * 3600.0
MOST_NOISE_K: Final = 0.5
CHANGES: Final = 16
"""So many last changes tell how often a sensor measures that is asked more often,"""
FEWEST_CHANGES: Final = 8
"""at regular times if so many of them came soon after the one before,"""
UNEVEN: Final = 0.2
"""and none was off those times by such a share of the time between them;"""
LEAPS: Final = 0.12
"""at irregular times if such a share of changes are leaps by more than a step"""
STILL: Final = 3
"""after so many answers that were the same."""
LEAPS_OF: Final = 32
"""The share is of so many last changes, or so."""
LONGEST_S: Final = 3600.0
"""What has been the same for so long was measured again, also at irregular times."""


class Resolution:
    """How well a sensor reports: its smallest change, and how much its readings jump about."""

    def __init__(self) -> None:
        self._last: tuple[tuple[float, float], ...] = ()
        self._steps_k: deque[float] = deque(maxlen=STEPS)
        self._seen_s = 0.0
        self._jumps_k2 = 0.0
        self._asked_s = self._changed_s = math.nan
        self._apart_s: deque[float] = deque(maxlen=CHANGES)
        """How far apart the last changes came."""
        self._still = 0
        """How many answers have been the same."""
        self._leaps = 0.0
        """Share of the last changes that were leaps after standing still."""
        self._again_s = 0.0
        """A reading that is the same before so long is the last one, only asked for again."""
        self.every_s = APART_S
        """How far apart the readings around a moment are, in the mean of the last hours' moments.

        An outage counts little.
        """

    def see(self, time_s: float, room_c: float) -> bool:
        """Look at a reading; tell whether it is a new one.

        Home Assistant asks many a sensor every minute that measures every ten.
        """
        asked_s, self._asked_s = time_s - self._asked_s, time_s
        if self._last:
            last_s, last_c = self._last[-1]
            change_k = abs(room_c - last_c)
            if change_k >= LEAST_STEP_K:
                self._steps_k.append(change_k)
                self._changed(time_s, change_k)
                self._still = 0
            else:
                self._still += 1
            if self._still and 0 <= time_s - last_s < self._again_s - asked_s / 2:
                return False
            if time_s > last_s:
                # By time, not by readings: many sensors send nothing while nothing changes.
                passed_s = min(time_s - last_s, MEMORY_S)
                self._seen_s = min(self._seen_s + passed_s, MEMORY_S)
                share = passed_s / self._seen_s
                self._jumps_k2 += (self._jump_k2(time_s, room_c) - self._jumps_k2) * share
                near_s = min(passed_s, APART_S)
                self.every_s += (near_s - self.every_s) * near_s / self._seen_s
        self._last = (*self._last[-1:], (time_s, room_c))
        return True

    def _changed(self, time_s: float, change_k: float) -> None:
        """Learn from a change how soon the sensor may have measured again."""
        leaps = self._still >= STILL and change_k > 1.5 * self._stepping_k
        self._leaps += (leaps - self._leaps) / LEAPS_OF
        if time_s > self._changed_s:
            self._apart_s.append(time_s - self._changed_s)
            soonest_s = min(self._apart_s)
            once_s = median([apart_s for apart_s in self._apart_s if apart_s < 1.5 * soonest_s])
            times = [apart_s / once_s for apart_s in self._apart_s if apart_s < 3.5 * once_s]
            if any(abs(number - round(number)) > UNEVEN for number in times):
                self._again_s = LONGEST_S if self._leaps > LEAPS else 0.0
            elif len(times) >= FEWEST_CHANGES:
                self._again_s = once_s
        self._changed_s = time_s

    def _jump_k2(self, time_s: float, room_c: float) -> float:
        """Return the noise, squared, that puts the reading before off the line between others."""
        if len(self._last) < 2:
            return 0.0
        (first_s, first_c), (between_s, between_c) = self._last
        if not first_s < between_s < time_s <= first_s + APART_S:
            return 0.0
        share = (between_s - first_s) / (time_s - first_s)
        jump_k = between_c - first_c - share * (room_c - first_c)
        # A single step to and fro is no more than the steps themselves tell.
        is_step = max(abs(between_c - first_c), abs(room_c - between_c)) <= 1.01 * self._stepping_k
        most_k = self._usual_k if is_step else FARTHEST_JUMP * self.noise_k
        return min(jump_k**2 / (1 + share**2 + (1 - share) ** 2), most_k**2)

    @property
    def _stepping_k(self) -> float:
        return min(1.0, min(self._steps_k, default=USUAL_STEP_K))

    @property
    def _usual_k(self) -> float:
        """Standard deviation of a usual reading: noise, and steps as if they were noise."""
        return math.hypot(NOISE_K, self._stepping_k / math.sqrt(12))

    @property
    def noise_k(self) -> float:
        """Standard deviation of a reading: as usual, or as much as readings jump about."""
        jumpy_k = min(math.sqrt(self._jumps_k2), MOST_NOISE_K)
        is_jumpy = self._seen_s >= SOON_S and jumpy_k > JUMPY * self._usual_k
        return jumpy_k if is_jumpy else self._usual_k
