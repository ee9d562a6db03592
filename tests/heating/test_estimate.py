import random

import pytest

from custom_components.qheat.heating.estimate import OUTLIER, Estimate, Resolution
from custom_components.qheat.heating.model import CLEARER, SENSOR, SLOW, UNKNOWN, RoomModel

MODEL = RoomModel.usual(500)
TICK = MODEL.transition(60)
INPUTS = [300.0, 0.0, 0.0, 80.0]


def follow(extra_w: float, minutes: int) -> tuple[Estimate, list[float]]:
    """Run a true room with `extra_w` of heat that nobody knows of, and an estimate beside it."""
    chance = random.Random(1)
    truth = [20.0, 20.0, 20.0, 20.0, 0.0, 0.0]
    estimate = Estimate(20.0)
    for _ in range(minutes):
        truth = TICK.advance(truth, [*INPUTS[:3], INPUTS[3] + extra_w])
        estimate.predict(TICK, INPUTS)
        estimate.correct(round(truth[SENSOR] + chance.gauss(0, 0.04), 1), 0.05)
    return estimate, truth


@pytest.mark.parametrize("extra_w", [-100.0, 0.0, 150.0])
def test_heat_that_nobody_knows_of_is_found(extra_w: float) -> None:
    estimate, truth = follow(extra_w, 360)
    assert estimate.x[UNKNOWN] == pytest.approx(extra_w, abs=100)
    assert estimate.air_c == pytest.approx(truth[1], abs=0.15)


@pytest.mark.parametrize("share", [0.4, 1.0, 1.6])
def test_a_day_that_is_clearer_or_duller_than_foreseen_is_noticed(share: float) -> None:
    chance = random.Random(1)
    truth, estimate = [20.0, 20.0, 20.0, 20.0, 0.0, 0.0], Estimate(20.0)
    for minute in range(240):
        sun_w_m2 = 2.0 * minute
        truth = TICK.advance(truth, [200.0, 0.0, share * sun_w_m2, 80.0])
        estimate.predict(TICK, [200.0, 0.0, sun_w_m2, 80.0])
        estimate.correct(round(truth[SENSOR] + chance.gauss(0, 0.04), 1), 0.05)
    # The other half is taken for unknown heat and a warmer structure.
    assert estimate.x[CLEARER] == pytest.approx((share - 1) / 2, abs=0.2)


def test_a_dark_night_tells_nothing_of_the_sun() -> None:
    estimate, _ = follow(150.0, 360)
    assert estimate.x[CLEARER] == 0


def test_a_gust_of_air_is_not_taken_for_a_change_of_the_room() -> None:
    estimate, _ = follow(0.0, 360)
    slow_c = estimate.x[SLOW]
    assert abs(estimate.correct(17.0, 0.05)) > OUTLIER
    for _ in range(5):
        estimate.predict(TICK, INPUTS)
        estimate.correct(17.0, 0.05)
    assert estimate.air_c < 18
    assert estimate.x[SLOW] == pytest.approx(slow_c, abs=0.3)


def test_a_coarse_sensor_is_trusted_less() -> None:
    fine, coarse = Resolution(), Resolution()
    for step in (0, 1, 1, 0, 3):
        fine.see(20 + 0.1 * step)
        coarse.see(20 + 0.5 * step)
    assert coarse.noise_k > 2 * fine.noise_k
