"""Slots for the hours to come: a short search over levels that counts starts and lost jobs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Final

BEAM: Final = 10
PLAN_EVERY_S: Final = 300.0
SOON_S: Final = 600.0
"""A job that ends so soon is waited for rather than lost."""
WHOLE_S: Final = 1200.0
"""After that a plan may have any watts where jobs pause."""
FELT_K: Final = 0.2
FELT: Final = 3.0
"""An error costs its square, and so many times the square of what is beyond `FELT_K`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a plan pays besides comfort, in K²h: for a job, or for a kilowatt-hour."""

    start: float = 0.016
    stop: float = 0.02
    preempt: float = 0.022
    energy_kwh: float = 0.004

    def scaled(self, share: float) -> Prices:
        """Return the prices for levels that are a share of a slot."""
        return replace(
            self, start=self.start * share, stop=self.stop * share, preempt=self.preempt * share
        )


@dataclass(frozen=True, kw_only=True)
class Grid:
    """When a plan looks at the room, in steps from now, and when the level may change.

    All grids end after the same time, `PLAN_S`.
    """

    step_s: float
    looks: tuple[int, ...]
    blocks: tuple[int, ...]
    """The looks after which the level may change, from none to all."""

    @cached_property
    def whole(self) -> int:
        """How many blocks are planned in whole slots where jobs pause."""
        return sum(self.looks[end - 1] * self.step_s <= WHOLE_S for end in self.blocks[1:])

    @cached_property
    def spans_h(self) -> list[float]:
        """Hours from each look back to the one before, or to now."""
        return [(to - at) * self.step_s / 3600 for at, to in pairwise((0, *self.looks))]


COARSE: Final = Grid(step_s=600.0, looks=tuple(range(1, 19)), blocks=(0, 1, 2, 4, 6, 9, 13, 18))
FINE: Final = Grid(
    step_s=300.0,
    looks=(1, 2, 3, *range(4, 37, 2)),
    blocks=(0, 1, 2, 3, 4, 6, 8, 11, 15, 20),
)
"""Five minutes, and then every ten: large slots warm the air of a small room by more than a kelvin
in ten minutes."""
PLAN_S: Final = COARSE.step_s * COARSE.looks[-1]


type Block = tuple[int, int, Sequence[float]]
"""The look after which it begins, its looks, and how a watt more warms from there on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What to plan: `errors_k` if the level stays, how a watt more warms, and the levels' watts."""

    grid: Grid
    errors_k: Sequence[float]
    """At each look."""
    weights: Sequence[float]
    waste: Sequence[float]
    """Factor on the price of energy up to each look."""
    kelvin_per_w: Sequence[float]
    """After each step."""
    levels_w: Sequence[float]
    level: int
    free_stops: int | None
    """Jobs that end now, so that going down by so many loses nothing (None: nobody knows)."""
    pausable: bool


def best_level(problem: Problem, prices: Prices) -> int:
    """Return the level to run now.

    Where jobs pause, only the next minutes are planned in whole slots. After them any watts may be
    had, as pauses will give in the mean: levels that stay for long would have a plan with large
    slots put up with a room that is too cold, because all it could do later was worse.
    """
    blocks = [
        (begin, end - begin, _warms(problem, begin)) for begin, end in pairwise(problem.grid.blocks)
    ]
    whole = problem.grid.whole if problem.pausable else len(blocks)
    beams = [(0.0, problem.level, list(problem.errors_k), problem.level)]
    for block, (begin, looks, warms) in enumerate(blocks[:whole]):
        grown = []
        for cost, level, errors, first in beams:
            for to in _options(problem, level, errors[: looks + 3], warms, begin):
                power_w = problem.levels_w[to]
                extra_w = power_w - problem.levels_w[level]
                errors_k = [errors[k] + extra_w * warms[k] for k in range(looks)]
                price = cost + _change(problem, prices, block, level, to)
                price += _felt(problem, prices, begin, errors_k, power_w)
                grown.append((price, to, errors, extra_w, to if block == 0 else first))
        grown.sort(key=lambda beam: beam[0])
        beams = [
            (price, to, [errors[k] + extra_w * warms[k] for k in range(looks, len(errors))], first)
            for price, to, errors, extra_w, first in grown[:BEAM]
        ]
    ends = [
        (price + _later(problem, prices, blocks[whole:], problem.levels_w[level], errors), first)
        for price, level, errors, first in beams
    ]
    return min(ends)[1]


def _later(
    problem: Problem,
    prices: Prices,
    blocks: Sequence[Block],
    power_w: float,
    errors: Sequence[float],
) -> float:
    """Return the price of some blocks with the best watts instead of levels."""
    least_w, most_w = problem.levels_w[0], problem.levels_w[-1]
    slot_w = most_w - problem.levels_w[-2]
    price = 0.0
    for begin, looks, warms in blocks:
        wanted_w = _wanted_w(problem, power_w, errors[: looks + 3], warms, begin)
        extra_w = min(max(wanted_w, least_w), most_w) - power_w
        power_w += extra_w
        errors = [error_k + extra_w * kelvin for error_k, kelvin in zip(errors, warms, strict=True)]
        price += (prices.start if extra_w > 0 else prices.stop) * abs(extra_w) / slot_w
        price += _felt(problem, prices, begin, errors[:looks], power_w)
        errors = errors[looks:]
    return price


def _warms(problem: Problem, begin: int) -> list[float]:
    """Return how a watt more after the look `begin` warms the room at each look behind it."""
    looks = problem.grid.looks
    begun = looks[begin - 1] if begin else 0
    return [problem.kelvin_per_w[at - begun - 1] for at in looks[begin:]]


def _felt(
    problem: Problem, prices: Prices, begin: int, errors: Sequence[float], power_w: float
) -> float:
    """Return the price of comfort and energy at the looks behind `begin`."""
    energy = prices.energy_kwh * power_w / 1000
    spans_h, price = problem.grid.spans_h, 0.0
    for look, error_k in enumerate(errors, begin):
        over_k = max(0.0, abs(error_k) - FELT_K)
        felt = error_k * error_k + FELT * over_k * over_k
        price += (problem.weights[look] * felt + energy * problem.waste[look]) * spans_h[look]
    return price


def _wanted_w(
    problem: Problem, power_w: float, errors: Sequence[float], warms: Sequence[float], begin: int
) -> float:
    """Return the best lasting watts for the errors to come, which need not be possible."""
    pull = push = 0.0
    for weight, error_k, kelvin in zip(problem.weights[begin:], errors, warms, strict=False):
        pull += weight * error_k * kelvin
        push += weight * kelvin * kelvin
    return power_w - (pull / push if push > 0 else 1e9)


def _options(
    problem: Problem, level: int, errors: Sequence[float], warms: Sequence[float], begin: int
) -> set[int]:
    """Return the levels worth trying: to stay, none, and those around the best watts."""
    top = len(problem.levels_w) - 1
    wanted_w = _wanted_w(problem, problem.levels_w[level], errors, warms, begin)
    near = max(0, bisect_right(problem.levels_w, wanted_w) - 1)
    return {min(max(to, 0), top) for to in (level, 0, near - 1, near, near + 1, near + 2)}


def _change(problem: Problem, prices: Prices, block: int, level: int, to: int) -> float:
    """Return the price of going from one level to another."""
    if to >= level:
        return prices.start * (to - level)
    stops = level - to
    if problem.free_stops is None:
        return prices.stop * stops
    # Later on a job that ends is waited for: a price on it would have the first that ends stopped.
    return prices.preempt * max(0, stops - problem.free_stops) if block == 0 else 0.0


def nearest_level(levels_w: Sequence[float], power_w: float) -> int:
    """Return the level nearest to so many watts: the next above would start a job for minutes."""
    return min(range(len(levels_w)), key=lambda level: abs(levels_w[level] - power_w))


def lowered_to(planned: int, level: int, jobs_left_s: Sequence[float] | None) -> int:
    """Return the level to go down to now, where jobs that end soon make all further stops free."""
    free = sum(left_s <= 0 for left_s in jobs_left_s or ())
    soon = sum(0 < left_s <= SOON_S for left_s in jobs_left_s or ())
    lost = level - planned - free
    return level - free if 0 < lost <= soon else planned
