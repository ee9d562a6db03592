"""What the thermostat remembers to learn from: a week in detail, six weeks in daily means."""

import math
from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from itertools import batched
from typing import Final

from .demand import TIME_S
from .guards import believable
from .matrices import Vector
from .model import AIR, SLOW

RECORD_S: Final = 300.0
RECORDS_A_DAY: Final = 288
RECORDS: Final = 7 * RECORDS_A_DAY
VALUES: Final = 5
FEWEST_READINGS: Final = 10
"""A day with fewer records that have a reading is not learned from."""
DAYS: Final = 42
MOST_GAP_S: Final = 3600.0
"""A day goes on after a restart that was so short; what happened in a longer gap nobody knows."""
MOST_UNKNOWN: Final = 12
"""A day in which the temperature outside was lost for so many records is not learned from."""
SUMS: Final = 7
"""Of the running day: records, with a reading, without outdoor, heat, outdoor, sun, air."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Five minutes: the last reading in °C (None: none), mean inputs in the order of `model`."""

    room_c: float | None
    inputs: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Day:
    """A day's means: heat in W less what the structure kept, K between room and outdoors, sun."""

    heat_w: float
    warmer_k: float
    sun_w_m2: float


class History:
    """Collects records and days, a tick at a time."""

    def __init__(self, saved: Mapping[str, object]) -> None:
        self._values = array("d")
        """Records one behind the other, NaN for no reading.

        A building has half a million: as objects they would take hundreds of megabytes, and
        Python's garbage collector would go through them.
        """
        self.days: deque[Day] = deque(_days(saved.get("days")), maxlen=DAYS)
        self._room_c: float | None = None
        self._sums = [0.0] * 4
        self._for_s = 0.0
        self._ticked_s, self._slow_c, *self._today = _today(saved.get("today"))

    @property
    def records(self) -> list[Record]:
        """Return the week, the oldest first."""
        return [
            Record(
                room_c=None if math.isnan(room_c) else room_c, inputs=(heat, outdoor, sun, gains)
            )
            for room_c, heat, outdoor, sun, gains in batched(self._values, VALUES, strict=True)
        ]

    def measured(self, room_c: float) -> None:
        """Remember a reading."""
        self._room_c = room_c

    def tick(
        self,
        at_s: float,
        step_s: float,
        inputs: Vector,
        x: Vector,
        slow_j_k: float,
        *,
        outdoor_known: bool = True,
    ) -> bool:
        """Add a tick that ends at a moment, with the room's state; tell whether a day is over."""
        if abs(at_s - self._ticked_s) > MOST_GAP_S:
            self._today = [0.0] * SUMS
        self._ticked_s = at_s
        self._sums = [old + step_s * new for old, new in zip(self._sums, inputs, strict=True)]
        self._for_s += step_s
        if self._for_s < RECORD_S:
            return False
        means = [value / self._for_s for value in self._sums]
        self._values.append(math.nan if self._room_c is None else self._room_c)
        self._values.extend(means)
        del self._values[: -RECORDS * VALUES]
        added = (1, self._room_c is not None, not outdoor_known, *means[:3], x[AIR])
        self._today = [old + new for old, new in zip(self._today, added, strict=True)]
        self._room_c, self._sums, self._for_s = None, [0.0] * 4, 0.0
        records, told, unknown, *sums = self._today
        if records == 1:
            self._slow_c = x[SLOW]
        if records < RECORDS_A_DAY:
            return False
        heat, outdoor, sun, room_c = (value / records for value in sums)
        kept_w = slow_j_k * (x[SLOW] - self._slow_c) / (records * RECORD_S)
        self._today = [0.0] * SUMS
        if told >= FEWEST_READINGS and unknown < MOST_UNKNOWN:
            self.days.append(Day(heat - kept_w, room_c - outdoor, sun))
        return True

    def save(self) -> dict[str, object]:
        """Return the days and the running one, as JSON-able values."""
        today = (self._ticked_s, self._slow_c, *self._today)
        return {
            "days": [[round(value, 2) for value in astuple(day)] for day in self.days],
            "today": [round(value, 2) for value in today],
        }


def _days(saved: object) -> list[Day]:
    """Return the believable ones of saved days."""
    days = []
    for values in saved if isinstance(saved, list) else ():
        if isinstance(values, list) and len(values) == 3:
            kept = [one for value in values if (one := believable(value, -1e5, 1e5)) is not None]
            if len(kept) == 3:
                days.append(Day(*kept))
    return days


def _today(saved: object) -> list[float]:
    """Return the saved day if all of it is believable, else one that begins."""
    values = saved if isinstance(saved, list) and len(saved) == SUMS + 2 else ()
    kept = [number for value in values if (number := believable(value, *TIME_S)) is not None]
    return kept if len(kept) == SUMS + 2 and 0 <= kept[2] < RECORDS_A_DAY else [0.0] * (SUMS + 2)
