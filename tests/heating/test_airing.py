import math

from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating import (
    RadiatorRating,
    Reason,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
)
from custom_components.qheat.heating.airing import Airing

LOSES_JOBS = RadiatorRating(idle_w=20, rated_w=500, slots=6)
PAUSES_JOBS = RadiatorRating(idle_w=20, rated_w=500, slots=6, pausable=True)


def minutes_held(rating: RadiatorRating) -> int:
    """Return for how many minutes after a window was shut no heat was added to what there was."""
    room = SimulatedRoom(RoomParameters.from_area(20.0, loss_w_k_m2=0.75))
    control = RoomControl(rating)
    time_s, power_w = room.time_s, 0.0
    for _ in range(24 * 60):
        reading = RoomReading(time_s=time_s, temperature_c=room.temperature_c, outdoor_c=3)
        power_w = control.step(reading, Target(setpoint_c=20)).power_w
        room.advance(60, power_w)
        time_s += 60
    before_w = power_w
    cooled_c = [room.temperature_c - min(0.4 * minute, 3.0) for minute in range(10)]
    risen_c = [cooled_c[-1] + 2.0 * (1 - math.exp(-minute / 6)) for minute in range(60)]
    for minute, room_c in enumerate(cooled_c + risen_c):
        reading = RoomReading(time_s=time_s + 60 * minute, temperature_c=room_c, outdoor_c=3)
        demand = control.step(reading, Target(setpoint_c=20))
        if minute >= len(cooled_c) and demand.power_w > before_w:
            return minute - len(cooled_c)
        assert demand.reason is not Reason.OFF
    raise AssertionError("the room is left cold")


def test_where_jobs_pause_heat_comes_back_when_the_air_rises_again() -> None:
    assert minutes_held(PAUSES_JOBS) <= 4
    assert minutes_held(LOSES_JOBS) >= 10


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
    assert not airing.see(120.0, 0.0, 17.05)
    assert airing.is_open(120.0)
    assert airing.see(180.0, 0.0, 17.2)
    assert not airing.is_open(180.0)
    assert not airing.see(240.0, 0.0, 17.4)


def test_a_leap_upwards_is_no_window_where_jobs_pause() -> None:
    airing = Airing(ends_early=True)
    airing.see(0.0, 9.0, 24.0)
    assert not airing.is_open(0.0)


@given(
    st.lists(st.tuples(st.floats(), st.floats(), st.floats()), max_size=20),
    st.booleans(),
    st.floats(),
)
def test_whatever_comes_in_no_airing_outlasts_a_quarter_of_an_hour(
    seen: list[tuple[float, float, float]], ends_early: bool, now_s: float
) -> None:
    airing = Airing(ends_early=ends_early)
    for time_s, score, air_c in seen:
        airing.see(time_s, score, air_c)
    if airing.is_open(now_s):
        assert any(0 <= now_s - time_s < 900 for time_s, _, _ in seen)
