"""A week of blocks becomes setpoints at moments, also where clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating.week import (
    DAY_S,
    WEEKDAYS,
    Block,
    changes,
    coming,
    setpoint_at,
)

PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 11, 23)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def block(begin: str, end: str, setpoint_c: float = 20.0) -> Block:
    """Return a block between two times of a day."""
    until = time.max if end == "24:00" else time.fromisoformat(end)
    return Block(begin=time.fromisoformat(begin), end=until, setpoint_c=setpoint_c)


def moment(day: date, at: str) -> float:
    """Return a time in Paris in epoch seconds."""
    return datetime.combine(day, time.fromisoformat(at), tzinfo=PARIS).timestamp()


def test_no_blocks_are_set_back_for_ever() -> None:
    [(_, setpoint_c)] = points = changes({}, 17.0, MONDAY, PARIS)
    assert setpoint_c == 17
    assert coming(points, moment(MONDAY, "12:00")) == ()


def test_a_block_rises_at_its_begin_and_falls_at_its_end() -> None:
    points = changes({"monday": [block("07:00", "22:30")]}, 17.0, MONDAY, PARIS)
    assert coming(points, moment(MONDAY, "00:00")) == (
        (moment(MONDAY, "07:00"), 20.0),
        (moment(MONDAY, "22:30"), 17.0),
    )
    assert setpoint_at(points, moment(MONDAY, "06:59")) == 17
    assert setpoint_at(points, moment(MONDAY, "07:00")) == 20
    assert setpoint_at(points, moment(MONDAY, "22:30")) == 17


def test_blocks_that_touch_make_one_change_and_those_alike_none() -> None:
    week = {
        "monday": [block("06:00", "08:00"), block("08:00", "12:00", 21.0)],
        "tuesday": [block("00:00", "24:00", 16.0)],
        "wednesday": [block("00:00", "09:00", 16.0)],
    }
    points = changes(week, 17.0, MONDAY, PARIS)
    assert [setpoint_c for _, setpoint_c in coming(points, moment(MONDAY, "00:00"))] == [
        *(20.0, 21.0, 17.0),
        16.0,
    ]
    tuesday = MONDAY + timedelta(days=1)
    wednesday = MONDAY + timedelta(days=2)
    assert coming(points, moment(tuesday, "12:00")) == ((moment(wednesday, "09:00"), 17.0),)


def test_after_a_quiet_weekend_the_rise_on_monday_is_known() -> None:
    week = {day: [block("08:00", "18:00")] for day in WEEKDAYS[:5]}
    friday, monday = MONDAY + timedelta(days=4), MONDAY + timedelta(days=7)
    points = changes(week, 15.0, friday, PARIS)
    assert coming(points, moment(friday, "19:00")) == ((moment(monday, "08:00"), 20.0),)


@pytest.mark.parametrize("day", [MONDAY, SPRING, AUTUMN])
def test_a_schedule_that_is_always_warm_never_changes(day: date) -> None:
    points = changes({day: [block("00:00", "24:00")] for day in WEEKDAYS}, 17.0, day, PARIS)
    assert [setpoint_c for _, setpoint_c in points] == [20.0]


@pytest.mark.parametrize(
    ("day", "begin", "end", "hours"),
    [
        (SPRING, "00:00", "24:00", 23),
        (AUTUMN, "00:00", "24:00", 25),
        (AUTUMN, "01:00", "02:45", 1.75),
        (AUTUMN, "02:15", "02:45", 0.5),
        (AUTUMN, "02:30", "04:00", 2.5),
        (SPRING, "01:00", "04:00", 2),
        (SPRING, "02:00", "03:00", 0),
        (SPRING, "02:30", "03:15", 0.25),
        (SPRING, "02:10", "02:50", 0),
        (SPRING, "01:00", "02:30", 1),
    ],
)
def test_summer_time_shortens_and_lengthens_blocks_and_leaves_none_open(
    day: date, begin: str, end: str, hours: float
) -> None:
    points = changes({"sunday": [block(begin, end)]}, 17.0, day, PARIS)
    # The same day a week later is a block, too.
    within = [point for point in points if point[0] < moment(day, "12:00") + DAY_S]
    lasted_s = sum(after[0] - now[0] for now, after in pairwise(within) if now[1] == 20)
    assert lasted_s == hours * 3600


def test_a_block_that_ends_in_the_hour_left_out_does_not_cut_the_next_one() -> None:
    week = {"sunday": [block("01:00", "02:30"), block("03:00", "06:00", 21.0)]}
    points = changes(week, 17.0, SPRING, PARIS)
    assert coming(points, moment(SPRING, "00:00"))[:3] == (
        (moment(SPRING, "01:00"), 20.0),
        (moment(SPRING, "03:00"), 21.0),
        (moment(SPRING, "06:00"), 17.0),
    )


clock = st.times().filter(lambda at: at < time.max)
spans = st.tuples(clock, clock).filter(lambda span: span[0] < span[1])
weeks = st.dictionaries(
    st.sampled_from(WEEKDAYS),
    spans.map(lambda span: [Block(begin=span[0], end=span[1], setpoint_c=20.0)]),
)


@given(weeks, st.integers(0, 8 * 24 * 60))
def test_at_every_moment_the_setpoint_is_that_of_the_block_in_force(
    week: dict[str, list[Block]], minute: int
) -> None:
    points = changes(week, 17.0, MONDAY, UTC)
    begin = datetime.combine(MONDAY, time(), tzinfo=UTC) - timedelta(days=1)
    now = begin + timedelta(minutes=minute)
    blocks = week.get(WEEKDAYS[now.weekday()], [])
    inside = any(one.begin <= now.time() < one.end for one in blocks)
    assert setpoint_at(points, now.timestamp()) == (20 if inside else 17)
    assert list(points) == sorted(points)
