"""Who turns the dial has said what is wanted, whatever a routine expects."""

import pytest

from custom_components.qheat.heating import Target
from custom_components.qheat.heating.routine import Routine

from .routines import DAY_S, HOUR_S, NIGHT, SEVEN, by_day, live, rises


def set_by_hand(routine: Routine, setpoint_c: float, at_s: float, until_s: float) -> list[Target]:
    """Turn the dial, and see what is foreseen every five minutes until then."""
    steps = range(int(at_s), int(until_s) + 1, 300)
    return [routine.anticipate(Target(setpoint_c=setpoint_c), at_s, 0.0) for at_s in steps]


@pytest.fixture
def learned() -> Routine:
    """Return a routine that has been learned in five days."""
    routine = Routine()
    live(routine, range(5))
    return routine


def test_heat_turned_down_early_is_not_turned_up_again_for_three_hours(learned: Routine) -> None:
    live(learned, range(5, 6))
    at_s = 6 * DAY_S + 5 * HOUR_S
    assert rises(learned.anticipate(Target(setpoint_c=18), at_s - 600, 0.0)) == [SEVEN]
    morning = set_by_hand(learned, 17, at_s, 6 * DAY_S + 23 * HOUR_S)
    rise = (6 * DAY_S + SEVEN, 20.0)
    assert not any(rise in (target.upcoming or ()) for target in morning)
    assert {target.setpoint_c for target in morning} == {17}
    assert rises(morning[-1]) == [SEVEN]


def test_heat_turned_down_as_never_before_stays_down_also_over_a_restart(learned: Routine) -> None:
    """Who leaves for a journey turns the dial; the night's setpoint is no reason to heat."""
    at_s = 5 * DAY_S + 9 * HOUR_S
    journey = set_by_hand(learned, 15, at_s, 6 * DAY_S)
    noon_s = 6 * DAY_S + 12 * HOUR_S
    journey += set_by_hand(Routine(learned.save()), 15, 6 * DAY_S, noon_s)
    assert {(target.setpoint_c, target.upcoming) for target in journey} == {(15, ())}
    [back] = set_by_hand(learned, 18, noon_s, noon_s)
    assert back.upcoming == ((7 * DAY_S + SEVEN, 20.0),)


def test_a_setpoint_turned_to_in_its_time_holds_though_another_was_expected() -> None:
    by_hand = [SEVEN - 600, SEVEN + 300, SEVEN]
    routine = Routine()
    live(routine, range(6), lambda day, now_s: 20.0 if by_hand[day % 3] <= now_s < NIGHT else 17.0)
    at_s = 6 * DAY_S + SEVEN - 300
    assert routine.anticipate(Target(setpoint_c=17), at_s, 0.0).setpoint_c == 20
    held = set_by_hand(routine, 18, at_s, at_s)
    for one in (Routine(routine.save()), routine):
        held += set_by_hand(one, 18, at_s + 300, at_s + 1800)
    assert {target.setpoint_c for target in held} == {18}


def test_a_room_aired_after_the_rise_is_still_expected_to_be_warm_before_it() -> None:
    def plan(day: int, now_s: float) -> float:
        return 10.0 if SEVEN + 360 <= now_s < SEVEN + 900 else by_day(day, now_s)

    routine = Routine()
    live(routine, range(4), plan, every_s=60)
    assert rises(live(routine, range(4, 5), plan)[4])[0] == SEVEN


def test_a_change_is_foreseen_as_long_as_it_is_to_come(learned: Routine) -> None:
    later = set_by_hand(learned, 20, 5 * DAY_S + NIGHT - 600, 5 * DAY_S + NIGHT + 1200)
    fall_s = 5 * DAY_S + NIGHT
    assert [fall_s in [at_s for at_s, _ in target.upcoming or ()] for target in later] == (
        [True] * 2 + [False] * 5
    )
