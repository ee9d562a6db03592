"""Who lives in the room: heat in watts, open windows, the schedule that they want."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """From each begin to its end (minutes) the setpoint by day, else by night, as on `away` days.

    Day 0 is a Monday. Of a schedule that is not `is_known` nobody tells the thermostat.
    """

    blocks: Sequence[tuple[int, int]] = ((7 * 60, 22 * 60 + 30),)
    day_c: float = 20.0
    night_c: float = 17.0
    away: tuple[int, ...] = ()
    is_known: bool = True

    @property
    def wake(self) -> int:
        """Return the minute of a day at which it is to be warm first."""
        return self.blocks[0][0]

    def at(self, minute: int) -> float:
        """Return the setpoint in force."""
        day, now = divmod(minute, 1440)
        is_warm = any(begin <= now < end for begin, end in self.blocks)
        return self.day_c if is_warm and day % 7 not in self.away else self.night_c

    def upcoming(self, minute: int) -> tuple[tuple[float, float], ...] | None:
        """Return the changes of the next day as (time in seconds, setpoint); None: nobody tells."""
        if not self.is_known:
            return None
        today = minute // 1440
        changes = [
            ((1440 * day + at) * 60.0, to_c)
            for day in (today, today + 1)
            if day % 7 not in self.away
            for begin, end in self.blocks
            for at, to_c in ((begin, self.day_c), (end, self.night_c))
        ]
        return tuple(change for change in changes if 0 < change[0] - minute * 60 <= 86400)


class People:
    """Gains and open windows of one day after another, drawn from a seed."""

    def __init__(self, seed: int, forgets_every: int) -> None:
        self._forgets_every = forgets_every
        self._chance = random.Random(seed)
        self._day = -1
        self._gains: list[float] = []
        self._airing: set[int] = set()

    def minute(self, minute: int) -> tuple[float, bool]:
        """Return the heat of people and things in watts, and whether the window is open."""
        day, now = divmod(minute, 1440)
        if day != self._day:
            self._day = day
            self._draw(day)
        return self._gains[now], now in self._airing

    def _draw(self, day: int) -> None:
        chance = self._chance
        gains = [0.0] * 1440
        add(gains, 0, 7 * 60 + chance.randint(-15, 25), 65)
        add(gains, 22 * 60 + 30 + chance.randint(-30, 40), 1440, 65)
        weekend = day % 7 in {5, 6}
        breakfast = 7 * 60 + chance.randint(0, 40) + (60 if weekend else 0)
        add(gains, breakfast, breakfast + chance.randint(20, 45), chance.uniform(90, 160))
        if weekend:
            for _ in range(chance.randint(1, 3)):
                begin = chance.randint(9 * 60, 16 * 60)
                add(gains, begin, begin + chance.randint(40, 180), chance.uniform(70, 160))
        evening = 17 * 60 + 30 + chance.randint(-20, 90)
        add(gains, evening, 22 * 60 + 30, chance.uniform(80, 160))
        add(gains, evening, 22 * 60 + 30 + chance.randint(-40, 20), chance.uniform(30, 60))
        television = evening + chance.randint(60, 120)
        add(gains, television, 22 * 60 + 20, chance.uniform(40, 110))
        if chance.random() < 0.7:
            cook = 18 * 60 + 30 + chance.randint(0, 60)
            add(gains, cook, cook + chance.randint(20, 40), chance.uniform(80, 200))
        add(gains, 0, 1440, 15)
        self._gains = gains
        self._airing = set()
        if chance.random() < 0.75:
            begin = 7 * 60 + chance.randint(10, 120)
            self._airing.update(range(begin, begin + chance.randint(5, 12)))
        if day % self._forgets_every == self._forgets_every // 2:
            begin = 18 * 60 + chance.randint(0, 120)
            self._airing.update(range(begin, begin + 40))


def add(gains: list[float], begin: int, end: int, heat_w: float) -> None:
    """Add a constant gain from `begin` to `end` minutes."""
    for minute in range(max(begin, 0), min(end, 1440)):
        gains[minute] += heat_w
