"""What a tenant's house does to a thermostat, in a simulated room."""

import json
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
    comfort,
    refit,
)
from custom_components.qheat.heating.comfort import ABOVE_K
from custom_components.qheat.heating.plan import Prices, Problem

from .schedules import DAY_S, by_schedule

RATING = RadiatorRating(idle_w=20, rated_w=500, slots=6)
ROOM = RoomParameters.from_area(18.0, loss_w_k_m2=0.75)
LEAKY = RoomParameters.from_area(18.0, loss_w_k_m2=1.5)
WARM = Target(setpoint_c=20)


def step(control: RoomControl, room: SimulatedRoom, target: Target, share: float = 1.0) -> float:
    """Let a minute pass with a radiator that gives a share of what it says; return its watts."""
    reading = RoomReading(
        time_s=room.time_s, temperature_c=round(room.temperature_c, 1), outdoor_c=room.outdoor_c
    )
    power_w = control.step(reading, target).power_w
    room.advance(60.0, share * power_w)
    return power_w


@pytest.mark.parametrize("share", [0.75, 1.5])
def test_a_radiator_weaker_or_stronger_than_its_rating_holds_the_setpoint(share: float) -> None:
    control, room = RoomControl(RATING), SimulatedRoom(ROOM, start_c=19.0)
    settled = []
    for minute in range(48 * 60):
        step(control, room, WARM, share)
        if minute > 24 * 60:
            settled.append(room.temperature_c)
    assert sum(settled) / len(settled) == pytest.approx(20.0 + ABOVE_K, abs=0.13)
    assert max(abs(room_c - 20) for room_c in settled) < 0.6


@pytest.mark.parametrize("share", [0.5, 1.5])
def test_watts_measured_beside_those_asked_for_leave_no_lasting_error(share: float) -> None:
    control = RoomControl(replace(RATING, rated_w=900, pausable=True, divisible=True))
    room, power_w, settled = SimulatedRoom(ROOM, start_c=19.0), 0.0, []
    for minute in range(30 * 60):
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=round(room.temperature_c, 1),
            outdoor_c=room.outdoor_c,
            heat_output_w=share * power_w,
        )
        power_w = control.step(reading, WARM).power_w
        room.advance(60.0, share * power_w)
        if minute > 18 * 60:
            settled.append(room.temperature_c)
    assert sum(settled) / len(settled) == pytest.approx(20.0 + ABOVE_K, abs=0.08)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_radiator_that_a_meter_shows_to_be_weak_begins_early_enough_for_the_morning(
    *, restarted: bool
) -> None:
    rating = RadiatorRating(idle_w=20, rated_w=1000, slots=6, pausable=True)
    control, room = RoomControl(rating), SimulatedRoom(ROOM, start_s=0.0, start_c=18.0)
    power_w, mornings = 0.0, []
    while room.time_s < 5 * DAY_S:
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=round(room.temperature_c, 1),
            outdoor_c=room.outdoor_c,
            heat_output_w=0.45 * power_w,
            output_measured=True,
        )
        power_w = control.step(reading, by_schedule(room.time_s)).power_w
        if room.time_s % DAY_S == 7 * 3600:
            mornings.append(room.temperature_c)
        if restarted and room.time_s % DAY_S == 2 * 3600:
            control = RoomControl(rating, json.loads(json.dumps(control.save())))
        room.advance(60.0, 0.45 * power_w)
        if control.needs_refit():
            control.adopt(refit(control.snapshot()))
    assert min(mornings[1:]) > 19.7


@pytest.mark.parametrize("every_s", [60, 300])
@pytest.mark.parametrize(("rated_w", "slots"), [(1000, 1), (1500, 2), (2000, 2)])
def test_pauses_make_the_best_of_slots_that_are_far_too_large(
    rated_w: float, slots: int, every_s: int
) -> None:
    rating = RadiatorRating(idle_w=20, rated_w=rated_w, slots=slots, pausable=True)
    control, room = RoomControl(rating), SimulatedRoom(LEAKY, start_c=19.0)
    errors_k = []
    for minute in range(36 * 60):
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=round(room.temperature_c, 1),
            measured_s=room.time_s // every_s * every_s,
            outdoor_c=room.outdoor_c,
        )
        room.advance(60.0, control.step(reading, WARM).power_w)
        if minute > 12 * 60:
            errors_k.append(room.temperature_c - 20)
    assert sum(errors_k) / len(errors_k) == pytest.approx(ABOVE_K, abs=0.05)
    assert sum(abs(error_k) <= 0.3 for error_k in errors_k) > 0.98 * len(errors_k)


def test_a_little_more_is_aimed_at_where_nobody_knows_when_jobs_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems: list[Problem] = []

    def plan(problem: Problem, _prices: Prices) -> int:
        problems.append(problem)
        return 0

    monkeypatch.setattr(comfort, "best_level", plan)
    for jobs_left_s in ((), None):
        reading = RoomReading(time_s=0.0, temperature_c=20.0, jobs_left_s=jobs_left_s)
        RoomControl(RATING).step(reading, WARM)
    known, unknown = (problem.errors_k for problem in problems)
    assert unknown == pytest.approx([error_k - ABOVE_K for error_k in known])


def test_a_noisy_sensor_opens_no_windows() -> None:
    control, room, chance = RoomControl(RATING), SimulatedRoom(ROOM, start_c=19.0), Random(1)
    opened = []
    for minute in range(24 * 60):
        noisy_c = room.temperature_c + chance.gauss(0, 0.15)
        reading = RoomReading(
            time_s=room.time_s, temperature_c=round(noisy_c, 2), outdoor_c=room.outdoor_c
        )
        room.advance(60.0, control.step(reading, WARM).power_w)
        if minute > 6 * 60 and control.window_open:
            opened.append(minute)
    assert len(opened) < 60  # minutes
    assert room.temperature_c == pytest.approx(20.0, abs=0.3)


def test_after_a_weekend_away_the_room_is_warm_on_monday_and_not_before() -> None:
    control, room = RoomControl(RATING), SimulatedRoom(ROOM, start_s=0.0, start_c=20.0)
    monday_s = 2 * DAY_S + 7 * 3600
    sunday = []
    while room.time_s < monday_s:
        upcoming = ((monday_s, 20.0),) if monday_s - room.time_s <= DAY_S else ()
        step(control, room, Target(setpoint_c=16, upcoming=upcoming))
        if DAY_S < room.time_s < 2 * DAY_S - 4 * 3600:
            sunday.append(room.temperature_c)
    assert sum(sunday) / len(sunday) < 17
    assert 19.7 < room.temperature_c < 20.5


def test_a_job_that_has_been_started_is_not_taken_back_for_ten_minutes() -> None:
    control, room = RoomControl(RATING), SimulatedRoom(ROOM, start_c=18.0)
    powers_w = [step(control, room, Target(setpoint_c=17)) for _ in range(30)]
    raised_w = step(control, room, WARM)
    assert raised_w > powers_w[-1]
    later_w = [step(control, room, Target(setpoint_c=17)) for _ in range(20)]
    assert later_w[:9] == [raised_w] * 9
    assert later_w[-1] < raised_w


def test_a_dial_turned_down_is_obeyed_at_once_where_jobs_can_be_paused() -> None:
    control = RoomControl(replace(RATING, pausable=True))
    room = SimulatedRoom(ROOM, start_c=18.0)
    assert step(control, room, WARM) > 100
    assert step(control, room, Target(setpoint_c=12)) == 0


def live(control: RoomControl, room: SimulatedRoom, days: int) -> list[tuple[float, float]]:
    """Live by a schedule, learning every night; return the hours and errors in comfort time."""
    errors_k = []
    until_s = room.time_s + days * DAY_S
    while room.time_s < until_s:
        hour, target = room.time_s % DAY_S / 3600, by_schedule(room.time_s)
        step(control, room, target)
        if target.setpoint_c == 20:
            errors_k.append((hour, room.temperature_c - 20))
        if control.needs_refit():
            control.adopt(refit(control.snapshot()))
    return errors_k


@cache
def lived_in() -> tuple[RoomControl, SimulatedRoom]:
    """Return a room lived in for three days, and what has learned it."""
    control, room = RoomControl(RATING), SimulatedRoom(ROOM, start_s=0.0, start_c=18.0)
    live(control, room, days=3)
    return control, room


@pytest.mark.parametrize(
    ("change", "rated_w"),
    [
        ({"loss_w_k": 0.6 * ROOM.loss_w_k}, 500),
        ({"air_j_k": 2 * ROOM.air_j_k, "structure_j_k": 1.3 * ROOM.structure_j_k}, 500),
        ({}, 900),
    ],
    ids=["new windows", "furniture", "another radiator"],
)
def test_what_was_learned_does_no_harm_when_the_room_changes(
    change: dict[str, float], rated_w: float
) -> None:
    control, room = lived_in()
    room = SimulatedRoom(replace(ROOM, **change), room.save())
    control = RoomControl(replace(RATING, rated_w=rated_w), control.save())
    live(control, room, days=2)
    settled = live(control, room, days=2)
    at_seven = [error_k for hour, error_k in settled if hour < 7 + 1 / 60]
    assert len(at_seven) == 2
    assert min(at_seven) > -0.3
    assert sum(abs(error_k) <= 0.3 for _, error_k in settled) > 0.95 * len(settled)
