"""Being warm when a setpoint rises: the latest start, with a margin learned from past rises."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from .foresight import Now, Stride
from .model import AIR
from .outlook import Points
from .plan import PLAN_EVERY_S, PLAN_S, nearest_level

FULL: Final = 0.99
GENTLY: Final = 0.6
"""Share of full power that a way to a setpoint takes where it is no longer than a plan."""
ARRIVED_K: Final = 0.05
EARLY_K: Final = 0.25
MOST_MARGIN_K: Final = 1.0
MOST_CHANGE_K: Final = 0.2
"""What a single morning changes at most."""
LEAST_STRENGTH: Final = 0.1
GIVEN: Final = 0.7
"""Where less than this share of the heat asked for came, lateness says nothing about the start."""


@dataclass(slots=True)
class Rise:
    """The next rise of the setpoint, and how far the way to it has come."""

    at_s: float
    to_c: float
    waited: bool = False
    begun: bool = False
    arrived: bool = False
    asked_j: float = 0.0
    given_j: float = 0.0


def stairs_up(setpoint_c: float, changes: Points) -> Points:
    """Return the next rise of a setpoint, and those that lead on up from there without a fall."""
    stairs: Points = []
    before_c = highest_c = setpoint_c
    for at_s, to_c in changes:
        if stairs and to_c < before_c:
            break
        if to_c > highest_c:
            stairs.append((at_s, to_c))
            highest_c = to_c
        before_c = to_c
    return stairs


class Rises:
    """The rises of a setpoint, one after the other."""

    def __init__(self, levels_w: list[float]) -> None:
        self.margin_k = EARLY_K
        """How much above a setpoint to come to aim, in K."""
        self.strength = 1.0
        """What comes of the heat that is asked for, as far as a meter has shown."""
        self.ahead: list[Rise] = []
        """The next rise, and those that lead on up from there."""
        self.next_start_s: float | None = None
        """When heating for a setpoint to come will begin, as far as can be foreseen."""
        self._levels_w = levels_w

    @property
    def coming(self) -> Rise | None:
        """The rise that is heated for; while there is none, the next."""
        return next(
            (rise for rise in reversed(self.ahead) if rise.begun), next(iter(self.ahead), None)
        )

    def forget(self) -> None:
        """Begin anew."""
        self.ahead, self.next_start_s = [], None

    def heated(self, asked_j: float, given_j: float) -> None:
        """Take note of heat that was asked for and of heat that came."""
        for rise in self.ahead:
            if rise.begun:
                rise.asked_j += asked_j * self.strength
                rise.given_j += given_j

    def on_the_way(
        self, now: Now, stride: Stride, setpoint_c: float, changes: Points, *, aired: bool
    ) -> int:
        """Return the level that the next rise of the setpoint needs now: the latest start."""
        air_c = now.state[0][AIR]
        known = {(rise.at_s, rise.to_c): rise for rise in self.ahead}
        stairs = stairs_up(setpoint_c, changes)
        self.ahead = [known.pop(stair, Rise(*stair)) for stair in stairs]
        # What an open window has taken says nothing about the start.
        for rise in () if aired else known.values():
            self._learn_from(rise, air_c, now.time_s)
        for rise in self.ahead:
            rise.arrived |= rise.begun and air_c >= rise.to_c - ARRIVED_K
        ways = [
            (rise, steps)
            for rise in self.ahead
            if 2 <= (steps := int((rise.at_s - now.time_s) // stride.step_s)) <= len(stride.warms)
        ]
        cold_c = now.air_c(stride, 0.0, max((steps for _, steps in ways), default=0))
        return max((self._level(*way, stride, cold_c) for way in ways), default=0)

    def _level(self, rise: Rise, steps: int, stride: Stride, cold_c: Sequence[float]) -> int:
        """Return the level that one rise needs, so many steps ahead in a room that cools so."""
        full_w = self._levels_w[-1] * self.strength
        needed_w = (rise.to_c + self.margin_k - cold_c[steps - 1]) / stride.warms[steps - 1]
        is_near = steps * stride.step_s <= PLAN_S
        # What was begun for a wrong reading holds no room warm all night.
        rise.begun &= is_near or not rise.arrived
        rise.begun |= needed_w >= (GENTLY if is_near else FULL) * full_w
        rise.arrived &= rise.begun
        rise.waited |= not rise.begun
        heats = rise.begun and not rise.arrived
        return nearest_level(self._levels_w, needed_w / self.strength) if heats else 0

    def foresee_start(self, now: Now, stride: Stride, setpoint_c: float, changes: Points) -> None:
        """Look when to begin heating for the next rise of the setpoint not yet begun."""
        begun_s = self.coming.at_s if self.coming and self.coming.begun else now.time_s
        points = [(now.time_s, setpoint_c), *changes]
        rising = (
            index
            for index, ((_, from_c), (at_s, to_c)) in enumerate(pairwise(points))
            if to_c > from_c and at_s > begun_s
        )
        if (first := next(rising, None)) is None:
            self.next_start_s = None
            return
        stairs = stairs_up(points[first][1], changes[first:])
        starts_s = [self._start_s(now, stride, points[first], stair) for stair in stairs]
        self.next_start_s = max(now.time_s, min(starts_s))

    def _start_s(
        self,
        now: Now,
        stride: Stride,
        cooling: tuple[float, float],
        rise: tuple[float, float],
    ) -> float:
        """Return when to begin for a rise, cooling down to a setpoint from a moment on."""
        (cooling_s, from_c), (at_s, to_c) = cooling, rise
        steps = min(max(int((at_s - cooling_s) // stride.step_s), 1), len(stride.warms))
        # The room is taken to be as it is now until the setpoint falls, and then to cool.
        then = replace(now, time_s=at_s - steps * stride.step_s)
        cold_c = then.air_c(stride, 0.0, steps)[-1]
        holding_w = max(0.0, from_c - cold_c) / stride.warms[steps - 1]
        spare_w = self._levels_w[-1] * self.strength - holding_w
        missing_k = to_c + self.margin_k - max(cold_c, from_c)
        lead = next((k for k in range(steps) if spare_w * stride.warms[k] >= missing_k), steps)
        return at_s - (lead + 1) * stride.step_s

    def _learn_from(self, rise: Rise, air_c: float, time_s: float) -> None:
        """Learn from how the room was when a setpoint rose: too cold, or warm too early."""
        # Where there was no time to wait, lateness says nothing about the start.
        if not 0 <= time_s - rise.at_s <= 2 * PLAN_EVERY_S or not (rise.begun and rise.waited):
            return
        if rise.given_j < GIVEN * rise.asked_j:
            return
        late_k = rise.to_c - air_c
        change_k = min(late_k, MOST_CHANGE_K) if late_k > ARRIVED_K else -0.01
        self.margin_k = min(max(self.margin_k + change_k, EARLY_K), MOST_MARGIN_K)
