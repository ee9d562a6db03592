"""The thermostat proper: what is known of the room, turned into watts for now.

Every minute the estimate moves on; every few minutes the hours to come are planned anew.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Final

from .airing import Airing
from .demand import TIME_S, HeatDemand, RadiatorRating, Reason
from .estimate import Estimate
from .foresight import BLOCK, Now, Stride, holding_w, outlook_of
from .given import Given
from .guards import LONGEST_STEP_S, believable
from .habits import Habits
from .history import History
from .model import CLEARER, OUTDOOR, SENSOR, SUN, UNKNOWN, RoomModel, lagged
from .outlook import Points, Weather, setpoints
from .plan import COARSE, FINE, PLAN_EVERY_S, SOON_S, Prices, Problem, best_level, lowered_to
from .resolution import Resolution
from .rise import EARLY_K, MOST_MARGIN_K, Rises

TICK_S: Final = 60.0
HOLD_S: Final = 600.0
OFTEN_S: Final = 200.0
"""Readings so far apart at most tell enough to plan the next five minutes by themselves."""
STEP_S: Final = COARSE.step_s
LOOK_AHEAD: Final = 72
"""Steps to look ahead for a rise of the setpoint, and for heat wanted again: twelve hours."""
WASTE: Final = 300.0
"""How much dearer heat is while the room may cool."""
FINE_LEVELS: Final = 24
PAUSE_PRICE: Final = 0.1
"""What to start and to pause a job costs, as a share of what it costs where jobs are lost."""
ABOVE_K: Final = 0.04
"""How much above a setpoint to aim, but where jobs are let run out: they do as much."""
COLD_C: Final = -10.0
"""What it may be outside where nobody knows: heat is held back beyond what that takes only."""
EARLIER_K: Final = 0.1
"""How much above a setpoint to come to hold a room that is warm early, until it comes."""
FARTHEST: Final = 40.0
"""A saved parameter may be this many times the usual one, or as small a part of it."""
SAME_ROOM_K: Final = 1.0
"""What was estimated before a restart counts if the first reading is no further from it."""


class Comfort:
    """Plans the heat of one room."""

    def __init__(self, rating: RadiatorRating, saved: Mapping[str, object]) -> None:
        self.usual = RoomModel.usual(rating.rated_w)
        self.history = History(saved)
        self.habits = Habits(self.usual.loss_w_k, saved)
        self.weather = Weather()
        self.weather.restore(saved.get("outdoor"))
        self.resolution = Resolution()
        self._rated_w = rating.rated_w
        self._pausable = rating.pausable
        self.given = Given(rating.idle_w)
        self._airing = Airing()
        levels = rating.slots
        if rating.divisible:
            levels *= math.ceil(FINE_LEVELS / rating.slots)
        price = PAUSE_PRICE if rating.pausable else 1.0
        self._prices = Prices().scaled(price * rating.slots / levels)
        level_w = (rating.rated_w - rating.idle_w) / levels
        self.levels_w = [0.0, *(rating.idle_w + level_w * (i + 1) for i in range(levels))]
        self._estimate: Estimate | None = None
        self._kept = saved.get("estimate")
        """What was estimated before a restart; it may hold at the first reading."""
        self._level = 0
        self._emitted_w = 0.0
        self._left_s = 0.0
        self._planned_s = self._raised_s = self._enough_s = -math.inf
        self._setpoint_c = math.nan
        self.rises = Rises(self.levels_w)
        self.rises.margin_k = believable(saved.get("margin_k"), 0.0, MOST_MARGIN_K) or EARLY_K
        self.outlook: tuple[tuple[float, float], ...] = ()
        """The watts likely wanted in the hours to come: (until when, watts until then)."""
        self.use(_saved_model(self.usual, saved.get("model")))

    def use(self, model: RoomModel) -> None:
        """Go on with other parameters."""
        self.model = model
        self._tick = model.transition(TICK_S)
        self._stride = Stride(model, STEP_S, LOOK_AHEAD)
        self._fine = Stride(model, FINE.step_s, FINE.looks[-1]) if self._pausable else None

    def _inputs(self, time_s: float, heat_w: float) -> list[float]:
        weather = self.weather
        sun_w_m2 = weather.sun_at(time_s) * self.habits.sun_share(time_s)
        return [heat_w, weather.outdoor_at(time_s), sun_w_m2, self.habits.at(time_s)]

    def observe(self, time_s: float, elapsed_s: float, room_c: float | None, heat_w: float) -> bool:
        """Move the estimate on, correct it by a measurement; tell whether a day is complete."""
        if self._estimate is None:
            if room_c is not None:
                self._estimate = self._go_on(time_s, room_c) or Estimate(room_c)
            return False
        estimate, day_over = self._estimate, False
        self.rises.heated(elapsed_s * self.levels_w[self._level], elapsed_s * heat_w)
        self._left_s += elapsed_s
        while self._left_s >= TICK_S:
            self._left_s -= TICK_S
            at_s = time_s - self._left_s
            self._emitted_w, mean_w = lagged(self._emitted_w, heat_w, TICK_S)
            inputs = self._inputs(at_s, mean_w)
            inputs[OUTDOOR] = self.weather.outdoor_c
            estimate.predict(self._tick, inputs)
            sun_w = self.model.sun_m2 * inputs[SUN]
            found_w = estimate.x[UNKNOWN] + estimate.x[CLEARER] * sun_w
            self.habits.learn(at_s, TICK_S, found_w, sun_w)
            known, slow_j_k = not self.weather.is_lost, self.model.slow_j_k
            day_over |= self.history.tick(
                at_s, TICK_S, inputs, estimate.x, slow_j_k, outdoor_known=known
            )
        if room_c is not None and self.resolution.see(time_s, room_c):
            self.history.measured(room_c)
            score = estimate.correct(room_c, self.resolution.noise_k)
            if self._airing.see(time_s, score, room_c):
                self._planned_s = -math.inf
        return day_over

    def save(self, time_s: float) -> dict[str, object]:
        """Return what is known of the room at a moment, as JSON-able values."""
        estimate = self._kept
        if self._estimate is not None:
            estimate = [[time_s, round(self._emitted_w, 1)], *self._estimate.save()]
        return {
            "model": asdict(self.model),
            "outdoor": self.weather.save(),
            "estimate": estimate,
            "margin_k": self.rises.margin_k,
            **self.habits.save(),
            **self.history.save(),
        }

    def _go_on(self, time_s: float, room_c: float) -> Estimate | None:
        """Return what was estimated shortly before a restart; the time since is then lived."""
        match self._kept:
            case [[saved_s, emitted_w], *saved]:
                saved_s, emitted_w = believable(saved_s, *TIME_S), believable(emitted_w, 0.0, 1e6)
                estimate = Estimate.restore(saved)
                if saved_s is None or emitted_w is None or estimate is None:
                    return None
                is_here = abs(room_c - estimate.x[SENSOR]) <= SAME_ROOM_K
                if is_here and 0 <= time_s - saved_s <= LONGEST_STEP_S:
                    self._left_s, self._emitted_w = time_s - saved_s, emitted_w
                    return estimate
        return None

    def demand(
        self,
        time_s: float,
        setpoint_c: float,
        changes: Points,
        jobs_left_s: Sequence[float] | None,
    ) -> HeatDemand:
        """Return the heat to ask for now; in so many seconds jobs end (None: nobody knows)."""
        # Only where jobs are let run out does one that is started in vain cost a job.
        self._airing.ends_early = jobs_left_s is None
        free_stops = None if jobs_left_s is None else sum(left_s <= 0 for left_s in jobs_left_s)
        due = not 0 <= time_s - self._planned_s < PLAN_EVERY_S
        aired = self.aired(time_s)
        if self._estimate and (due or free_stops or setpoint_c != self._setpoint_c):
            held = 0 <= time_s - self._raised_s < HOLD_S and not self._pausable
            self._planned_s, self._setpoint_c = time_s, setpoint_c
            changes = [change for change in changes if change[0] > time_s]
            now = Now(time_s, (self._estimate.x, self._emitted_w), self._inputs)
            level = self._plan(now, setpoint_c, changes, free_stops)
            if level >= self._level:
                self._enough_s = time_s
            if level > self._level and not aired:
                self._level, self._raised_s = level, time_s
            elif level < self._level and not held:
                # Nobody knows for sure when a job ends: patience does.
                patient = 0 <= time_s - self._enough_s <= PLAN_EVERY_S + SOON_S
                self._level = lowered_to(level, self._level, jobs_left_s if patient else None)
            # Only jobs that can be paused are chosen and kept by what is foreseen.
            if self._pausable:
                self.outlook = tuple(self._look_ahead(now, setpoint_c, changes))
        return HeatDemand(
            power_w=self.levels_w[self._level],
            reason=self._reason(aired=aired),
            outlook=self.outlook,
        )

    def lost_w(self, setpoint_c: float) -> float:
        """Return what the room loses at a setpoint, or at the one that it is heated up to."""
        rise = self.rises.coming
        wanted_c = max(setpoint_c, rise.to_c) if rise and rise.begun else setpoint_c
        outdoor_c = self.weather.outdoor_c if self.weather.is_known else COLD_C
        return max(0.0, self.model.loss_w_k * (wanted_c - outdoor_c))

    def aired(self, time_s: float) -> bool:
        """Tell whether a window seems to be open."""
        return self._airing.is_open(time_s)

    def _reason(self, *, aired: bool) -> Reason:
        if self._level == 0:
            return Reason.WINDOW_OPEN if aired else Reason.IDLE
        early = self.rises.coming is not None and self.rises.coming.begun
        return Reason.PREHEATING if early else Reason.HEATING

    def rest(self) -> HeatDemand:
        """Ask for nothing, because the radiator is off."""
        self._level, self.outlook, self._planned_s = 0, (), -math.inf
        self.rises.forget()
        return HeatDemand(power_w=0.0, reason=Reason.OFF)

    def _plan(self, now: Now, setpoint_c: float, changes: Points, free_stops: int | None) -> int:
        """Return the level to run now."""
        aired = self.aired(now.time_s)
        early = self.rises.on_the_way(now, self._stride, setpoint_c, changes, aired=aired)
        self.rises.foresee_start(now, self._stride, setpoint_c, changes)
        rise = self.rises.coming
        grid, stride = COARSE, self._stride
        if self._fine and self.resolution.every_s <= OFTEN_S:
            grid, stride = FINE, self._fine
        times_s = [now.time_s + grid.step_s * at for at in grid.looks]
        if rise and rise.arrived:
            setpoint_c = rise.to_c + EARLIER_K
        wanted_c = setpoints(setpoint_c, changes, times_s)
        above_k = ABOVE_K if free_stops is None else 0.0
        levels_w = self.given.likely_w(self.levels_w)
        power_w = levels_w[self._level]
        foreseen_c = now.air_c(stride, power_w, grid.looks[-1])
        highest_c = max([setpoint_c, *(to_c for _, to_c in changes)])
        errors, weights, waste = [], [], []
        for k, (at, want_c) in enumerate(zip(grid.looks, wanted_c, strict=True)):
            room_c = foreseen_c[at - 1]
            cold_c = room_c - power_w * stride.warms[at - 1]
            rising = rise is not None and times_s[k] <= rise.at_s
            # Where a start costs little, nothing else keeps heat from coming before it is due.
            needed = rise is not None and (rise.begun or not self._pausable)
            may_cool = want_c < highest_c - 0.3 and cold_c > want_c
            errors.append(room_c - want_c - above_k)
            if may_cool and rise and rising and room_c > rise.to_c:
                errors[k], may_cool = room_c - rise.to_c, False
            weights.append(0.0 if may_cool else 1.0)
            waste.append(WASTE if may_cool and not (rising and needed) else 1.0)
        problem = Problem(
            grid=grid,
            errors_k=errors,
            weights=weights,
            waste=waste,
            kelvin_per_w=stride.warms,
            levels_w=levels_w,
            level=self._level,
            free_stops=free_stops,
            pausable=self._pausable,
        )
        return max(best_level(problem, self._prices), early)

    def _look_ahead(self, now: Now, setpoint_c: float, changes: Points) -> Points:
        """Return the watts likely wanted in the hours to come: (until when, watts until then)."""
        time_s = now.time_s
        falls_s = min((at_s for at_s, to_c in changes if to_c < setpoint_c), default=math.inf)
        wanted_c, early = setpoint_c, changes
        rise, start_s = self.rises.coming, self.rises.next_start_s
        if rise and rise.begun:
            wanted_c = max(setpoint_c, rise.to_c)
        elif rise and start_s is not None:
            early = sorted((start_s if at_s == rise.at_s else at_s, to_c) for at_s, to_c in changes)
        block_s = BLOCK * STEP_S
        begins_s = [time_s + block_s * block for block in range(LOOK_AHEAD // BLOCK)]
        wants_c = setpoints(wanted_c, early, begins_s)
        watts = holding_w(now, self._stride, wants_c, self._rated_w)
        outlook = outlook_of(time_s, watts, block_s, changes, setpoint_c)
        # Where heat ends already, before the setpoint falls, it does not begin again until then.
        ends = self._level == 0 and falls_s < time_s + block_s
        now_s = falls_s if ends else min(time_s + HOLD_S, falls_s)
        return [(now_s, self.levels_w[self._level]), *(p for p in outlook if p[0] > now_s)]


def _saved_model(usual: RoomModel, saved: object) -> RoomModel:
    """Return the saved parameters, and the usual ones for those that cannot be."""
    if not isinstance(saved, Mapping):
        return usual
    kept = {}
    for field in fields(usual):
        middle = getattr(usual, field.name)
        value = believable(saved.get(field.name), middle / FARTHEST, middle * FARTHEST)
        kept[field.name] = middle if value is None else value
    return replace(usual, **kept)
