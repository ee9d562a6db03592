"""The thermostat proper: what is known of the room, turned into watts for now.

Every minute the estimate moves on; every few minutes the hours to come are planned anew.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from .demand import HeatDemand, RadiatorRating, Reason
from .estimate import Estimate
from .learn import RECORDS, Record
from .model import AIR, UNKNOWN, RoomModel, Transition, Vector, lagged
from .outlook import interpolate, setpoints
from .plan import NODES, STEP_S, Prices, Problem, best_level

TICK_S: Final = 60.0
PLAN_EVERY_S: Final = 300.0
HOLD_S: Final = 600.0
LOOK_AHEAD: Final = 72
"""Steps to look ahead for a rise of the setpoint: twelve hours."""
HALF_HOURS: Final = 48
WASTE: Final = 1000.0


class Comfort:
    """Plans the heat of one room."""

    def __init__(self, rating: RadiatorRating, model: RoomModel, prices: Prices) -> None:
        self.rating = rating
        self.prices = prices
        self.levels_w = [0.0] + [
            rating.idle_w + rating.slot_w * slots for slots in range(1, rating.slots + 1)
        ]
        self.estimate: Estimate | None = None
        self.habits_w = [80.0] * HALF_HOURS
        self.level = 0
        self.emitted_w = 0.0
        self.outdoor_c = 5.0
        self.forecast: Sequence[tuple[float, float, float]] = ()
        self._planned_s = -math.inf
        self._raised_s = -math.inf
        self._setpoint_c = math.nan
        self._preheating = False
        self._early = False
        self._left_s = 0.0
        self._room_c: float | None = None
        self._heat_j = 0.0
        self._ticks = 0
        self.fresh_records = 0
        self.records: deque[Record] = deque(maxlen=RECORDS)
        self.use(model)

    def use(self, model: RoomModel) -> None:
        """Go on with other parameters."""
        self.model = model
        self._tick = model.transition(TICK_S)
        self._step = model.transition(STEP_S)
        self._warms = step_response(self._step, LOOK_AHEAD)

    def observe(
        self, time_s: float, elapsed_s: float, room_c: float | None, heat_w: float
    ) -> None:
        """Move the estimate on to `time_s`, and correct it by a new measurement if there is one."""
        if self.estimate is None:
            if room_c is not None:
                self.estimate = Estimate(room_c)
            return
        self._left_s += elapsed_s
        while self._left_s >= TICK_S:
            self._left_s -= TICK_S
            at_s = time_s - self._left_s
            self.emitted_w, mean_w = lagged(self.emitted_w, heat_w, TICK_S)
            self.estimate.predict(self._tick, [mean_w, self.outdoor_c, *self._around(at_s)[1:]])
            self._learn_habit(at_s)
            self._record(at_s, mean_w)
        if room_c is not None:
            self._room_c = room_c
            self.estimate.correct(room_c)

    def _record(self, time_s: float, mean_w: float) -> None:
        """Keep what a later fit needs, one record every ten minutes."""
        self._heat_j += mean_w * TICK_S
        self._ticks += 1
        if self._ticks * TICK_S < STEP_S:
            return
        outdoor_c, sun_w_m2, habit_w = self._around(time_s)
        room_c, self._room_c = self._room_c, None
        self.records.append(
            Record(
                room_c=room_c,
                inputs=(self._heat_j / STEP_S, outdoor_c, sun_w_m2, habit_w),
            )
        )
        self.fresh_records += 1
        self._heat_j, self._ticks = 0.0, 0

    def _learn_habit(self, time_s: float) -> None:
        assert self.estimate is not None
        index = _half_hour(time_s)
        share = 0.15 / 30
        habit = self.habits_w[index] + share * self.estimate.x[UNKNOWN]
        self.habits_w[index] = min(max(habit, -300.0), 1000.0)

    def _around(self, time_s: float) -> Vector:
        """Return outdoor °C, sun W/m² and habitual gains W at a time."""
        outdoor_c, sun_w_m2 = self.outdoor_c, 0.0
        if self.forecast:
            outdoor_c = interpolate([(at, c) for at, c, _ in self.forecast], time_s)
            sun_w_m2 = interpolate([(at, sun) for at, _, sun in self.forecast], time_s)
        return [outdoor_c, sun_w_m2, self.habits_w[_half_hour(time_s)]]

    def demand(
        self,
        time_s: float,
        setpoint_c: float,
        changes: Sequence[tuple[float, float]],
        jobs_left_s: tuple[float, ...] | None,
    ) -> HeatDemand:
        """Return the heat to ask for now."""
        free_stops = None if jobs_left_s is None else sum(left <= 0 for left in jobs_left_s)
        due = time_s - self._planned_s >= PLAN_EVERY_S or time_s < self._planned_s
        if self.estimate and (due or free_stops or setpoint_c != self._setpoint_c):
            self._planned_s, self._setpoint_c = time_s, setpoint_c
            level = self._plan(time_s, setpoint_c, changes, free_stops)
            if level > self.level:
                self._raised_s = time_s
            if level >= self.level or not 0 <= time_s - self._raised_s < HOLD_S:
                self.level = level
        if self.level == 0:
            return HeatDemand(power_w=0.0, reason=Reason.IDLE)
        reason = Reason.PREHEATING if self._preheating else Reason.HEATING
        return HeatDemand(power_w=self.levels_w[self.level], reason=reason)

    def _plan(
        self,
        time_s: float,
        setpoint_c: float,
        changes: Sequence[tuple[float, float]],
        free_stops: int | None,
    ) -> int:
        times_s = [time_s + STEP_S * (k + 1) for k in range(NODES)]
        wanted_c = setpoints(setpoint_c, changes, times_s)
        air_c = self._foresee(time_s, self.levels_w[self.level], NODES)
        rise = next((at for at, to_c in changes if to_c > setpoint_c and at > time_s), None)
        highest_c = max([setpoint_c, *(to_c for at, to_c in changes if at > time_s)])
        errors, weights, waste = [], [], []
        for k, (room_c, want_c) in enumerate(zip(air_c, wanted_c, strict=True)):
            cold_c = room_c - self.levels_w[self.level] * self._warms[k]
            resting = want_c < highest_c - 0.3 and cold_c > want_c
            rising = rise is not None and times_s[k] <= rise
            errors.append(room_c - want_c)
            weights.append(0.0 if resting else 1.0)
            waste.append(WASTE if resting and not rising else 1.0)
        problem = Problem(
            errors_k=errors,
            weights=weights,
            waste=waste,
            kelvin_per_w=self._warms,
            levels_w=self.levels_w,
            level=self.level,
            free_stops=free_stops,
        )
        level = best_level(problem, self.prices)
        early = self._preheat(time_s, setpoint_c, changes)
        self._early = early > 0
        self._preheating = weights[0] == 0.0
        return max(level, early)

    def _foresee(self, time_s: float, power_w: float, steps: int) -> list[float]:
        """Return the air temperature after each step if the power stays."""
        assert self.estimate is not None
        x, emitted_w, result = self.estimate.x, self.emitted_w, []
        for k in range(steps):
            emitted_w, mean_w = lagged(emitted_w, power_w, STEP_S)
            x = self._step.advance(x, [mean_w, *self._around(time_s + STEP_S * (k + 0.5))])
            result.append(x[AIR])
        return result

    def _preheat(
        self, time_s: float, setpoint_c: float, changes: Sequence[tuple[float, float]]
    ) -> int:
        """Return the level that full power in time for the next rise needs now, or 0."""
        for at_s, to_c in changes:
            steps = int((at_s - time_s) // STEP_S)
            if to_c <= setpoint_c or steps < 3:
                continue
            if steps > LOOK_AHEAD:
                return 0
            missing_k = to_c + 0.1 - self._foresee(time_s, 0.0, steps)[-1]
            needed_w = missing_k / self._warms[steps - 1]
            if needed_w >= 0.9 * self.rating.rated_w or (self._early and needed_w > 0):
                return sum(level_w < needed_w for level_w in self.levels_w[:-1])
            return 0
        return 0


def step_response(step: Transition, steps: int) -> list[float]:
    """Return how many kelvin a lasting watt has warmed the air after each step."""
    x, emitted_w, result = [0.0] * 5, 0.0, []
    for _ in range(steps):
        emitted_w, mean_w = lagged(emitted_w, 1.0, step.step_s)
        x = step.advance(x, [mean_w, 0.0, 0.0, 0.0])
        result.append(x[AIR])
    return result


def _half_hour(time_s: float) -> int:
    return int(time_s % 86400.0 // 1800.0)


def usual_model(rating: RadiatorRating) -> RoomModel:
    """Return the room that a radiator of this rating is usually put into."""
    size = math.sqrt(rating.rated_w / 500.0)
    return RoomModel(
        fast_j_k=0.5e6 * size,
        slow_j_k=5e6 * size,
        air_fast_w_k=220 * size,
        fast_slow_w_k=250 * size,
        loss_w_k=20 * size,
        sun_m2=0.5 * size,
        air_j_k=81e3 * size,
    )


