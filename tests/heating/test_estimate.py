import math
import random
from dataclasses import replace

import pytest

from custom_components.qheat.heating import estimate
from custom_components.qheat.heating.estimate import OUTLIER, Estimate
from custom_components.qheat.heating.model import AIR, CLEARER, SENSOR, SLOW, UNKNOWN, RoomModel
from custom_components.qheat.heating.resolution import Resolution

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
    assert estimate.x[AIR] == pytest.approx(truth[1], abs=0.15)


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
    assert estimate.x[AIR] < 18
    assert estimate.x[SLOW] == pytest.approx(slow_c, abs=0.3)


def resolution_of(
    noise_k: float, *, step_c: float = 0.1, every_s: float = 60.0, leap_k: float = 0.0
) -> Resolution:
    """Let a sensor report for a day from a room that swings by 3 K, leaping now and then."""
    chance, resolution, time_s = random.Random(1), Resolution(), 0.0
    while time_s < 86400:
        time_s += every_s * chance.uniform(0.5, 1.5)
        leapt_k = leap_k * (time_s % 14400 < 900)
        room_c = 20 + 1.5 * math.sin(time_s / 3600) - leapt_k + chance.gauss(0, noise_k)
        resolution.see(time_s, round(room_c / step_c) * step_c)
    return resolution


def test_the_end_of_much_heat_is_no_gust_of_air_where_the_model_is_a_little_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour of 1,500 W ends in a room whose air has two thirds of the mass that is believed."""
    lighter = replace(MODEL, air_j_k=MODEL.air_j_k * 2 / 3).transition(60)

    def most() -> float:
        truth, room, scores = [20.0] * 4 + [0.0] * 2, Estimate(20.0), []
        for minute in range(120):
            heat_w = 1500.0 if minute < 60 else 0.0
            inputs = [heat_w, 0.0, 0.0, 80.0]
            truth = lighter.advance(truth, inputs)
            room.predict(TICK, inputs)
            scores.append(room.correct(round(truth[SENSOR], 1), 0.05))
        return max(map(abs, scores))

    assert most() < OUTLIER
    monkeypatch.setattr(estimate, "HEAT_DOUBT", 0.0)
    assert most() > OUTLIER


def test_how_often_a_sensor_reports_is_known_from_the_last_hours() -> None:
    assert resolution_of(0.04, every_s=60.0).every_s == pytest.approx(60, rel=0.2)
    resolution = resolution_of(0.04, every_s=600.0)
    assert resolution.every_s == pytest.approx(600, rel=0.2)
    for minute in range(18 * 60):
        resolution.see(90000 + 60.0 * minute, 20.0)
    assert resolution.every_s < 120
    resolution.see(180000, 20.0)
    assert resolution.every_s < 180, "an outage of hours counts little"


def test_a_sensor_that_has_become_coarse_is_known_for_one_after_some_days() -> None:
    chance, resolution = random.Random(1), Resolution()
    for minute in range(6 * 1440):
        step_c = 0.1 if minute < 1440 else 0.5
        room_c = 20 + math.sin(minute / 60) + chance.gauss(0, 0.04)
        resolution.see(60.0 * minute, round(room_c / step_c) * step_c)
    assert resolution.noise_k == pytest.approx(math.hypot(0.04, 0.5 / math.sqrt(12)))


@pytest.mark.parametrize("every_s", [10.0, 60.0, 300.0])
@pytest.mark.parametrize("noise_k", [0.07, 0.1, 0.2, 0.4])
def test_a_noisy_sensor_is_found_out_by_its_jumps(noise_k: float, every_s: float) -> None:
    resolution = resolution_of(noise_k, every_s=every_s)
    assert resolution.noise_k == pytest.approx(noise_k, rel=0.25)


@pytest.mark.parametrize("every_s", [60.0, 300.0, 600.0])
@pytest.mark.parametrize("step_c", [0.1, 0.2, 0.5])
def test_a_usual_sensor_is_not_taken_for_a_noisy_one(step_c: float, every_s: float) -> None:
    resolution = resolution_of(0.04, step_c=step_c, every_s=every_s)
    assert resolution.noise_k == pytest.approx(math.hypot(0.04, step_c / math.sqrt(12)))


@pytest.mark.parametrize("step_c", [0.1, 0.2, 0.5, 5 / 9])
def test_a_sensor_that_reports_changes_only_is_not_taken_for_a_noisy_one(step_c: float) -> None:
    chance, resolution, told_c = random.Random(1), Resolution(), 0.0
    for minute in range(4 * 1440):
        room_c = 20.25 + 0.3 * math.sin(minute / 200) + chance.gauss(0, 0.04)
        if told_c != (room_c := round(room_c / step_c) * step_c):
            told_c = room_c
            resolution.see(60.0 * minute, room_c)
    assert resolution.noise_k == pytest.approx(math.hypot(0.04, step_c / math.sqrt(12)))


def test_a_sensor_that_was_broken_is_believed_again_after_a_day_or_two() -> None:
    resolution = Resolution()
    for number in range(600):
        resolution.see(60.0 * number, 20 + 3.0 * (number % 2))
    assert resolution.noise_k == 0.5
    for number in range(240):
        resolution.see(36000.0 + 600.0 * number, 20 + 0.1 * (number % 2))
    assert resolution.noise_k < 0.06


def test_open_windows_are_not_taken_for_noise() -> None:
    assert resolution_of(0.04, leap_k=2.0).noise_k < 0.06


@pytest.mark.parametrize(
    ("times_s", "noise_k"),
    [
        pytest.param([60.0 * n for n in range(500)], 0.4, id="each minute"),
        pytest.param([0.0] * 500, 0.04, id="at one moment"),
        pytest.param([-60.0 * n for n in range(500)], 0.04, id="backwards"),
        pytest.param([3600.0 * n for n in range(500)], 0.04, id="hourly"),
    ],
)
def test_readings_at_one_moment_out_of_order_or_far_apart_tell_nothing_of_noise(
    times_s: list[float], noise_k: float
) -> None:
    chance, resolution = random.Random(1), Resolution()
    for time_s in times_s:
        resolution.see(time_s, round(20 + chance.gauss(0, 0.4), 2))
    assert resolution.noise_k == pytest.approx(noise_k, rel=0.2)


def test_a_room_that_stays_cold_is_believed_after_an_hour_whatever_its_habits() -> None:
    estimate = Estimate(20.0)
    for minute in range(1440):
        estimate.predict(TICK, [100.0, 5.0, 0.0, 500.0])
        if minute % 10 == 0:
            estimate.correct(20.0, 0.05)
    for minute in range(120):
        estimate.predict(TICK, [0.0, -8.0, 0.0, 500.0])
        if minute % 10 == 0:
            score = estimate.correct(14.0, 0.05)
    assert estimate.x[AIR] == pytest.approx(14.0, abs=0.5)
    assert abs(score) < OUTLIER
