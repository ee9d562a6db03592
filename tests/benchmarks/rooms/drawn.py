"""Rooms drawn at random: `python -m tests.benchmarks.rooms.drawn --help`.

ISO 13790 rooms of all kinds and sizes, under EnergyPlus's weather or a synthetic winter. A number
stands for the same room for ever.
"""

import argparse
import multiprocessing
import random
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyenergyplus import dataset

from .__main__ import HEADINGS, POSSIBLE_DAYS, middle, row
from .case import IDLE_W, THERMOSTATS, Case
from .iso13790 import HEIGHT_M, IsoRoom
from .people import Schedule
from .sensor import Sensing
from .trial import Score
from .weather import Weather, read_epw, synthetic

DAYS = 45
DESIGN = 0.01
"""Share of a winter's hours that are colder than what a radiator is chosen for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A room, what is in it, and its winter."""

    room: IsoRoom
    case: Case
    weather: Weather

    def run(self, thermostat: str, days: int) -> Score:
        """Play one thermostat and return its score."""
        trial = self.case.trial(thermostat, self.weather)
        self.room.run(trial, days)
        return trial.score()


def draw(number: int) -> Drawn:
    """Return the room of that number."""
    chance = random.Random(1000 + number)
    floor_m2 = chance.choice([10, 14, 18, 25, 32])
    window_m2 = chance.uniform(0.08, 0.25) * floor_m2
    wall_m2 = chance.uniform(0.3, 1.2) * floor_m2
    wall_u = chance.choice([0.25, 0.4, 0.6, 1.0, 1.4])
    window_u = chance.choice([1.1, 1.6, 2.4, 3.2])
    air_changes = chance.choice([0.25, 0.47, 0.7])
    mass_j_m2k = chance.choice([90e3, 130e3, 190e3, 260e3, 350e3])
    loss_w_k = wall_m2 * wall_u + window_m2 * window_u + 0.34 * floor_m2 * HEIGHT_M * air_changes
    weather = _weather(number, chance)
    coldest_c = sorted(weather.outdoor_c)[int(DESIGN * len(weather.outdoor_c))]
    day_c = chance.choice([19, 20, 20, 21, 22])
    night_c = chance.choice([day_c - 3, day_c - 2, day_c - 4, 16, day_c])
    rated_w = max(loss_w_k * (day_c - coldest_c) * chance.choice([1.1, 1.4, 1.8, 2.5]), 150)
    slots = chance.choice([2, 4, 6, 8, 12, 16])
    sensing = Sensing(
        step_c=chance.choice([0.01, 0.1, 0.1, 0.1, 0.2, 0.5]),
        every=chance.choice([1, 1, 2, 5, 10]),
        lag_s=chance.choice([60, 300, 300, 600, 900]),
        irregular=chance.random() < 0.25,
        noise_k=chance.choice([0.0, 0.04, 0.1]),
    )
    schedule = _schedule(chance, day_c, night_c)
    knows_weather = chance.random() > 0.25
    return Drawn(
        weather=weather,
        case=Case(
            name=f"drawn {number}",
            heavy=mass_j_m2k > 200e3,
            azimuth=(azimuth := chance.choice([0, 90, 180, 270])),
            slots=slots,
            slot_w=round(max(12, (rated_w - IDLE_W) / slots)),
            sensing=sensing,
            schedule=schedule,
            knows_weather=knows_weather,
            forgets_every=chance.choice([3, 9, 30]),
            air_changes=air_changes,
            seed=500 + number,
        ),
        room=IsoRoom(
            mass_j_m2k=mass_j_m2k,
            azimuth=azimuth,
            floor_m2=floor_m2,
            window_m2=window_m2,
            wall_m2=wall_m2,
            wall_u=wall_u,
            window_u=window_u,
            solar_share=chance.choice([0.3, 0.45, 0.6]),
        ),
    )


def _weather(number: int, chance: random.Random) -> Weather:
    """Return one of EnergyPlus's winters, Florida's apart, or a synthetic one."""
    files = sorted(Path(path) for path in dataset.weather_files.values())
    file = chance.choice([*(path for path in files if "_FL_" not in path.name), *[None] * 4])
    if file is None:
        return synthetic(number, mean_c=chance.choice([-4, 0, 3, 6]))
    return read_epw(file)


def _schedule(chance: random.Random, day_c: float, night_c: float) -> Schedule:
    """Return a day that is warm once, or in the morning and in the evening."""
    is_twice = chance.random() < 0.3
    wake, sleep = chance.randrange(300, 540, 15), chance.randrange(1260, 1439, 15)
    blocks = [(wake, sleep)]
    if is_twice:
        morning = wake, wake + chance.choice([90, 120, 180])
        blocks = [morning, (chance.randrange(960, 1080, 15), sleep)]
    return Schedule(
        blocks=blocks,
        day_c=day_c,
        night_c=night_c,
        away=(5, 6) if chance.random() < 0.12 else (),
        is_known=chance.random() > 0.15,
    )


def play(number: int, thermostat: str, days: int) -> Score:
    """Play one thermostat in the room of that number."""
    return draw(number).run(thermostat, days)


def main() -> None:
    """Play rooms and say their scores, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--thermostat", choices=[*THERMOSTATS], default="qheat, jobs that pause")
    parser.add_argument("--days", type=int, choices=POSSIBLE_DAYS, metavar="DAYS", default=DAYS)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.count)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, context) as pool:
        jobs = [
            (number, pool.submit(play, number, options.thermostat, options.days))
            for number in numbers
        ]
        scores = []
        sys.stdout.write(f"| | {' | '.join(HEADINGS)} |\n")
        for number, job in jobs:
            scores.append(job.result())
            sys.stdout.write(f"{row(f'drawn {number}', scores[-1])}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{row('median', middle(scores, statistics.median))}\n")
    sys.stdout.write(f"{row('mean', middle(scores, statistics.fmean))}\n")


if __name__ == "__main__":
    main()
