"""Being warm when a setpoint rises: the latest start, with a margin learned from past rises."""

from dataclasses import dataclass
from typing import Final

from .foresight import Now, Stride
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


class Rises:
    """The rises of a setpoint, one after the other."""

    def __init__(self, levels_w: list[float]) -> None:
        self.margin_k = EARLY_K
        """How much above a setpoint to come to aim, in K."""
        self.coming: Rise | None = None
        self.next_start_s: float | None = None
        """When heating for a setpoint to come will begin, as far as can be foreseen."""
        self._levels_w = levels_w

    def forget(self) -> None:
        """Begin anew."""
        self.coming = self.next_start_s = None

    def heated(self, asked_j: float, given_j: float) -> None:
        """Take note of heat that was asked for and of heat that came."""
        if self.coming and self.coming.begun:
            self.coming.asked_j += asked_j
            self.coming.given_j += given_j

    def on_the_way(
        self,
        now: Now,
        stride: Stride,
        air_c: float,
        setpoint_c: float,
        changes: Points,
        *,
        aired: bool,
    ) -> int:
        """Return the level that the next rise of the setpoint needs now: the latest start."""
        to_come = next((change for change in changes if change[1] > setpoint_c), None)
        if self.coming and to_come != (self.coming.at_s, self.coming.to_c):
            # What an open window has taken says nothing about the start.
            if not aired:
                self._learn_from(self.coming, air_c, now.time_s)
            self.coming = None
        if to_come is None:
            return 0
        rise = self.coming = self.coming or Rise(*to_come)
        rise.arrived |= rise.begun and air_c >= rise.to_c - ARRIVED_K
        steps = int((rise.at_s - now.time_s) // stride.step_s)
        if rise.arrived or not 2 <= steps <= len(stride.warms):
            return 0
        missing_k = rise.to_c + self.margin_k - now.air_c(stride, 0.0, steps)[-1]
        needed_w = missing_k / stride.warms[steps - 1]
        share = GENTLY if steps * stride.step_s <= PLAN_S else FULL
        rise.begun |= needed_w >= share * self._levels_w[-1]
        rise.waited |= not rise.begun
        return nearest_level(self._levels_w, needed_w) if rise.begun else 0

    def foresee_start(self, now: Now, stride: Stride, setpoint_c: float, changes: Points) -> None:
        """Look when to begin heating for the next rise of the setpoint not yet begun."""
        begun_s = self.coming.at_s if self.coming and self.coming.begun else now.time_s
        cooling_s, from_c = now.time_s, setpoint_c
        for at_s, to_c in changes:
            if to_c > from_c and at_s > begun_s:
                break
            cooling_s, from_c = at_s, to_c
        else:
            self.next_start_s = None
            return
        steps = min(max(int((at_s - cooling_s) // stride.step_s), 1), len(stride.warms))
        # The room is taken to be as it is now until the setpoint falls, and then to cool.
        then = now.at(at_s - steps * stride.step_s)
        cold_c = then.air_c(stride, 0.0, steps)[-1]
        spare_w = self._levels_w[-1] - max(0.0, from_c - cold_c) / stride.warms[steps - 1]
        missing_k = to_c + self.margin_k - max(cold_c, from_c)
        lead = next((k for k in range(steps) if spare_w * stride.warms[k] >= missing_k), steps)
        self.next_start_s = max(now.time_s, at_s - (lead + 1) * stride.step_s)

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
