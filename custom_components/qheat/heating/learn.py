"""Learning a room from a week of its own history, once a night.

Maximum a posteriori on the one-step innovations of the estimate's own Kalman filter and on what it
foresees hours ahead, which is what plans are made of: Gauss-Newton with Huber's weights. Each of
these errors counts a twentieth, because they are not independent: otherwise the fit trusts them too
much and drifts. Every parameter has a usual value, a spread and bounds.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .balance import balance
from .estimate import OUTLIER, Estimate
from .history import RECORD_S, RECORDS_A_DAY, Day, Record
from .matrices import Vector, dot, solve
from .model import AIR, SENSOR, RoomModel, Transition

TEMPER: Final = 0.05
FORESIGHT_K: Final = 0.3
"""How far a foresight of the hours to come is usually wrong."""
HUBER: Final = 2.0
ROUNDS: Final = 2
NUDGE: Final = 0.05
SPREADS: Final = {
    "air_j_k": 0.3,
    "fast_j_k": 0.5,
    "slow_j_k": 0.7,
    "air_fast_w_k": 0.4,
    "fast_slow_w_k": 0.5,
    "loss_w_k": 0.05,
    "sun_m2": 0.2,
    "sensor_lag_s": 0.5,
}
"""How far a room may be from what is expected of it, in logarithms."""
MOST_SPREADS: Final = 3.0
DRAW: Final = 1.2
AHEAD: Final = 36
AHEAD_EVERY: Final = 12
"""Records to foresee, and from how many to how many: three hours, every hour."""

MOST_MISSED: Final = 12
"""Records without a reading for which gains are reckoned: longer silences count as an hour."""
SETTLED: Final = 40
FEWEST_SETTLED: Final = 4
"""Records, and readings, after which a filter's gain changes little."""

type Filtered = list[tuple[Vector, float]]
"""The state after each record but the first, and how unexpected its reading was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a fit needs, apart from the room control that goes on meanwhile."""

    records: tuple[Record, ...]
    days: tuple[Day, ...]
    noise_k: float
    usual: RoomModel
    model: RoomModel


def refit(snapshot: Snapshot) -> RoomModel:
    """Return the room that the history tells, or the present one if there is too little of it.

    With less than a day of readings, as after a restart, only the loss and the sun are told.
    """
    records = snapshot.records
    begun = next((i for i, record in enumerate(records) if record.room_c is not None), None)
    if begun is None or len(records) - begun < RECORDS_A_DAY:
        if not snapshot.days:
            return snapshot.model
        expected = balance(snapshot.usual, snapshot.days)
        return _model(expected, _distance(snapshot.model, expected))
    records = records[begun:]
    if len(records) >= 2 * RECORDS_A_DAY:
        # Judged on the last day, which it has not seen. One day tells little: a draw will do.
        trial = _fit(snapshot, records[:-RECORDS_A_DAY], snapshot.days[:-1])
        before_k, after_k = (
            foresight_k(model, records, snapshot.noise_k) for model in (snapshot.model, trial)
        )
        if after_k > DRAW * before_k:
            return snapshot.model
    return _fit(snapshot, records, snapshot.days)


def _fit(snapshot: Snapshot, records: Sequence[Record], days: Sequence[Day]) -> RoomModel:
    expected = balance(snapshot.usual, days)
    # From the present model: one night's rounds may not get to an unusual room.
    theta = _distance(snapshot.model, expected)
    for _ in range(ROUNDS):
        theta = _improve(expected, records, theta, snapshot.noise_k)
    return _model(expected, theta)


def _distance(model: RoomModel, expected: RoomModel) -> list[float]:
    """Return how far a room is from the expected one, in logarithms and within the bounds."""
    far = (math.log(getattr(model, name) / getattr(expected, name)) for name in SPREADS)
    return [_bounded(value, spread) for value, spread in zip(far, SPREADS.values(), strict=True)]


def _bounded(value: float, spread: float) -> float:
    return min(max(value, -MOST_SPREADS * spread), MOST_SPREADS * spread)


def _model(usual: RoomModel, theta: Sequence[float]) -> RoomModel:
    """Return the usual room with every parameter moved by its logarithm."""
    moved = {
        name: getattr(usual, name) * math.exp(value)
        for name, value in zip(SPREADS, theta, strict=True)
    }
    return replace(usual, **moved)


def _improve(
    usual: RoomModel, records: Sequence[Record], theta: Vector, noise_k: float
) -> list[float]:
    """Return the parameters after one Gauss-Newton step."""

    def errors(theta: Vector) -> list[float]:
        model = _model(usual, theta)
        filtered = _filtered(model, records, noise_k)
        foreseen = _foresee(model, filtered, records, 1)
        scores = (score for _, score in filtered)
        return [*scores, *(error_k / FORESIGHT_K for _, error_k in foreseen)]

    base = errors(theta)
    slopes = []
    for index in range(len(theta)):
        nudged = [value + NUDGE * (index == i) for i, value in enumerate(theta)]
        other = errors(nudged)
        slopes.append([(b - a) / NUDGE for a, b in zip(base, other, strict=True)])
    weights = [TEMPER * min(1.0, HUBER / max(abs(value), 1e-9)) for value in base]
    spreads = list(SPREADS.values())
    normal: list[list[float]] = []
    right: list[float] = []
    for i, slope in enumerate(slopes):
        weighted = [w * s for w, s in zip(weights, slope, strict=True)]
        normal.append([dot(weighted, other) for other in slopes])
        normal[i][i] += 1 / spreads[i] ** 2
        right.append(-dot(weighted, base) - theta[i] / spreads[i] ** 2)
    step = solve(normal, right)
    return [
        _bounded(value + min(max(change, -0.5), 0.5), s)
        for value, change, s in zip(theta, step, spreads, strict=True)
    ]


def foresight_k(model: RoomModel, records: Sequence[Record], noise_k: float) -> float:
    """Return how wrong (mean, in K) the last day would have been foreseen three hours before."""
    filtered = _filtered(model, records, noise_k)
    foreseen = _foresee(model, filtered, records, len(records) - RECORDS_A_DAY)
    errors = [abs(error_k) for ahead, error_k in foreseen if ahead == AHEAD]
    return sum(errors) / max(1, len(errors))


def _foresee(
    model: RoomModel, filtered: Filtered, records: Sequence[Record], first: int
) -> Iterator[tuple[int, float]]:
    """Yield (records ahead, error in K) of what is foreseen each hour, at its last reading.

    It goes two records at a time: hours ahead that is as good, and takes half as long.
    """
    step = model.transition(2 * RECORD_S)
    for begin in range(first, len(records) - AHEAD, AHEAD_EVERY):
        x, _ = filtered[begin - 1]
        error_k = None
        for ahead in range(2, AHEAD + 1, 2):
            before, record = records[begin + ahead - 1], records[begin + ahead]
            pairs = zip(before.inputs, record.inputs, strict=True)
            before_c = x[SENSOR]
            x = step.advance(x, [(one + other) / 2 for one, other in pairs])
            if record.room_c is not None:
                error_k = record.room_c - x[SENSOR]
            elif before.room_c is not None:
                error_k = before.room_c - (before_c + x[SENSOR]) / 2
            if ahead % AHEAD_EVERY == 0 and error_k is not None:
                yield ahead, error_k
                error_k = None


def _filtered(model: RoomModel, records: Sequence[Record], noise_k: float) -> Filtered:
    """Run the filter over the records."""
    step = model.transition(RECORD_S)
    gains = _gains(step, noise_k, _apart(records))
    assert records[0].room_c is not None
    x = list(Estimate(records[0].room_c).x)
    result: Filtered = []
    missed = 0
    for record in records[1:]:
        x = step.advance(x, record.inputs)
        if record.room_c is None:
            missed = min(missed + 1, MOST_MISSED)
            result.append((x, 0.0))
            continue
        gain, spread_k = gains[missed]
        missed = 0
        error_k = record.room_c - x[SENSOR]
        score = error_k / spread_k
        if abs(score) > 2 * OUTLIER:
            x[SENSOR] += error_k
            x[AIR] += error_k
        else:
            x = [value + g * error_k for value, g in zip(x, gain, strict=True)]
        result.append((x, min(max(score, -2 * OUTLIER), 2 * OUTLIER)))
    return result


def _apart(records: Sequence[Record]) -> int:
    """Return on how many records there is one reading, in the mean."""
    told = sum(record.room_c is not None for record in records)
    return min(round(len(records) / told), MOST_MISSED)


def _gains(step: Transition, noise_k: float, apart: int) -> list[tuple[list[float], float]]:
    """Return the Kalman gain and the innovation's spread in K, by records missed before."""
    estimate = Estimate(0.0)
    for _ in range(max(SETTLED // apart, FEWEST_SETTLED)):
        for _ in range(apart):
            estimate.predict(step, [0.0] * 4)
        estimate.correct(0.0, noise_k)
    gains = []
    for _ in range(MOST_MISSED + 1):
        estimate.predict(step, [0.0] * 4)
        gains.append(estimate.gain(noise_k))
    return gains
