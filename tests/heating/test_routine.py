"""A setpoint that changes every day is expected, though nobody tells; another one is not."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
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
from custom_components.qheat.heating.routine import DAYS, MOST_CHANGES, Routine

DAY_S, HOUR_S = 86_400.0, 3600.0
SEVEN, NIGHT = 7 * HOUR_S, 22 * HOUR_S

type Plan = Callable[[int, float], float]
"""The setpoint in °C that is set on a day (0 is a Monday) at a second of it."""


def by_day(day: int, now_s: float) -> float:
    """Return 20 °C from seven to ten, else 17."""
    return 20.0 if SEVEN <= now_s < NIGHT else 17.0


def live(
    routine: Routine, days: range, plan: Plan = by_day, *, told: bool = False, every_s: float = 300
) -> dict[int, Target]:
    """Live through days; return what was foreseen at five each morning."""
    mornings = {}
    for step in range(int(len(days) * DAY_S / every_s)):
        time_s = days[0] * DAY_S + step * every_s
        day, now_s = divmod(time_s, DAY_S)
        target = Target(setpoint_c=plan(int(day), now_s), upcoming=() if told else None)
        target = routine.anticipate(target, time_s, 0.0)
        if now_s == 5 * HOUR_S:
            mornings[int(day)] = target
    return mornings


def rises(target: Target) -> list[float]:
    """Return the seconds of the day at which the target foresees a rise."""
    return [at_s % DAY_S for at_s, to_c in target.upcoming or () if to_c > 17]


def test_what_came_on_three_days_is_expected_on_the_fourth() -> None:
    mornings = live(Routine(), range(5))
    assert [rises(mornings[day]) for day in range(5)] == [[], [], [], [SEVEN], [SEVEN]]
    assert mornings[4].upcoming == ((4 * DAY_S + SEVEN, 20.0), (4 * DAY_S + NIGHT, 17.0))
    assert mornings[4].setpoint_c == 17


def test_after_a_week_days_off_are_known() -> None:
    mornings = live(
        Routine(), range(15), lambda day, now_s: by_day(day, now_s) if day % 7 < 5 else 17.0
    )
    expected = [day for day, target in mornings.items() if rises(target)]
    # The first Saturday nobody can know of.
    assert expected == [3, 4, 5, 7, 8, 9, 10, 11, 14]


def test_what_does_not_come_any_more_is_expected_two_times_at_most() -> None:
    mornings = live(Routine(), range(20), lambda day, now_s: by_day(day, now_s) if day < 9 else 17)
    assert [day for day in range(9, 20) if rises(mornings[day])] == [9, 10]


def test_after_a_week_away_the_habits_before_it_are_known_from_the_second_day_on() -> None:
    mornings = live(
        Routine(), range(21), lambda day, now_s: by_day(day, now_s) if day // 7 != 1 else 17.0
    )
    assert [day for day in range(7, 21) if rises(mornings[day])] == [7, 8, *range(15, 21)]


def test_a_schedule_that_is_told_or_a_radiator_that_is_off_teaches_nothing() -> None:
    routine = Routine()
    assert all(target.upcoming == () for target in live(routine, range(5), told=True).values())
    off = Target(setpoint_c=None)
    assert routine.anticipate(off, 5 * DAY_S, 0.0) == off
    assert routine.save() == []


def test_a_change_by_hand_is_expected_from_its_earliest_time_to_its_latest() -> None:
    by_hand = [SEVEN - 600, SEVEN + 300, SEVEN]

    def plan(day: int, now_s: float) -> float:
        return 20.0 if by_hand[day % 3] <= now_s < NIGHT else 17.0

    routine = Routine()
    live(routine, range(6), plan)
    morning_s = 6 * DAY_S + SEVEN
    seen = {
        late_s: routine.anticipate(Target(setpoint_c=17), morning_s + late_s, 0.0)
        for late_s in (-900.0, -300.0, 300.0, 900.0)
    }
    assert rises(seen[-900.0]) == [SEVEN - 600]
    assert [target.setpoint_c for target in seen.values()] == [17, 20, 20, 17]


def test_changes_at_random_hours_are_not_expected() -> None:
    chance = Random(3)
    hours = [chance.uniform(5, 12) for _ in range(14)]
    mornings = live(
        Routine(),
        range(14),
        lambda day, now_s: 20.0 if hours[day] * HOUR_S <= now_s < NIGHT else 17.0,
    )
    assert sum(bool(rises(target)) for target in mornings.values()) <= 2


def test_a_dial_is_turned_in_steps_and_only_where_it_ends_counts() -> None:
    def plan(day: int, now_s: float) -> float:
        return min(max(17 + (now_s - SEVEN) // 10 * 0.5, 17.0), 21.0) if now_s < NIGHT else 17.0

    routine = Routine()
    live(routine, range(3), plan, every_s=10)
    assert {(to_c, is_rise) for to_c, is_rise, _ in routine.save()} == {(17, False), (21, True)}


def test_heat_turned_down_unexpectedly_is_not_turned_up_again_by_a_habit() -> None:
    routine = Routine()
    live(routine, range(5))
    five_s = 5 * DAY_S + 5 * HOUR_S
    assert rises(routine.anticipate(Target(setpoint_c=17), five_s, 0.0))
    off = routine.anticipate(Target(setpoint_c=15), five_s + 60, 0.0)
    assert not rises(off)
    assert routine.anticipate(Target(setpoint_c=15), 5 * DAY_S + SEVEN, 0.0).setpoint_c == 15


def test_a_routine_outlasts_a_restart_and_summer_time() -> None:
    zone = ZoneInfo("Europe/Paris")
    # Clocks go an hour ahead in the night of the sixth day.
    begin_s = datetime(2026, 3, 23, tzinfo=zone).timestamp()
    routine = Routine()
    found = []
    for step in range(7 * 288):
        time_s = begin_s + step * 300
        wall = datetime.fromtimestamp(time_s, zone)
        ahead_s = wall.replace(tzinfo=UTC).timestamp() - time_s
        now_s = wall.hour * HOUR_S + wall.minute * 60
        target = routine.anticipate(Target(setpoint_c=by_day(0, now_s)), time_s, ahead_s)
        if now_s == 5 * HOUR_S:
            found += [
                datetime.fromtimestamp(at_s, zone).hour
                for at_s, to_c in target.upcoming or ()
                if to_c == 20
            ]
            routine = Routine(routine.save())
    assert found == [7] * 4


def test_a_room_is_warm_in_time_for_an_automation_that_nobody_told_of() -> None:
    rating = RadiatorRating(idle_w=20, rated_w=500, slots=6, pausable=True)
    control = RoomControl(rating)
    room = SimulatedRoom(RoomParameters.from_area(18.0), start_s=0.0, start_c=18.0)
    mornings, reasons = [], set()
    while room.time_s < 5 * DAY_S:
        day, now_s = divmod(room.time_s, DAY_S)
        reading = RoomReading(
            time_s=room.time_s, temperature_c=round(room.temperature_c, 1), outdoor_c=room.outdoor_c
        )
        demand = control.step(reading, Target(setpoint_c=by_day(int(day), now_s)))
        if now_s == SEVEN:
            mornings.append(room.temperature_c)
        if day == 4 and now_s < SEVEN and demand.power_w > 100:
            reasons.add(demand.reason)
        room.advance(60.0, demand.power_w)
    assert max(mornings[:3]) < 18.5
    assert min(mornings[3:]) > 19.7
    assert reasons == {Reason.PREHEATING}


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)


@given(anything)
def test_whatever_was_saved_makes_a_routine(saved: object) -> None:
    kept = Routine(saved).save()
    assert Routine(kept).save() == kept


@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6) | st.sampled_from([60.0, HOUR_S, DAY_S, -DAY_S, 7 * DAY_S]),
            st.none() | st.floats(5, 30),
        ),
        max_size=60,
    )
)
def test_whatever_a_clock_and_a_dial_do_memory_is_bounded_and_what_is_foreseen_in_order(
    steps: list[tuple[float, float | None]],
) -> None:
    routine, time_s = Routine(), 0.0
    for elapsed_s, setpoint_c in steps:
        time_s += elapsed_s
        target = routine.anticipate(Target(setpoint_c=setpoint_c), time_s, 0.0)
        if setpoint_c is None:
            assert target.setpoint_c is None
            continue
        assert target.setpoint_c is not None
        assert target.setpoint_c >= setpoint_c
        assert all(one <= other for one, other in pairwise(target.upcoming or ()))
        assert all(time_s <= at_s for at_s, _ in target.upcoming or ())
    assert len(routine.save()) <= MOST_CHANGES
    assert all(len(change[2]) <= DAYS for change in routine.save() if isinstance(change[2], list))


@pytest.mark.parametrize("ahead_s", [float("nan"), float("inf"), 1e9, "soon", None])
def test_a_clock_on_the_wall_that_makes_no_sense_is_taken_for_the_rooms_own(
    ahead_s: float,
) -> None:
    control = RoomControl(RadiatorRating(idle_w=20, rated_w=500, slots=6))
    reading = RoomReading(time_s=0.0, temperature_c=19.0, wall_ahead_s=ahead_s)
    assert control.step(reading, Target(setpoint_c=20)).reason is Reason.HEATING
