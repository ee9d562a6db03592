"""A setpoint that changes every day is expected, though nobody tells; another one is not."""

from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
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

from .routines import DAY_S, HOUR_S, NIGHT, SEVEN, by_day, known, live, rises


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


def test_what_comes_once_a_week_is_expected_in_the_fourth() -> None:
    mornings = live(
        Routine(), range(35), lambda day, now_s: by_day(day, now_s) if day % 7 == 2 else 17.0
    )
    assert [day for day, target in mornings.items() if rises(target)] == [23, 30]


def test_what_does_not_come_any_more_is_expected_two_times_at_most() -> None:
    mornings = live(Routine(), range(20), lambda day, now_s: by_day(day, now_s) if day < 9 else 17)
    assert [day for day in range(9, 20) if rises(mornings[day])] == [9, 10]


def test_after_a_week_away_the_habits_before_it_are_known_from_the_second_day_on() -> None:
    mornings = live(
        Routine(), range(21), lambda day, now_s: by_day(day, now_s) if day // 7 != 1 else 17.0
    )
    assert [day for day in range(7, 21) if rises(mornings[day])] == [7, 8, *range(15, 21)]


def test_after_ten_days_away_in_the_first_weeks_the_week_before_them_is_known() -> None:
    mornings = live(
        Routine(), range(27), lambda day, now_s: by_day(day, now_s) if not 7 <= day < 17 else 17.0
    )
    expected = [day for day in range(17, 27) if rises(mornings[day])]
    assert expected == [*range(18, 27)]


def test_a_week_of_holidays_takes_no_weekend_from_those_who_rise_so_late_at_weekends_only() -> None:
    mornings = live(
        Routine(),
        range(63),
        lambda day, now_s: by_day(day, now_s) if day % 7 > 4 or day // 7 == 4 else 17.0,
    )
    expected = [day for day in range(35, 63) if rises(mornings[day])]
    assert expected == [day for day in range(35, 63) if day % 7 > 4]


def test_a_schedule_that_is_told_or_a_radiator_that_is_off_teaches_nothing() -> None:
    routine = Routine()
    assert all(target.upcoming == () for target in live(routine, range(5), told=True).values())
    off = Target(setpoint_c=None)
    assert routine.anticipate(off, 5 * DAY_S, 0.0) == off
    assert routine.save()["changes"] == []


def test_a_change_by_hand_is_expected_from_its_earliest_time_to_its_latest() -> None:
    late_s = [-600, 300, 0]

    def plan(day: int, now_s: float) -> float:
        return by_day(day, now_s - late_s[day % 3])

    routine = Routine()
    live(routine, range(6), plan)
    morning_s = 6 * DAY_S + SEVEN
    seen = {
        late_s: routine.anticipate(Target(setpoint_c=17), morning_s + late_s, 0.0)
        for late_s in (-900.0, -300.0, 300.0, 900.0)
    }
    assert seen[-900.0].upcoming == (
        (morning_s - 600, 20.0),
        # Nobody is to be cold because they may go to bed early.
        (6 * DAY_S + NIGHT + 300, 17.0),
    )
    assert [target.setpoint_c for target in seen.values()] == [17, 20, 20, 17]


def test_a_change_that_comes_later_than_it_did_is_followed_within_a_week() -> None:
    mornings = live(
        Routine(), range(14), lambda day, now_s: by_day(day, now_s - (900 if day > 6 else 0))
    )
    assert [rises(mornings[day]) for day in (6, 13)] == [[SEVEN], [SEVEN + 900]]


def test_a_rise_is_expected_though_an_expected_fall_is_shortly_before_it() -> None:
    def plan(day: int, now_s: float) -> float:
        return 17.0 if 4 * HOUR_S <= now_s < 6 * HOUR_S else by_day(day, now_s + HOUR_S)

    def nights(day: int, now_s: float) -> float:
        return 20.0 if now_s < 4 * HOUR_S else plan(day, now_s)

    assert rises(live(Routine(), range(5), nights)[4])[0] == 6 * HOUR_S


def test_a_radiator_that_is_turned_on_every_morning_teaches_nothing() -> None:
    routine = Routine()
    for step in range(5 * 288):
        time_s = step * 300.0
        setpoint_c = {0: 17.0, 1: None, 2: 20.0}[int(time_s % DAY_S // (8 * HOUR_S))]
        routine.anticipate(Target(setpoint_c=setpoint_c), time_s, 0.0)
    assert {is_rise for _, is_rise, _ in known(routine)} == {False}


def test_of_a_change_that_comes_twice_in_a_morning_the_first_counts() -> None:
    def plan(day: int, now_s: float) -> float:
        return 17.0 if SEVEN + 360 <= now_s < SEVEN + 900 else by_day(day, now_s)

    routine = Routine()
    live(routine, range(2), plan, every_s=60)
    assert [seen_s for to_c, _, seen_s in known(routine) if to_c == 20] == [[SEVEN, DAY_S + SEVEN]]


def test_a_dial_turned_at_random_all_day_is_seldom_turned_up_for_somebody() -> None:
    chance = Random(2)
    routine, setpoint_c, raised_kh = Routine(), 17.0, 0.0
    turns: list[int] = []
    for step in range(200 * 144):
        now = step % 144
        if now == 30:
            turns = [chance.randrange(30, 138) for _ in range(5)]
        if now in turns:
            setpoint_c = chance.choice([17.0, 18.0, 19.0, 20.0, 21.0])
        if now == 140:
            setpoint_c = 17.0
        target = routine.anticipate(Target(setpoint_c=setpoint_c), step * 600.0, 0.0)
        assert target.setpoint_c is not None
        raised_kh += (target.setpoint_c - setpoint_c) / 6
    assert raised_kh / 200 < 0.1


def test_what_comes_now_and_then_is_seldom_expected() -> None:
    chance = Random(5)
    came = [chance.random() < 0.25 for _ in range(80)]
    mornings = live(
        Routine(), range(80), lambda day, now_s: by_day(day, now_s) if came[day] else 17.0
    )
    in_vain = [day for day in range(21, 80) if rises(mornings[day]) and not came[day]]
    assert len(in_vain) <= 12


def test_after_three_weeks_away_a_routine_is_learned_anew_as_quickly_as_at_first() -> None:
    for days_away in (17, 21, 25):
        mornings = live(
            Routine(),
            range(30 + days_away),
            lambda day, now_s, back=21 + days_away: (  # type: ignore[misc]
                17.0 if 21 <= day < back else by_day(day, now_s)
            ),
        )
        back = 21 + days_away
        assert all(rises(mornings[day]) for day in range(back + 3, back + 9))


def test_a_dial_is_turned_in_steps_and_only_where_it_ends_counts() -> None:
    def plan(day: int, now_s: float) -> float:
        up_c = min(max(17 + (now_s - SEVEN) // 10 * 0.5, 17.0), 21.0)
        down_c = min(max(21 - (now_s - NIGHT) // 10 * 0.5, 17.0), 21.0)
        return min(up_c, down_c)

    routine = Routine()
    live(routine, range(3), plan, every_s=10)
    assert {(to_c, is_rise) for to_c, is_rise, _ in known(routine)} == {(17, False), (21, True)}
    # Each step down is another temperature than is usual at that hour: no reason to hush.
    assert rises(live(routine, range(3, 5), plan, every_s=10)[4])


def test_what_a_dial_moves_by_less_than_half_a_kelvin_or_a_child_plays_pushes_nothing_out() -> None:
    chance = Random(1)

    def plan(day: int, now_s: float) -> float:
        if not SEVEN < now_s < NIGHT:
            return by_day(day, now_s)
        if day == 6 and now_s < 10 * HOUR_S:
            return chance.choice([12.0, 15.0, 20.0, 24.0, 28.0])
        return 20.0 + 0.1 * (now_s // 1200 % 4)

    mornings = live(Routine(), range(10), plan)
    assert [bool(rises(mornings[day])) for day in (5, 6, 8, 9)] == [True] * 4


def test_of_too_many_changes_the_last_are_remembered() -> None:
    routine = Routine()
    for number in range(3 * MOST_CHANGES):
        setpoint_c = (17.0, 20.0)[number % 2]
        routine.anticipate(Target(setpoint_c=setpoint_c), number * 1320.0, 0.0)
    assert len(known(routine)) == MOST_CHANGES
    assert known(routine)[-1][2][-1] > (3 * MOST_CHANGES - 4) * 1320.0


def test_less_than_half_a_kelvin_is_no_change() -> None:
    routine = Routine()
    live(routine, range(5), lambda day, now_s: 20.0 if by_day(day, now_s) == 20 else 19.6)
    assert known(routine) == []


def test_a_setpoint_that_moves_by_tenths_all_day_is_expected_all_the_same() -> None:
    """An automation may have it follow the weather: a tenth down is no bedtime, nor a journey."""

    def plan(day: int, now_s: float) -> float:
        return by_day(day, now_s) + (0.0, 0.1, 0.2, 0.1)[int(now_s // 900) % 4]

    mornings = live(Routine(), range(8), plan)
    assert [day for day, target in mornings.items() if rises(target)] == [3, 4, 5, 6, 7]


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


@given(anything, anything)
def test_whatever_was_saved_makes_a_routine(changes: object, quiet_until_s: object) -> None:
    for saved in (changes, {"changes": changes, "quiet_until_s": quiet_until_s}):
        kept = Routine(saved).save()
        assert Routine(kept).save() == kept


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6) | st.sampled_from([60.0, HOUR_S, 6 * HOUR_S, DAY_S, -DAY_S]),
            st.none() | st.sampled_from([15.0, 17.0, 20.0]) | st.floats(5, 30),
        ),
        max_size=60,
    )
)
def test_whatever_a_clock_and_a_dial_do_memory_is_bounded_and_what_is_foreseen_in_order(
    steps: list[tuple[float, float | None]],
) -> None:
    routine, time_s = Routine(), 5 * DAY_S
    live(routine, range(5))
    for elapsed_s, setpoint_c in steps:
        time_s += elapsed_s
        target = routine.anticipate(Target(setpoint_c=setpoint_c), time_s, 0.0)
        if setpoint_c is None:
            assert target.setpoint_c is None
            continue
        assert target.setpoint_c is not None
        assert target.setpoint_c >= setpoint_c
        upcoming = [(time_s, target.setpoint_c), *(target.upcoming or ())]
        assert all(one[0] <= other[0] for one, other in pairwise(upcoming))
        assert all(one[1] != other[1] for one, other in pairwise(upcoming))
    assert len(known(routine)) <= MOST_CHANGES
    assert all(len(seen_s) <= DAYS for _, _, seen_s in known(routine))


@pytest.mark.parametrize("ahead_s", [float("nan"), float("inf"), 1e9, "soon", None])
def test_a_clock_on_the_wall_that_makes_no_sense_is_taken_for_the_rooms_own(ahead_s: float) -> None:
    saved = []
    for told_s in (ahead_s, 0.0):
        control = RoomControl(RadiatorRating(idle_w=20, rated_w=500, slots=6))
        for step, setpoint_c in enumerate((17, 20, 20)):
            reading = RoomReading(time_s=600.0 * step, temperature_c=19.0, wall_ahead_s=told_s)
            control.step(reading, Target(setpoint_c=setpoint_c))
        saved.append(control.save()["routine"])
    assert saved[0] == saved[1] == {"changes": [[20, True, [600]]], "quiet_until_s": 1800}
