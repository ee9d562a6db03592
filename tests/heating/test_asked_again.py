"""A sensor that measures every ten minutes, or so, and is asked every minute."""

import math
import random
from collections.abc import Callable

import pytest

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
)
from custom_components.qheat.heating.resolution import Resolution

from .schedules import by_schedule

DAY_S = 86400


def new_readings(
    *, every_s: int, asked_s: int = 60, noise_k: float = 0.04, until_s: int = 2 * DAY_S
) -> list[int]:
    """Return when there was a new reading in the last hours of a room that cools and warms."""
    chance, resolution, room_c, new_s = random.Random(1), Resolution(), 20.0, []
    for time_s in range(0, until_s, asked_s):
        if time_s % every_s < asked_s:
            warmer_k = math.sin(time_s / 3600)
            room_c = round(20 + warmer_k + chance.gauss(0, noise_k), 1)
        if resolution.see(time_s, room_c) and time_s > until_s - DAY_S:
            new_s.append(time_s)
    return new_s


@pytest.mark.parametrize("asked_s", [10, 30, 60])
@pytest.mark.parametrize("every_s", [300, 600, 606, 900])
def test_what_is_only_asked_for_again_is_no_new_reading(every_s: int, asked_s: int) -> None:
    assert len(new_readings(every_s=every_s, asked_s=asked_s)) == pytest.approx(
        DAY_S / every_s, rel=0.255
    )


def test_what_is_asked_for_again_between_irregular_measurements_is_no_new_reading() -> None:
    chance, resolution, next_s, fresh, stale = random.Random(1), Resolution(), 0.0, 0, 0
    for time_s in range(0, 4 * DAY_S, 60):
        if is_measured := time_s >= next_s:
            next_s = time_s + chance.expovariate(1 / 600)
            room_c = round(20 + 1.5 * math.sin(time_s / 3600) + chance.gauss(0, 0.04), 1)
        if resolution.see(time_s, room_c) and time_s > DAY_S:
            fresh, stale = fresh + is_measured, stale + (not is_measured)
    assert fresh > 250
    assert stale < fresh / 10


@pytest.mark.parametrize("noise_k", [0.0, 0.01, 0.04, 0.1])
def test_where_each_answer_is_measured_anew_each_is_a_new_reading(noise_k: float) -> None:
    assert len(new_readings(every_s=60, noise_k=noise_k)) == pytest.approx(DAY_S / 60, rel=0.01)


def test_a_change_is_a_new_reading_however_soon_it_comes() -> None:
    resolution = Resolution()
    for time_s in range(0, DAY_S + 60, 60):
        resolution.see(time_s, 20 + time_s // 600 % 2 / 10)
    assert not resolution.see(DAY_S + 60, 20.0)
    assert resolution.see(DAY_S + 120, 19.4)


def test_a_sensor_that_measures_more_often_from_now_on_is_taken_at_its_word() -> None:
    resolution = Resolution()
    for time_s in range(0, DAY_S, 60):
        resolution.see(time_s, 20 + time_s // 600 % 2 / 10)
    for number in range(9):
        resolution.see(DAY_S + 60 * number, 20.3 + number % 3 / 10)
    assert resolution.see(DAY_S + 3600, 20.3)
    assert resolution.see(DAY_S + 3660, 20.3)


@pytest.mark.parametrize(
    "wait_s",
    [
        pytest.param(lambda _: 600.0, id="at regular times"),
        pytest.param(lambda chance: chance.expovariate(1 / 600), id="at irregular times"),
    ],
)
def test_a_room_whose_sensor_is_asked_more_often_than_it_measures_is_held_without_windows(
    wait_s: Callable[[random.Random], float],
) -> None:
    chance, next_s = random.Random(1), 0.0
    control = RoomControl(RadiatorRating(idle_w=20, rated_w=1000, slots=6, pausable=True))
    leaky = RoomParameters.from_area(18.0, loss_w_k_m2=1.5)
    room = SimulatedRoom(leaky, start_s=0.0, start_c=18.0)
    opened, errors_k = 0, []
    while room.time_s < 3 * DAY_S:
        if room.time_s >= next_s:
            read_c, next_s = round(room.temperature_c, 1), room.time_s + wait_s(chance)
        target = by_schedule(room.time_s)
        reading = RoomReading(time_s=room.time_s, temperature_c=read_c, outdoor_c=room.outdoor_c)
        room.advance(60.0, control.step(reading, target).power_w)
        if room.time_s > DAY_S:
            opened += control.window_open
            if target.setpoint_c == 20:
                errors_k.append(room.temperature_c - 20)
    assert not opened
    assert sum(abs(error_k) <= 0.3 for error_k in errors_k) > 0.95 * len(errors_k)
