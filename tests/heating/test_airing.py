import math
from copy import deepcopy
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
)
from custom_components.qheat.heating.airing import Airing

LOSES_JOBS = RadiatorRating(idle_w=20, rated_w=500, slots=6)
DAY_S = 86400
PAUSES_JOBS = RadiatorRating(idle_w=20, rated_w=500, slots=6, pausable=True)


@cache
def warmed(
    rating: RadiatorRating, jobs_left_s: tuple[float, ...] | None = None
) -> tuple[RoomControl, float, float]:
    """Return a control after a day in a room at 20 °C: with its temperature and its watts."""
    room = SimulatedRoom(RoomParameters.from_area(20.0, loss_w_k_m2=0.75))
    control, power_w = RoomControl(rating), 0.0
    for time_s in range(0, DAY_S, 60):
        room_c = round(room.temperature_c, 1)
        reading = RoomReading(
            time_s=time_s, temperature_c=room_c, outdoor_c=3, jobs_left_s=jobs_left_s
        )
        power_w = control.step(reading, Target(setpoint_c=20)).power_w
        room.advance(60, power_w)
    return control, room.temperature_c, power_w


def minutes_held(rating: RadiatorRating, jobs_left_s: tuple[float, ...] | None = None) -> int:
    """Return for how many minutes after a window was shut no heat was added to what there was."""
    control, warm_c, before_w = deepcopy(warmed(rating, jobs_left_s))
    cooled_c = [warm_c - min(0.4 * minute, 3.0) for minute in range(10)]
    risen_c = [cooled_c[-1] + 2.0 * (1 - math.exp(-minute / 6)) for minute in range(60)]
    for minute, room_c in enumerate(cooled_c + risen_c):
        reading = RoomReading(
            time_s=DAY_S + 60 * minute, temperature_c=room_c, outdoor_c=3, jobs_left_s=jobs_left_s
        )
        demand = control.step(reading, Target(setpoint_c=20))
        if demand.power_w > before_w:
            return minute - len(cooled_c)
    raise AssertionError("the room is left cold")


def test_heat_comes_back_when_the_readings_rise_again_and_not_before() -> None:
    assert 0 < minutes_held(PAUSES_JOBS) <= 4
    assert 0 < minutes_held(LOSES_JOBS) <= 4


def test_where_jobs_are_let_run_out_heat_waits_longer() -> None:
    assert minutes_held(LOSES_JOBS, (7200.0,) * 6) >= 10


def test_a_window_counts_as_open_for_a_quarter_of_an_hour_after_the_last_leap() -> None:
    airing = Airing(ends_early=False)
    assert not airing.is_open(0.0)
    airing.see(0.0, -5.0, 18.0)
    airing.see(300.0, 6.0, 19.5)
    assert airing.is_open(1199.0)
    assert not airing.is_open(1200.0)


def test_the_end_of_an_airing_is_told_once() -> None:
    airing = Airing(ends_early=True)
    assert not airing.see(0.0, -5.0, 18.0)
    assert not airing.see(60.0, 0.0, 17.0)
    assert not airing.see(120.0, 3.0, 17.1)
    assert airing.is_open(120.0)
    assert airing.see(180.0, 5.0, 17.2)
    assert not airing.is_open(180.0)
    assert not airing.see(240.0, 5.0, 17.4)
    assert not airing.is_open(240.0)


def test_a_leap_upwards_is_no_window_where_jobs_pause() -> None:
    airing = Airing(ends_early=True)
    airing.see(0.0, 9.0, 24.0)
    assert not airing.is_open(0.0)


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from((-9.0, 0.0, 9.0)), st.floats())),
    st.booleans(),
)
def test_a_window_that_was_shut_is_open_again_only_after_another_fall(
    seen: list[tuple[int, float, float]], ends_early: bool
) -> None:
    airing, shut = Airing(ends_early=ends_early), True
    for time_s, score, room_c in seen:
        is_fall = score < 0 or (score > 0 and not ends_early)
        told = airing.see(time_s, score, room_c)
        shut = told or (shut and not is_fall)
        assert not (shut and airing.is_open(time_s))


@pytest.mark.parametrize("fall_k", [2.0, 6.0])
@pytest.mark.parametrize("step_s", [5, 60])
@pytest.mark.parametrize("lag_s", [120.0, 300.0])
def test_no_heat_is_added_while_the_air_only_falls(
    fall_k: float, step_s: int, lag_s: float
) -> None:
    control, warm_c, power_w = deepcopy(warmed(PAUSES_JOBS))
    sensor_c, leapt_s = warm_c, math.inf
    for passed_s in range(0, 1200, step_s):
        air_c = warm_c - fall_k * -math.expm1(-passed_s / 300)
        sensor_c += (air_c - sensor_c) * -math.expm1(-step_s / lag_s)
        reading = RoomReading(
            time_s=DAY_S + passed_s, temperature_c=round(sensor_c, 1), outdoor_c=3
        )
        demand = control.step(reading, Target(setpoint_c=20))
        if control.window_open and leapt_s == math.inf:
            leapt_s, power_w = passed_s, demand.power_w
        if 0 <= passed_s - leapt_s < 900:
            assert control.window_open
            assert demand.power_w <= power_w
    assert leapt_s < 300
