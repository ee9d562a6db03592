"""What is not measured: a Kalman filter on the room model.

The filter's unknown heat takes up every lasting offset: it is the integral action.
"""

import math
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
        """Return the state and the Cholesky factor of its covariance, as JSON-able values."""
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
        x, *factor = rows
        estimate = cls(x[SENSOR])
        estimate.x = tuple(x)
        # A matrix times its transpose is the covariance of something, whatever is in the file.
        estimate._p = tuple(map(tuple, multiply(factor, list(zip(*factor, strict=True)))))
        return estimate

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
        """Return the Kalman gain, and the standard deviation of the innovation in K."""
        variance = self._p[SENSOR][SENSOR] + noise_k * noise_k
        return [row[SENSOR] / variance for row in self._p], math.sqrt(variance)

    def correct(self, measured_c: float, noise_k: float) -> float:
        """Take a measurement in; return the innovation in standard deviations.

        It is beyond `OUTLIER` only for a gust of air, not for what has lasted.
        """
        innovation = measured_c - self.x[SENSOR]
        gain, spread_k = self.gain(noise_k)
        score = innovation / spread_k
        self._leapt_s = None if abs(score) <= OUTLIER else self._leapt_s or 0.0
        if self._leapt_s is not None and self._leapt_s >= GUST_S:
            score = math.copysign(OUTLIER, score)
        elif self._leapt_s is not None:
            # Air was exchanged: doubt the air, keep faith in the masses.
            doubted = [list(row) for row in self._p]
            doubted[AIR][AIR] += 0.5
            doubted[SENSOR][SENSOR] += innovation * innovation
            self._p = doubted
            gain, _ = self.gain(noise_k)
        column = [row[SENSOR] for row in self._p]
        self.x = tuple([value + g * innovation for value, g in zip(self.x, gain, strict=True)])
        self._p = tuple(
            [
                tuple([value - g * other for value, other in zip(row, column, strict=True)])
                for row, g in zip(self._p, gain, strict=True)
            ]
        )
        return score
