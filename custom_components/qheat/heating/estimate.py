"""What is not measured: a Kalman filter on the room model.

The filter's unknown heat takes up every lasting offset: it is the integral action.
"""

import math
from typing import Final

from .model import (
    AIR,
    CLEARER,
    CLEARER_FADES_S,
    FAST,
    SENSOR,
    SLOW,
    STATES,
    UNKNOWN,
    UNKNOWN_FADES_S,
    Matrix,
    Transition,
    Vector,
    dot,
)
from .model import multiply as times

UNKNOWN_W: Final = 100.0
"""Usual size of the unknown heat."""
CLEARER_SHARE: Final = 0.6
"""Share by which the sun is usually other than foreseen."""
NOISE_K: Final = 0.04
USUAL_STEP_K: Final = 0.1
LEAST_STEP_K: Final = 0.005
DRIFT_K2_S: Final = {SENSOR: 1e-8, AIR: 4e-7, FAST: 2e-8, SLOW: 5e-9}
OUTLIER: Final = 4.0
"""An innovation this many times its usual size is a gust of air, not a change of the room."""


class Resolution:
    """How finely a sensor reports: the smallest change it has ever shown."""

    def __init__(self) -> None:
        self._last_c: float | None = None
        self._step_k: float | None = None

    def see(self, room_c: float) -> None:
        """Look at a reading."""
        change_k = abs(room_c - self._last_c) if self._last_c is not None else 0.0
        self._last_c = room_c
        if change_k >= LEAST_STEP_K:
            self._step_k = min(change_k, self._step_k or math.inf)

    @property
    def noise_k(self) -> float:
        """Standard deviation of a reading: noise, and steps as if they were noise."""
        return math.hypot(NOISE_K, min(self._step_k or USUAL_STEP_K, 1.0) / math.sqrt(12))


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

    @property
    def air_c(self) -> float:
        """Estimated air temperature now, ahead of the late sensor."""
        return self.x[AIR]

    def predict(self, step: Transition, inputs: Vector) -> None:
        """Move one step on with the model."""
        slopes = step.slopes(inputs)
        self.x = tuple(step.advance(self.x, inputs))
        moved = times(slopes, self._p)
        # (A P) Aᵀ: rows of A P against rows of A.
        p = [[dot(row, to) for to in slopes] for row in moved]
        for node, rate in DRIFT_K2_S.items():
            p[node][node] += rate * step.step_s
        p[UNKNOWN][UNKNOWN] += UNKNOWN_W**2 * 2 * step.step_s / UNKNOWN_FADES_S
        p[CLEARER][CLEARER] += CLEARER_SHARE**2 * 2 * step.step_s / CLEARER_FADES_S
        self._p = tuple(map(tuple, p))

    def gain(self, noise_k: float) -> tuple[list[float], float]:
        """Return how a kelvin of innovation moves the state, and the usual innovation in K."""
        variance = self._p[SENSOR][SENSOR] + noise_k * noise_k
        return [row[SENSOR] / variance for row in self._p], math.sqrt(variance)

    def correct(self, measured_c: float, noise_k: float) -> float:
        """Take a measurement in; return the innovation in standard deviations."""
        p = self._p
        innovation = measured_c - self.x[SENSOR]
        variance = p[SENSOR][SENSOR] + noise_k * noise_k
        score = innovation / math.sqrt(variance)
        if abs(score) > OUTLIER:
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
