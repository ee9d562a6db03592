"""Setpoints that come every day though nobody tells of them: an automation's, or by hand.

Times in here are seconds on the clock on the wall, so that a routine outlasts summer time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from .demand import SETPOINT_C, TIME_S, Target
from .guards import believable
from .habits import DAY_S

SAME_S: Final = 1200.0
"""What comes so much earlier or later than it did last is another change."""
SAME_K: Final = 0.5
"""Setpoints so far apart may be the same; a dial that moves less is no change."""
SETTLED_S: Final = 300.0
"""A dial is turned in steps: what is set after so long is what was meant."""
LATE_S: Final = 300.0
"""So much later than ever of late a rise is still waited for."""
LATELY: Final = 5
WEEK: Final = 7
DAYS: Final = 3 * WEEK + 1
FEWEST: Final = 3
MOST_MISSED: Final = 2
"""What did not come so often in a row is expected no more until it comes again."""
MOST_CHANGES: Final = 64
QUIET_S: Final = 3 * 3600.0
"""Who turns heat down at an unusual time wants none for so long."""
NEVER_S, FOR_EVER_S = TIME_S
LOOK_EVERY_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A dial turned at `at_s`, from one setpoint in °C to another."""

    at_s: float
    from_c: float
    to_c: float

    @property
    def is_rise(self) -> bool:
        """Whether more heat is wanted than before."""
        return self.to_c > self.from_c


@dataclass(slots=True)
class Change:
    """A setpoint in °C, and when it was set in the last weeks, the latest time last."""

    to_c: float
    is_rise: bool
    seen_s: list[float]

    def is_to(self, turn: Turn) -> bool:
        """Tell whether a turn of the dial is to the same setpoint, from the same side."""
        return self.is_rise == turn.is_rise and abs(self.to_c - turn.to_c) <= SAME_K

    def is_like(self, turn: Turn) -> bool:
        """Tell whether a turn of the dial is this change on another day."""
        apart_s = turn.at_s - self.seen_s[-1]
        return self.is_to(turn) and abs(apart_s - DAY_S * round(apart_s / DAY_S)) <= SAME_S

    def again(self, turn: Turn) -> None:
        """Take in that it has come again; of one day the first time counts."""
        self.to_c = turn.to_c
        self.seen_s = [at_s for at_s in self.seen_s if 0 <= turn.at_s - at_s < DAYS * DAY_S]
        if not self.seen_s or turn.at_s - self.seen_s[-1] > SAME_S:
            self.seen_s.append(turn.at_s)

    def expected_s(self, now_s: float) -> tuple[float, float] | None:
        """Return from when to when it is to be expected next, in the week to come; None if not."""
        if len(self.seen_s) < FEWEST:
            return None
        days_ago = [round((self.seen_s[-1] - at_s) / DAY_S) for at_s in self.seen_s]
        # All as if they had come on the last day.
        as_last_s = [at_s + days * DAY_S for at_s, days in zip(self.seen_s, days_ago, strict=True)]
        first_s, latest_s = min(as_last_s[-LATELY:]), max(as_last_s[-LATELY:])
        week = range(1, WEEK + 1)
        usual = (ahead for ahead in week if _is_usual({days + ahead for days in days_ago}))
        for ahead in islice(usual, MOST_MISSED):
            if latest_s + LATE_S + ahead * DAY_S > now_s:
                return first_s + ahead * DAY_S, latest_s + ahead * DAY_S
        return None


def _is_usual(days_ago: set[int]) -> bool:
    """Tell whether what came so many days ago is to be expected.

    It is if it came on this day of one of the last weeks, of two of three where so many are known,
    and on seven days, or most that were its weekdays: a dial turned at random hits an hour, too.
    Where the week before the last tells nothing, it is if it came on each of the last three days.
    """
    weeks = len(days_ago & {WEEK, 2 * WEEK, 3 * WEEK})
    weekdays = {days % WEEK for days in days_ago}
    like = sum(days % WEEK in weekdays for days in range(1, max(days_ago) + 1))
    if weeks >= (2 if max(days_ago) >= 3 * WEEK else 1) and len(days_ago) > min(like / 2, 6):
        return True
    return {1, 2, 3} <= days_ago and not days_ago & {*range(WEEK + 1, 2 * WEEK + 1)}


class Routine:
    """The changes of one setpoint that come every day, or on the same days of every week."""

    def __init__(self, saved: object = None) -> None:
        saved = saved if isinstance(saved, Mapping) else {}
        self._changes = _saved_changes(saved.get("changes"))
        quiet_until_s = believable(saved.get("quiet_until_s"), *TIME_S)
        self._quiet_until_s = NEVER_S if quiet_until_s is None else quiet_until_s
        self._setpoint_c: float | None = None
        self._turn: Turn | None = None
        self._looked_s = -math.inf
        self._expected: list[tuple[float, float, Change]] = []

    def save(self) -> dict[str, object]:
        """Return what was learned, as JSON-able values."""
        return {
            "changes": [
                [change.to_c, change.is_rise, [round(at_s) for at_s in change.seen_s]]
                for change in self._changes
            ],
            "quiet_until_s": round(self._quiet_until_s),
        }

    def anticipate(self, target: Target, time_s: float, wall_ahead_s: float) -> Target:
        """Return the target with what is likely to come, where nobody tells what is.

        `wall_ahead_s` is what the clock on the wall is ahead of `time_s`. A rise that may be there
        any minute counts as there, for the room is to be warm by then.
        """
        setpoint_c = believable(target.setpoint_c, *SETPOINT_C)
        if setpoint_c is None or target.upcoming is not None:
            self._setpoint_c = self._turn = None
            return target
        now_s = time_s + wall_ahead_s
        self._see(now_s, setpoint_c)
        if not 0 <= now_s - self._looked_s < LOOK_EVERY_S:
            self._look(now_s)
        coming, risen_c = [], setpoint_c
        for first_s, latest_s, change in self._expected:
            if not change.is_rise:
                coming.append((latest_s, change))
            # Who has just turned the dial, or wants it quiet, has said what is wanted.
            elif first_s <= self._quiet_until_s:
                continue
            elif first_s > now_s:
                coming.append((first_s, change))
            elif now_s < latest_s + LATE_S:
                risen_c = max(risen_c, change.to_c)
        upcoming, before_c = [], risen_c
        for at_s, change in sorted(coming, key=lambda one: one[0]):
            is_change = change.to_c > before_c if change.is_rise else change.to_c < before_c
            if at_s > now_s and is_change:
                upcoming.append((at_s - wall_ahead_s, change.to_c))
                before_c = change.to_c
        return replace(target, setpoint_c=risen_c, upcoming=tuple(upcoming))

    def _see(self, now_s: float, setpoint_c: float) -> None:
        before_c, self._setpoint_c = self._setpoint_c, setpoint_c
        if self._turn and not 0 <= now_s - self._turn.at_s < SETTLED_S:
            self._learn(self._turn)
            self._turn, self._looked_s = None, -math.inf
        if before_c is None or before_c == setpoint_c:
            return
        self._turn = turn = replace(self._turn or Turn(now_s, before_c, before_c), to_c=setpoint_c)
        if max(abs(turn.to_c - turn.from_c), abs(setpoint_c - before_c)) < SAME_K:
            return
        self._quiet_until_s = now_s + SAME_S
        if turn.is_rise or any(change.is_like(turn) for _, _, change in self._expected):
            return
        # Sooner to bed than usual is no journey.
        is_usual = any(change.is_to(turn) for change in self._changes if len(change.seen_s) > 1)
        self._quiet_until_s = now_s + QUIET_S if is_usual else FOR_EVER_S

    def _learn(self, turn: Turn) -> None:
        if abs(turn.to_c - turn.from_c) < SAME_K:
            return
        change = next((one for one in self._changes if one.is_like(turn)), None)
        if change is None:
            change = Change(turn.to_c, turn.is_rise, [])
            self._changes.append(change)
        change.again(turn)
        if len(self._changes) > MOST_CHANGES:
            self._changes.remove(min(self._changes, key=lambda one: one.seen_s[-1]))

    def _look(self, now_s: float) -> None:
        """Look a day ahead."""
        self._looked_s = now_s
        self._expected = [
            (*expected_s, change)
            for change in self._changes
            if (expected_s := change.expected_s(now_s)) and expected_s[0] <= now_s + DAY_S
        ]


def _saved_changes(saved: object) -> list[Change]:
    """Return saved changes; what makes no sense is left out."""
    changes = []
    for item in saved if isinstance(saved, list) else ():
        if not isinstance(item, list) or len(item) != 3 or not isinstance(item[2], list):
            continue
        to_c = believable(item[0], *SETPOINT_C)
        seen_s = [at_s for one in item[2] if (at_s := believable(one, *TIME_S)) is not None]
        if to_c is not None and isinstance(item[1], bool) and seen_s:
            changes.append(Change(to_c, item[1], sorted(seen_s)[-DAYS:]))
    return changes[-MOST_CHANGES:]
