"""The setpoints that a week of blocks asks for, as changes at moments: pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS_AHEAD: Final = 8
"""A block that there is once a week has begun within so many days."""
DAY_S: Final = 86_400.0

type Changes = tuple[tuple[float, float], ...]
"""Moments (epoch seconds) in order, and the setpoint in °C from each on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A setpoint in °C from `begin` until `end` of a day; `time.max` is the day's very end."""

    begin: time
    end: time
    setpoint_c: float


type Week = Mapping[str, Sequence[Block]]


def changes(week: Week, outside_c: float, today: date, zone: tzinfo) -> Changes:
    """Return all changes from yesterday's begin on; `outside_c` holds outside of blocks."""
    yesterday = today - timedelta(days=1)
    moments = {_moment(yesterday, time(), zone): outside_c}
    for ahead in range(-1, DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        for block in week.get(WEEKDAYS[day.weekday()], ()):
            begin_s, end_s = (_moment(day, at, zone) for at in (block.begin, block.end))
            # An hour that summer time leaves out has no length.
            if begin_s < end_s:
                moments[begin_s] = block.setpoint_c
                moments.setdefault(end_s, outside_c)
    # What goes on beyond the last day changes nothing at its end.
    moments.pop(_moment(today + timedelta(days=DAYS_AHEAD), time(), zone), None)
    found: list[tuple[float, float]] = []
    for at_s, setpoint_c in sorted(moments.items()):
        if not found or found[-1][1] != setpoint_c:
            found.append((at_s, setpoint_c))
    return tuple(found)


def setpoint_at(points: Changes, at_s: float) -> float:
    """Return the setpoint in force at a moment."""
    index = bisect_right(points, at_s, key=lambda point: point[0])
    return points[max(index - 1, 0)][1]


def coming(points: Changes, now_s: float) -> Changes:
    """Return the changes of the day to come; after a quiet day, the first one there is."""
    later = tuple(point for point in points if point[0] > now_s)
    return tuple(point for point in later if point[0] <= now_s + DAY_S) or later[:1]


def _moment(day: date, at: time, zone: tzinfo) -> float:
    """Return the first moment at which a clock in the zone shows this time or a later one."""
    if at == time.max:
        day, at = day + timedelta(days=1), time()
    wall = datetime.combine(day, at)
    first_s, second_s = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first_s <= second_s:
        return first_s
    # Summer time leaves this time out: the two are on either side of the hour that is none.
    return second_s + bisect_left(
        range(int(first_s - second_s)),
        wall,
        key=lambda later_s: datetime.fromtimestamp(second_s + later_s, zone).replace(tzinfo=None),
    )
