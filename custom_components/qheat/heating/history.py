"""What the thermostat remembers to learn from: a week in detail, six weeks in daily means."""

import math
from array import array
from collections import deque
from dataclasses import astuple, dataclass
from itertools import batched
from typing import Final

from .guards import believable
from .matrices import Vector
from .model import SLOW

RECORD_S: Final = 300.0
RECORDS_A_DAY: Final = 288
RECORDS: Final = 7 * RECORDS_A_DAY
VALUES: Final = 5
FEWEST_READINGS: Final = 10
"""A day with fewer records that have a reading is not learned from."""
DAYS: Final = 42


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

    def __init__(self, saved_days: object) -> None:
        self._values = array("d")
        """Records one behind the other, NaN for no reading.

        A building has half a million: as objects they would take hundreds of megabytes, and
        Python's garbage collector would go through them.
        """
        self.days: deque[Day] = deque(_days(saved_days), maxlen=DAYS)
        self._room_c: float | None = None
        self._sums = [0.0] * 4
        self._for_s = 0.0
        self._air: list[float] = []
        self._slow_c = 0.0

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._values) // VALUES

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

    def tick(self, step_s: float, inputs: Vector, air_c: float) -> bool:
        """Add a tick; tell whether it completed a record."""
        self._sums = [old + step_s * new for old, new in zip(self._sums, inputs, strict=True)]
        self._for_s += step_s
        if self._for_s < RECORD_S:
            return False
        self._values.append(math.nan if self._room_c is None else self._room_c)
        self._values.extend(value / self._for_s for value in self._sums)
        del self._values[: -RECORDS * VALUES]
        self._air.append(air_c)
        self._room_c, self._sums, self._for_s = None, [0.0] * 4, 0.0
        return True

    def close_day(self, x: Vector, slow_j_k: float) -> bool:
        """Sum a day up when it is complete; tell whether it was."""
        if len(self._air) == 1:
            self._slow_c = x[SLOW]
        if len(self._air) < RECORDS_A_DAY:
            return False
        last = self.records[-RECORDS_A_DAY:]
        heat, outdoor, sun = (sum(r.inputs[i] for r in last) / RECORDS_A_DAY for i in range(3))
        kept_w = slow_j_k * (x[SLOW] - self._slow_c) / (RECORDS_A_DAY * RECORD_S)
        room_c = sum(self._air) / RECORDS_A_DAY
        self._air.clear()
        if sum(r.room_c is not None for r in last) >= FEWEST_READINGS:
            self.days.append(Day(heat - kept_w, room_c - outdoor, sun))
        return True

    def save(self) -> list[tuple[float, ...]]:
        """Return the days, as JSON-able values."""
        return [tuple(round(value, 2) for value in astuple(day)) for day in self.days]


def _days(saved: object) -> list[Day]:
    """Return the believable days of what `save` returned."""
    days = []
    for values in saved[-DAYS:] if isinstance(saved, list) else ():
        if isinstance(values, tuple | list) and len(values) == 3:
            kept = [believable(value, -1e5, 1e5) for value in values]
            if None not in kept:
                days.append(Day(*(value for value in kept if value is not None)))
    return days
