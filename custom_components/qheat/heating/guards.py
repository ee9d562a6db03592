"""The guards: simple rules that stand apart from the thermostat and have the last word.

They decide from the reading alone, remember as little as they can, and know nothing of comfort.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from .demand import FROST_LIMIT_C, TIME_S, HeatDemand, RadiatorRating, Reason, Target

LARGEST: Final = sys.float_info.max
FROST_CLEAR_C: Final = FROST_LIMIT_C + 1.0
FLOOR_CLEAR_K: Final = 0.3
"""So far above the comfort floor heat without a job ends."""
TOO_WARM_C: Final = 32.0
TOO_WARM_CLEAR_C: Final = 31.0
POSSIBLE_C: Final = (-40.0, 60.0)
SILENT_AFTER_S: Final = 1800.0
"""How long a sensor may show nothing that can be believed."""
OLDEST_S: Final = 3 * 3600.0
"""How old a reading may be: many sensors send nothing while nothing changes, for two hours."""
CLOCK_S: Final = 1.0
"""What two clocks may differ by."""
ANSWERED_AFTER_S: Final = 3600.0
"""How long more heat than a room loses may go without a new reading."""
JUMP_C: Final = 3.0
JUMP_C_PER_S: Final = 1.0 / 60.0
JUMP_BELIEVED_S: Final = 600.0
LONGEST_STEP_S: Final = 900.0
"""What happened in a longer time nobody knows: a clock that jumps is no evidence."""
STUCK_AFTER_S: Final = 6 * 3600.0
STUCK_SHARE: Final = 0.9
"""A reading is stuck if this share of the rated power for `STUCK_AFTER_S` never moved it.

It is a mean, and whatever came before those hours does not count.
"""
FULL: Final = 0.99
SETTLE_S: Final = 300.0
JUDGED_AFTER_S: Final = 3600.0
WEAKER: Final = 0.75
STRONGER: Final = 1.25
"""Shares of the rated power, as a mean over an hour of full demand, that still pass for it."""


def believable(value: object, low: float = -LARGEST, high: float = LARGEST) -> float | None:
    """Return a finite number within bounds, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None


class Clock:
    """Turns a clock that may repeat, run backwards or jump into steps that never do."""

    def __init__(self) -> None:
        self._last_s: float | None = None

    def elapsed_s(self, time_s: float) -> float:
        """Return the seconds since the last call: never negative, zero for an unusable time."""
        now = believable(time_s, *TIME_S)
        if now is None:
            return 0.0
        last, self._last_s = self._last_s, now
        return max(0.0, now - last) if last is not None else 0.0


class SensorWatch:
    """Believes or disbelieves the temperature sensor."""

    def __init__(self, rated_w: float) -> None:
        self._much_w = STUCK_SHARE * rated_w
        self._accepted_c: float | None = None
        self._doubted_c: float | None = None
        self._silent_s = self._age_s = 0.0
        self._doubted_s = 0.0
        self._unmoved_s = 0.0
        self._surplus_j = 0.0

    def accept(
        self, value: object, elapsed_s: float, heat_w: float, age_s: float = 0.0
    ) -> float | None:
        """Return the temperature if it is believable, None otherwise.

        It is `age_s` old; one from the future is not believed.
        """
        self._silent_s += elapsed_s
        self._age_s += elapsed_s
        if not self.is_stuck:
            lasted_s = min(elapsed_s, LONGEST_STEP_S)
            self._surplus_j += (heat_w - self._much_w) * lasted_s
            self._unmoved_s = self._unmoved_s + lasted_s if self._surplus_j >= 0 else 0.0
            self._surplus_j = max(self._surplus_j, 0.0)
        temperature_c = believable(value, *POSSIBLE_C)
        known_age_s = believable(age_s, low=-CLOCK_S)
        if temperature_c is None or known_age_s is None or self._is_jump(temperature_c, elapsed_s):
            return None
        if temperature_c != self._accepted_c:
            self._unmoved_s = self._surplus_j = 0.0
        self._accepted_c = temperature_c
        self._silent_s, self._age_s = 0.0, known_age_s
        return temperature_c

    def _is_jump(self, temperature_c: float, elapsed_s: float) -> bool:
        """Doubt a sudden change until the new value has stood for a while."""
        allowed_c = JUMP_C + JUMP_C_PER_S * self._silent_s
        if self._accepted_c is None or abs(temperature_c - self._accepted_c) <= allowed_c:
            self._doubted_c = None
            return False
        if self._doubted_c is None or abs(temperature_c - self._doubted_c) > JUMP_C:
            self._doubted_c = temperature_c
            self._doubted_s = 0.0
            return True
        self._doubted_s += elapsed_s
        return self._doubted_s < JUMP_BELIEVED_S

    @property
    def known_c(self) -> float | None:
        """The last believed temperature while it still counts, else None."""
        counts = self._silent_s <= SILENT_AFTER_S and self._age_s <= OLDEST_S
        return self._accepted_c if counts else None

    @property
    def is_stuck(self) -> bool:
        """Whether much heat has not moved the reading at all, until it changes."""
        return self._unmoved_s >= STUCK_AFTER_S


class AnswerWatch:
    """Holds heat to what the room loses, when more has long brought no new reading."""

    def __init__(self) -> None:
        self._unanswered_s = 0.0
        self._most_w = math.inf

    def answered(self) -> None:
        """Take note of a new reading."""
        self._unanswered_s, self._most_w = 0.0, math.inf

    def bound(
        self,
        demand: HeatDemand,
        elapsed_s: float,
        given_w: float,
        lost_w: float,
        levels_w: Sequence[float],
    ) -> HeatDemand:
        """Return a demand, or the highest level that the room loses, until a sensor answers."""
        # Idle power alone, in a room where no heat is wanted, is none.
        if given_w > lost_w and demand.power_w > 0:
            self._unanswered_s += elapsed_s
        if self._unanswered_s > ANSWERED_AFTER_S and math.isinf(self._most_w):
            # Once, for what is lost changes with the weather, and each change costs jobs.
            self._most_w = max(level_w for level_w in levels_w if level_w <= lost_w)
        if demand.power_w <= self._most_w:
            return demand
        return replace(
            demand,
            power_w=self._most_w,
            reason=demand.reason if self._most_w else Reason.SENSOR_SILENT,
            outlook=tuple((at_s, min(power_w, self._most_w)) for at_s, power_w in demand.outlook),
        )


class RatingDoubt(StrEnum):
    """How a radiator's heat output differs from what its rating says."""

    WEAKER = "weaker_than_rated"
    STRONGER = "stronger_than_rated"


class RatingWatch:
    """Compares measured heat output with the rating while all of it is asked for."""

    def __init__(self, rated_w: float, saved_w: object = None) -> None:
        self._rated_w = rated_w
        self._full_s = self._judged_s = self._judged_j = self._lately_w = 0.0
        self.doubt: RatingDoubt | None = None
        # In watts, for the rating may have been corrected meanwhile.
        self._known_w = believable(saved_w, 0.0, rated_w)
        """What was known before a restart; it counts once anything is measured again."""
        self.share = 1.0
        """What a radiator that is weaker than rated gives of its rating."""

    def save(self) -> float | None:
        """Return the most that a weak radiator gives, in watts; None for one that is not."""
        weak_w = round(self.share * self._rated_w, 1) if self.share < 1 else None
        return weak_w if self._known_w is None else self._known_w

    def see(
        self, elapsed_s: float, asked_w: float, measured_w: float | None, *, metered: bool
    ) -> None:
        """Take the mean watts of a step in which `asked_w` were wanted; None is no evidence.

        Only what is `metered` makes doubt of the rating.
        """
        if measured_w is not None and self._known_w is not None:
            self.share, self._known_w = self._known_w / self._rated_w, None
        # Who begins early may never ask for all again: what came for minutes can come.
        self._lately_w -= ((measured_w or 0.0) - self._lately_w) * math.expm1(-elapsed_s / SETTLE_S)
        self.share = min(max(self.share, self._lately_w / self._rated_w), 1.0)
        if measured_w is None or asked_w < FULL * self._rated_w:
            self._full_s = 0.0
            return
        self._full_s += elapsed_s
        # Jobs begin and meters report with a delay.
        if self._full_s <= SETTLE_S:
            return
        self._judged_s += elapsed_s
        self._judged_j += measured_w * elapsed_s
        if self._judged_s < JUDGED_AFTER_S:
            return
        share = self._judged_j / self._judged_s / self._rated_w
        self._judged_s = self._judged_j = 0.0
        self.share = share if share < WEAKER else 1.0
        if metered:
            stronger = RatingDoubt.STRONGER if share > STRONGER else None
            self.doubt = RatingDoubt.WEAKER if share < WEAKER else stronger


@dataclass(slots=True)
class Guards:
    """Frost, over-temperature and sensor rules for one room, with their hysteresis."""

    rating: RadiatorRating
    frost: bool = False
    too_warm: bool = False
    below_floor: bool = False

    def overrule(self, watch: SensorWatch, target: Target, wanted: HeatDemand) -> HeatDemand:
        """Return the demand that is safe: the thermostat's own, or the guard's instead."""
        room_c = watch.known_c
        if room_c is None:
            return HeatDemand(power_w=0.0, reason=Reason.SENSOR_SILENT)
        if watch.is_stuck:
            return HeatDemand(power_w=0.0, reason=Reason.SENSOR_STUCK)
        self.too_warm = room_c > (TOO_WARM_CLEAR_C if self.too_warm else TOO_WARM_C)
        if self.too_warm:
            return HeatDemand(power_w=0.0, reason=Reason.TOO_WARM)
        self.frost = room_c < (FROST_CLEAR_C if self.frost else FROST_LIMIT_C)
        if self.frost:
            return HeatDemand(power_w=self.rating.rated_w, reason=Reason.FROST, own_heat=True)
        return self._bounded(room_c, target, wanted)

    def _bounded(self, room_c: float, target: Target, wanted: HeatDemand) -> HeatDemand:
        """Keep the thermostat's demand within the rating; below the floor heat needs no job."""
        power_w = min(believable(wanted.power_w, 0.0) or 0.0, self.rating.rated_w)
        floor_c = target.comfort_floor_c
        self.below_floor = room_c < (floor_c + FLOOR_CLEAR_K if self.below_floor else floor_c)
        own_heat = self.below_floor and power_w > 0 and wanted.reason is not Reason.DRAINING
        return replace(wanted, power_w=power_w, own_heat=own_heat)
