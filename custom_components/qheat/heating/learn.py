"""Learning a room from a week of its own history, once a night.

Maximum a posteriori on the one-step innovations of the estimate's own Kalman filter: Gauss-Newton
with Huber's weights. The innovations count a tenth, because they are not independent: otherwise the
fit trusts them too much and drifts. Every parameter has a usual value, a spread and bounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .estimate import OUTLIER, Estimate
from .history import RECORD_S, Day, Record
from .model import (
    AIR,
    SENSOR,
    USUAL_GAINS_W_PER_W_K,
    Matrix,
    RoomModel,
    Transition,
    Vector,
    dot,
)

FEWEST: Final = 144
TEMPER: Final = 0.1
HUBER: Final = 2.0
ROUNDS: Final = 4
NUDGE: Final = 0.05
SPREADS: Final = {
    "fast_j_k": 0.5,
    "slow_j_k": 0.7,
    "air_fast_w_k": 0.4,
    "fast_slow_w_k": 0.5,
    "loss_w_k": 0.05,
    "sun_m2": 0.2,
}
"""How far a room may be from what is expected of it, in logarithms."""
MOST_SPREADS: Final = 3.0
DAY_NOISE: Final = 2.0
DAY_NOISE_DAYS: Final = 5.0
LOSS_SPREAD: Final = 0.35
SUN_SPREAD: Final = 1.5
GAINS_SPREAD: Final = 1.25
"""Spreads of the daily balance: shares of the usual value, and W per W/K of usual loss."""
SUN_ERROR: Final = 0.3
"""Share by which a forecast of a day's sun is usually wrong."""
BALANCE_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a fit needs, apart from the room control that goes on meanwhile."""

    records: tuple[Record, ...]
    days: tuple[Day, ...]
    noise_k: float
    usual: RoomModel
    model: RoomModel


def refit(snapshot: Snapshot) -> RoomModel:
    """Return the room that the history tells, or the present one if there is too little of it."""
    records = snapshot.records
    begun = next((i for i, record in enumerate(records) if record.room_c is not None), None)
    if begun is None or len(records) - begun < FEWEST:
        return snapshot.model
    records = records[begun:]
    expected = balance(snapshot.usual, snapshot.days)
    theta = [0.0] * len(SPREADS)
    for _ in range(ROUNDS):
        theta = _improve(expected, records, theta, snapshot.noise_k)
    return _model(expected, theta)


def balance(usual: RoomModel, days: Sequence[Day]) -> RoomModel:
    """Return the usual room with the loss and the sun that the days' energy balance tells.

    Heat = loss x temperature difference - opening x sun - gains: a Bayesian linear regression.
    How far the days scatter is learned with it: where much sun comes in they say less. The sun is
    known from a forecast only; taken as exact it would explain too little, and the loss as well.
    """
    if not days:
        return usual
    scale = usual.loss_w_k
    gains_w = USUAL_GAINS_W_PER_W_K * scale
    prior = (usual.loss_w_k, usual.sun_m2, gains_w)
    spread = (LOSS_SPREAD * scale, SUN_SPREAD * usual.sun_m2, GAINS_SPREAD * scale)
    rows = [(day.warmer_k, -day.sun_w_m2, -1.0) for day in days]
    surplus_w = [day.heat_w - dot(row, prior) for day, row in zip(days, rows, strict=True)]
    columns = list(zip(*rows, strict=True))
    products = [[dot(left, right) for right in columns] for left in columns]
    sun_doubt = min(
        SUN_ERROR**2 / (1 + SUN_ERROR**2) * products[1][1],
        0.5 * (products[1][1] - products[1][2] ** 2 / len(rows)),
    )
    variance = (DAY_NOISE * scale) ** 2
    for _ in range(BALANCE_ROUNDS):
        normal = [[products[i][j] / variance for j in range(3)] for i in range(3)]
        for i in range(3):
            normal[i][i] += 1 / spread[i] ** 2
        normal[1][1] -= sun_doubt / variance
        right = [dot(column, surplus_w) / variance for column in columns]
        right[1] += sun_doubt * prior[1] / variance
        change = solve(normal, right)
        rest = [w - dot(row, change) for w, row in zip(surplus_w, rows, strict=True)]
        scatter = DAY_NOISE_DAYS * (DAY_NOISE * scale) ** 2 + dot(rest, rest)
        variance = scatter / (DAY_NOISE_DAYS + len(rows))
    loss, sun, _ = change
    return replace(
        usual,
        loss_w_k=min(max(usual.loss_w_k + loss, 0.2 * usual.loss_w_k), 4 * usual.loss_w_k),
        sun_m2=min(max(usual.sun_m2 + sun, 0.05 * usual.sun_m2), 6 * usual.sun_m2),
    )


def _model(usual: RoomModel, theta: Sequence[float]) -> RoomModel:
    """Return the usual room with every parameter moved by its logarithm."""
    moved = {
        name: getattr(usual, name) * math.exp(value)
        for name, value in zip(SPREADS, theta, strict=True)
    }
    return replace(usual, **moved)


def _improve(usual: RoomModel, records: Sequence[Record], theta: Vector, noise_k: float) -> Vector:
    """Return the parameters after one Gauss-Newton step."""
    base = innovations(_model(usual, theta), records, noise_k)
    slopes = []
    for index in range(len(theta)):
        nudged = [value + NUDGE * (index == i) for i, value in enumerate(theta)]
        other = innovations(_model(usual, nudged), records, noise_k)
        slopes.append([(b - a) / NUDGE for a, b in zip(base, other, strict=True)])
    weights = [TEMPER * min(1.0, HUBER / max(abs(value), 1e-9)) for value in base]
    spreads = list(SPREADS.values())
    normal: Matrix = []
    right: Vector = []
    for i, slope in enumerate(slopes):
        weighted = [w * s for w, s in zip(weights, slope, strict=True)]
        normal.append([dot(weighted, other) for other in slopes])
        normal[i][i] += 1 / spreads[i] ** 2
        right.append(-dot(weighted, base) - theta[i] / spreads[i] ** 2)
    step = solve(normal, right)
    return [
        min(max(value + min(max(change, -0.5), 0.5), -MOST_SPREADS * s), MOST_SPREADS * s)
        for value, change, s in zip(theta, step, spreads, strict=True)
    ]


def innovations(model: RoomModel, records: Sequence[Record], noise_k: float) -> Vector:
    """Return the one-step errors of a model over the records, in standard deviations."""
    step = model.transition(RECORD_S)
    gain, spread_k = _steady_gain(step, noise_k)
    assert records[0].room_c is not None
    x = Estimate(records[0].room_c).x
    result = []
    for record in records[1:]:
        x = step.advance(x, list(record.inputs))
        if record.room_c is None:
            result.append(0.0)
            continue
        error_k = record.room_c - x[SENSOR]
        score = error_k / spread_k
        if abs(score) > 2 * OUTLIER:
            x[SENSOR] += error_k
            x[AIR] += error_k
        else:
            x = [value + g * error_k for value, g in zip(x, gain, strict=True)]
        result.append(min(max(score, -2 * OUTLIER), 2 * OUTLIER))
    return result


def _steady_gain(step: Transition, noise_k: float) -> tuple[Vector, float]:
    """Return the filter's gain after many steps, and the usual innovation in kelvin."""
    estimate = Estimate(0.0)
    for _ in range(40):
        estimate.predict(step, [0.0] * 4)
        gain, spread_k = estimate.gain(noise_k)
        estimate.correct(0.0, noise_k)
    return gain, spread_k


def solve(matrix: Matrix, right: Vector) -> Vector:
    """Solve a symmetric positive definite system (Cholesky)."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - dot(lower[i][:j], lower[j][:j])
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    forward: Vector = []
    for i in range(size):
        done = dot(lower[i][:i], forward)
        forward.append((right[i] - done) / lower[i][i])
    result = [0.0] * size
    for i in reversed(range(size)):
        done = sum(lower[j][i] * result[j] for j in range(i + 1, size))
        result[i] = (forward[i] - done) / lower[i][i]
    return result
