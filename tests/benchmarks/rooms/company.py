"""Rooms that others heat or cool, too: `python -m tests.benchmarks.rooms.company --processes 2`.

Each cell is that of the worse of two ISO 13790 rooms, heavy and light; in brackets a PI's.
"""

import argparse
import math
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, cast

from .case import Case
from .iso13790 import IsoRoom
from .people import Schedule
from .trial import RoomInputs, Score, Trial
from .weather import Weather, synthetic

OURS, PI = "qheat, jobs that pause", "PI + outdoor + 2 h lead"
MASSES_J_M2K: Final = (260e3, 110e3)
type Heat = Callable[[int, float], float]
"""What gives watts to the room in a minute, at the air's temperature in °C."""


class Valve:
    """A central radiator of 1 kW, whose slow valve is shut a kelvin above `at_c`."""

    def __init__(self, at_c: float, is_fired: Callable[[int], bool] = lambda _minute: True) -> None:
        self._at_c, self._is_fired = at_c, is_fired
        self._open = self._heat_w = 0.0

    def __call__(self, minute: int, air_c: float) -> float:
        wanted = min(1.0, max(0.0, (self._at_c + 1 - air_c) / 2)) * self._is_fired(minute)
        self._open += (wanted - self._open) * -math.expm1(-60 / 900)
        self._heat_w += (1000 * self._open - self._heat_w) * -math.expm1(-60 / 1200)
        return self._heat_w


class Stove:
    """A stove of 1.5 kW that burns from 18 to 21 h on two evenings of five."""

    def __init__(self) -> None:
        chance = random.Random(3)
        self._days = {day for day in range(60) if chance.random() < 0.4}
        self._heat_w = 0.0

    def __call__(self, minute: int, _air_c: float) -> float:
        day, now = divmod(minute, 1440)
        burns = day in self._days and 18 * 60 <= now < 21 * 60
        self._heat_w += (1500 * burns - self._heat_w) * -math.expm1(-60 / 2400)
        return self._heat_w


class Door:
    """A door to a hall of 10 °C, opened and shut every 40 minutes or so by day."""

    def __init__(self) -> None:
        self._chance, self._is_open = random.Random(4), False

    def __call__(self, minute: int, air_c: float) -> float:
        if self._chance.random() < 1 / 40:
            self._is_open = not self._is_open
        is_day = 7 * 60 <= minute % 1440 < 22 * 60 + 30
        return 12 * (10 - air_c) if self._is_open and is_day else 0.0


def _on_the_machine(_minute: int, emitted_w: float) -> float:
    return emitted_w / 500


def _in_the_sun(minute: int, _emitted_w: float) -> float:
    return 3 * max(0.0, 1 - abs(minute % 1440 - 780) / 90) * (minute // 1440 % 2)


def _winter() -> Weather:
    return synthetic(1)


def _mild_weeks() -> Weather:
    """Return a winter whose third to sixth weeks are 18 K milder."""
    winter = _winter()
    milder_k = (18 * (14 * 24 <= hour < 42 * 24) for hour in range(len(winter.outdoor_c)))
    outdoor_c = tuple(c + k for c, k in zip(winter.outdoor_c, milder_k, strict=True))
    return replace(winter, outdoor_c=outdoor_c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Who heats a room, and what its sensor reads beside the air."""

    slots: Sequence[int] = (6,)
    """Of each radiator."""
    setpoints_c: Sequence[float] = (20.0, 20.0, 20.0)
    others: Callable[[], Heat] | None = None
    """What makes the other heat."""
    astray_k: Heat = lambda _minute, _emitted_w: 0.0
    """What a sensor reads too much, of a minute and the watts that its radiator gives."""
    weather: Callable[[], Weather] = _winter
    days: int = 42


LIVES: Mapping[str, Life] = {
    "one radiator, nothing else": Life(),
    "two, of 260 and 180 W, each with its own thermostat": Life(slots=(3, 2)),
    "three of 180 W": Life(slots=(2, 2, 2)),
    "two of 260 W, half a kelvin apart": Life(slots=(3, 3), setpoints_c=(20.0, 20.5)),
    "a central radiator whose valve is set to 18 °C": Life(others=lambda: Valve(18)),
    "its valve at 19 °C": Life(others=lambda: Valve(19)),
    "its valve at 20 °C": Life(others=lambda: Valve(20)),
    "its valve at 20 °C, by day only": Life(
        others=lambda: Valve(20, lambda minute: 6 * 60 <= minute % 1440 < 22 * 60)
    ),
    "its valve at 20 °C, every third day": Life(
        others=lambda: Valve(20, lambda minute: minute // 1440 % 3 == 0)
    ),
    "its valve at 20 °C, and shut from the 29th day on (35 days scored)": Life(
        others=lambda: Valve(20, lambda minute: minute < 28 * 1440), days=49
    ),
    "its valve at 21 °C, and shut from the 29th day on (35 days scored)": Life(
        others=lambda: Valve(21, lambda minute: minute < 28 * 1440), days=49
    ),
    "a stove of 1.5 kW on some evenings": Life(others=Stove),
    "a door to a hall of 10 °C, open half of the day": Life(others=Door),
    "four weeks 18 K milder, then cold again (42 days scored)": Life(weather=_mild_weeks, days=56),
    "a sensor on the machine, 1 K too warm at 500 W": Life(astray_k=_on_the_machine),
    "a sensor that the sun warms by 3 K at noon, every other day": Life(astray_k=_in_the_sun),
}


@dataclass(slots=True, kw_only=True)
class Company:
    """All that heat a room in one minute after another; the people are the first radiator's."""

    trials: Sequence[Trial]
    life: Life
    weather: Weather
    others: Heat = field(init=False)

    def __post_init__(self) -> None:
        self.others = self.life.others() if self.life.others else lambda _minute, _air_c: 0.0

    def minute(self, minute: int, air_c: float) -> RoomInputs:
        """Have all play a minute, and say what the room gets of them together."""
        given = []
        for trial in self.trials:
            astray_k = self.life.astray_k(minute, trial.radiator.emitted_w)
            given.append(trial.minute(minute, air_c + astray_k))
            trial.air_c[-1] = air_c  # scores are of the true air
        return RoomInputs(
            radiator_w=sum(one.radiator_w for one in given),
            gains_w=given[0].gains_w + self.others(minute, air_c),
            air_changes=given[0].air_changes,
        )


def play(name: str, mass_j_m2k: float, thermostat: str) -> Score:
    """Play a life in one room; the score is the worse of its radiators', and the heat of all."""
    life = LIVES[name]
    weather = life.weather()
    trials = [
        Case(
            name=name, heavy=False, azimuth=0.0, slots=slots, schedule=Schedule(day_c=day_c)
        ).trial(thermostat, weather)
        for slots, day_c in zip(life.slots, life.setpoints_c, strict=False)
    ]
    company = Company(trials=trials, life=life, weather=weather)
    IsoRoom(mass_j_m2k=mass_j_m2k, azimuth=0.0).run(cast("Trial", company), life.days)
    scores = [trial.score() for trial in trials]
    return replace(_worst(scores), kwh=sum(score.kwh for score in scores))


def _worst(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return replace(
        scores[0],
        rmse_k=max(score.rmse_k for score in scores),
        in_band=min(score.in_band for score in scores),
        warm=min(score.warm for score in scores),
        kwh=min(score.kwh for score in scores),
    )


def main() -> None:
    """Play all lives, and write them as docs/rooms.md has them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        jobs = {
            name: [
                [pool.submit(play, name, mass, thermostat) for mass in MASSES_J_M2K]
                for thermostat in (OURS, PI)
            ]
            for name in LIVES
        }
        for name, of_both in jobs.items():
            ours, pi = (_worst(job.result() for job in of_one) for of_one in of_both)
            sys.stdout.write(
                f"| {name} | {ours.rmse_k:.2f} ({pi.rmse_k:.2f}) | {ours.in_band:.0f}"
                f" ({pi.in_band:.0f}) | {ours.warm:.0f} ({pi.warm:.0f}) | {ours.kwh:.2f} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
