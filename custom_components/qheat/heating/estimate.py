"""What is not measured: a Kalman filter on the room model.

The filter's unknown heat takes up every lasting offset: it is the integral action.
"""

import math
from collections import deque
from statistics import median
from typing import Final, Self

from .guards import believable
from .matrices import Matrix, Vector, cholesky, dot, multiply
from .model import (
    AIR,
    CLEARER,
    CLEARER_FADES_S,
    FAST,
    HEAT,
    SENSOR,
    SLOW,
    STATES,
    UNKNOWN,
    UNKNOWN_FADES_S,
    Transition,
)

UNKNOWN_W: Final = 100.0
"""Usual size of the unknown heat."""
CLEARER_SHARE: Final = 0.6
"""Share by which the sun is usually other than foreseen."""
NOISE_K: Final = 0.04
"""Of a usual sensor."""
USUAL_STEP_K: Final = 0.1
LEAST_STEP_K: Final = 0.005
DRIFT_K2_S: Final = {SENSOR: 1e-8, AIR: 4e-7, FAST: 2e-8, SLOW: 5e-9}
HEAT_DOUBT: Final = 0.05
"""Share by which the air answers to a change of heat otherwise than the model says."""
ANSWER_S: Final = 300.0
"""How long the air goes on answering in the same way."""
LASTING_S: Final = 1800.0
"""Heat that has stayed so long is no change any more."""
OUTLIER: Final = 4.0
"""An innovation this many times its usual size is a gust of air, not a change of the room."""
GUST_S: Final = 3600.0
"""What leaps and stays is a gust for so long: then the room itself is other than estimated."""
SAVED: Final = (-1e6, 1e6)

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
"""So many last changes tell whether a sensor measures at regular times,"""
FEWEST_CHANGES: Final = 8
"""if so many of them came soon after the one before,"""
UNEVEN: Final = 0.2
"""and none was off those times by such a share of the time between them."""


class Resolution:
    """How well a sensor reports: its smallest change ever, and how much its readings jump about."""

    def __init__(self) -> None:
        self._last: tuple[tuple[float, float], ...] = ()
        self._step_k: float | None = None
        self._seen_s = 0.0
        self._jumps_k2 = 0.0
        self._asked_s = self._changed_s = math.nan
        self._apart_s: deque[float] = deque(maxlen=CHANGES)
        self._regular_s = 0.0
        """How far apart it measures, if that is at regular times."""
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
                self._step_k = min(change_k, self._step_k or math.inf)
                self._changed(time_s)
            elif 0 <= time_s - last_s < self._regular_s - asked_s / 2:
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

    def _changed(self, time_s: float) -> None:
        if time_s > self._changed_s:
            self._apart_s.append(time_s - self._changed_s)
            soonest_s = min(self._apart_s)
            once_s = median([apart_s for apart_s in self._apart_s if apart_s < 1.5 * soonest_s])
            times = [apart_s / once_s for apart_s in self._apart_s if apart_s < 3.5 * once_s]
            if any(abs(number - round(number)) > UNEVEN for number in times):
                self._regular_s = 0.0
            elif len(times) >= FEWEST_CHANGES:
                self._regular_s = once_s
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
        return min(self._step_k or USUAL_STEP_K, 1.0)

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


class Estimate:
    """The state of one room and how sure it is; advanced a step at a time.

    It is kept in tuples: Python's garbage collector, which holds up all else, passes those of
    numbers over. A building has thousands.
    """

    def __init__(self, room_c: float) -> None:
        self.x: Vector = (room_c, room_c, room_c, room_c, 0.0, 0.0)
        spread = (0.3, 0.5, 0.7, 1.5, UNKNOWN_W, CLEARER_SHARE)
        self._p: Matrix = tuple(
            tuple(s * s if i == j else 0.0 for j in range(STATES)) for i, s in enumerate(spread)
        )
        self._lasting_w = 0.0
        self._leapt_s: float | None = None
        """How long every reading has been a leap."""

    def save(self) -> list[list[float]]:
        """Return the state, and the root of how unsure it is, as JSON-able values."""
        return [[round(value, 6) for value in row] for row in (self.x, *cholesky(self._p))]

    @classmethod
    def restore(cls, saved: object) -> Self | None:
        """Take up what `save` returned; None if it is anything else."""
        rows = [
            [number for value in row if (number := believable(value, *SAVED)) is not None]
            for row in (saved if isinstance(saved, list) else ())
            if isinstance(row, list)
        ]
        if [len(row) for row in rows] != [STATES] * (STATES + 1):
            return None
        x, *root = rows
        estimate = cls(x[SENSOR])
        estimate.x = tuple(x)
        # A root times itself is the spread of something, whatever is in the file.
        estimate._p = tuple(map(tuple, multiply(root, list(zip(*root, strict=True)))))
        return estimate

    @property
    def air_c(self) -> float:
        """Estimated air temperature now, ahead of the late sensor."""
        return self.x[AIR]

    def predict(self, step: Transition, inputs: Vector) -> None:
        """Move one step on with the model."""
        slopes = step.slopes(inputs)
        self.x = tuple(step.advance(self.x, inputs))
        moved = multiply(slopes, self._p)
        # (A P) Aᵀ: rows of A P against rows of A.
        p = [[dot(row, to) for to in slopes] for row in moved]
        for node, rate in DRIFT_K2_S.items():
            p[node][node] += rate * step.step_s
        # Where large slots come and go, a model that is a little wrong would take what the air
        # makes of it for an open window.
        self._lasting_w += (inputs[HEAT] - self._lasting_w) * step.step_s / LASTING_S
        answer_k = HEAT_DOUBT * (inputs[HEAT] - self._lasting_w) * step.inputs[AIR][HEAT]
        p[AIR][AIR] += answer_k**2 * ANSWER_S / step.step_s
        p[UNKNOWN][UNKNOWN] += UNKNOWN_W**2 * 2 * step.step_s / UNKNOWN_FADES_S
        p[CLEARER][CLEARER] += CLEARER_SHARE**2 * 2 * step.step_s / CLEARER_FADES_S
        self._p = tuple(map(tuple, p))
        if self._leapt_s is not None:
            self._leapt_s += step.step_s

    def gain(self, noise_k: float) -> tuple[list[float], float]:
        """Return how a kelvin of innovation moves the state, and the usual innovation in K."""
        variance = self._p[SENSOR][SENSOR] + noise_k * noise_k
        return [row[SENSOR] / variance for row in self._p], math.sqrt(variance)

    def correct(self, measured_c: float, noise_k: float) -> float:
        """Take a measurement in; return the innovation in standard deviations.

        It is beyond `OUTLIER` only for a gust of air, not for what has lasted.
        """
        p = self._p
        innovation = measured_c - self.x[SENSOR]
        variance = p[SENSOR][SENSOR] + noise_k * noise_k
        score = innovation / math.sqrt(variance)
        if abs(score) <= OUTLIER:
            self._leapt_s = None
        elif self._leapt_s is None:
            self._leapt_s = 0.0
        if self._leapt_s is not None and self._leapt_s >= GUST_S:
            score = math.copysign(OUTLIER, score)
        elif self._leapt_s is not None:
            # Air was exchanged: doubt the air, keep faith in the masses.
            doubted = [list(row) for row in p]
            doubted[AIR][AIR] += 0.5
            doubted[SENSOR][SENSOR] += innovation * innovation
            variance = doubted[SENSOR][SENSOR] + noise_k * noise_k
            p = doubted
        column = [row[SENSOR] for row in p]
        gain = [value / variance for value in column]
        self.x = tuple([value + g * innovation for value, g in zip(self.x, gain, strict=True)])
        self._p = tuple(
            [
                tuple([value - g * other for value, other in zip(row, column, strict=True)])
                for row, g in zip(p, gain, strict=True)
            ]
        )
        return score
