"""The control of one room: reading and target in, heat demand out, guards last."""

from collections.abc import Mapping
from dataclasses import replace

from .comfort import Comfort
from .demand import (
    SETPOINT_C,
    TIME_S,
    HeatDemand,
    Learned,
    RadiatorRating,
    Reason,
    RoomReading,
    Target,
)
from .guards import (
    FROST_CLEAR_C,
    LONGEST_STEP_S,
    AnswerWatch,
    Clock,
    Guards,
    RatingDoubt,
    RatingWatch,
    SensorWatch,
    believable,
)
from .habits import WALL_AHEAD_S
from .learn import Snapshot
from .model import RoomModel
from .outlook import OUTDOOR_C, Points, clean_points
from .rise import LEAST_STRENGTH
from .routine import Routine
from .runout import RunOut


class RoomControl:
    """Thermostat and guards of one room. Pure: the time comes in with every reading."""

    def __init__(self, rating: RadiatorRating, saved: Mapping[str, object] | None = None) -> None:
        saved = saved if isinstance(saved, Mapping) else {}
        self.rating = rating
        self._clock = Clock()
        self._watch = SensorWatch(rating.rated_w)
        self._answers = AnswerWatch()
        self._guards = Guards(rating)
        self._rating_watch = RatingWatch(rating.rated_w, saved.get("most_w"))
        self._comfort = Comfort(rating, saved)
        self._run_out = RunOut(rating)
        self._routine = Routine(saved.get("routine"))
        self._setpoint_c: float | None = None
        self._changes: Points = []
        self._last = HeatDemand(power_w=0.0, reason=Reason.OFF)
        self._measured_s: float | None = None
        self._time_s = 0.0
        self._day_over = False
        self.learned = self._in_figures()
        """What the room is taken for since the last fit, in figures for people."""

    @property
    def model(self) -> RoomModel:
        """What the room is now taken for: loss in W/K, masses in J/K; for diagnostics."""
        return self._comfort.model

    @property
    def window_open(self) -> bool:
        """Whether the air has just leapt as it does with an open window."""
        return self._comfort.aired(self._time_s)

    @property
    def rating_doubt(self) -> RatingDoubt | None:
        """How the radiator differs from its rating, as far as a meter has shown."""
        return self._rating_watch.doubt

    @property
    def next_start_s(self) -> float | None:
        """When it will next begin to heat for a setpoint to come; None if there is none.

        Seconds on the room's own clock, foreseen anew every five minutes: a preheat that runs
        already is not the next one.
        """
        return self._comfort.rises.next_start_s

    def save(self) -> dict[str, object]:
        """Return what has been learned, as JSON-able values."""
        return {
            "routine": self._routine.save(),
            "most_w": self._rating_watch.save(),
            **self._comfort.save(self._time_s),
        }

    def needs_refit(self) -> bool:
        """Tell once whether a day has ended."""
        day_over, self._day_over = self._day_over, False
        return day_over

    def snapshot(self) -> Snapshot:
        """Return what `learn.refit` needs; that takes a while and may run in a thread."""
        return Snapshot(
            records=tuple(self._comfort.history.records),
            days=tuple(self._comfort.history.days),
            noise_k=self._comfort.resolution.noise_k,
            usual=self._comfort.usual,
            model=self._comfort.model,
        )

    def adopt(self, model: RoomModel) -> None:
        """Go on with what `learn.refit` returned."""
        self._comfort.use(model)
        self.learned = self._in_figures()

    def _in_figures(self) -> Learned:
        comfort = self._comfort
        return Learned(
            heat_loss_w_k=comfort.model.loss_w_k,
            time_constant_h=comfort.model.time_constant_s / 3600,
            gains_w=comfort.habits.mean_w,
            days=len(comfort.history.days),
        )

    def step(self, reading: RoomReading, target: Target) -> HeatDemand:
        """Return the heat to ask for from now until the next step."""
        elapsed_s = self._clock.elapsed_s(reading.time_s)
        lasted_s = min(elapsed_s, LONGEST_STEP_S)
        self._time_s = believable(reading.time_s, *TIME_S) or self._time_s
        wall_ahead_s = believable(reading.wall_ahead_s, *WALL_AHEAD_S) or 0.0
        self._comfort.habits.follow(wall_ahead_s)
        asked_c = target.setpoint_c
        target = self._routine.anticipate(target, self._time_s, wall_ahead_s)
        heat_w = believable(reading.heat_output_w, 0.0, 10 * self.rating.rated_w)
        given_w = self._last.power_w if heat_w is None else heat_w
        measured_w = heat_w if reading.output_measured else None
        self._rating_watch.see(
            lasted_s, self._last.power_w, measured_w, metered=reading.output_metered
        )
        self._comfort.rises.strength = max(self._rating_watch.share, LEAST_STRENGTH)
        age_s = 0.0 if reading.measured_s is None else self._time_s - reading.measured_s
        room_c = self._watch.accept(reading.temperature_c, elapsed_s, given_w, age_s)
        if room_c is not None:
            # One that was doubted at first is news when it is believed.
            is_known = reading.measured_s is not None and reading.measured_s == self._measured_s
            self._measured_s, room_c = reading.measured_s, None if is_known else room_c
        if room_c is not None:
            self._answers.answered()
        wanted = self._wanted(reading, target, lasted_s, room_c, given_w)
        demand = self._guards.overrule(self._watch, target, wanted)
        frost = demand.reason is Reason.FROST
        setpoint_c = None if frost else believable(target.setpoint_c, *SETPOINT_C)
        lost_w = self._comfort.lost_w(FROST_CLEAR_C if setpoint_c is None else setpoint_c)
        demand = self._answers.bound(demand, lasted_s, given_w, lost_w, self._comfort.levels_w)
        if demand.reason is Reason.HEATING and target.setpoint_c != asked_c:
            demand = replace(demand, reason=Reason.PREHEATING)
        # Most demands are the last one's equal: a building would keep hundreds anew with each tick.
        if demand != self._last:
            self._last = demand
        return self._last

    def _wanted(
        self,
        reading: RoomReading,
        target: Target,
        elapsed_s: float,
        room_c: float | None,
        given_w: float,
    ) -> HeatDemand:
        """Return what comfort asks for."""
        comfort = self._comfort
        outdoor_c = believable(reading.outdoor_c, *OUTDOOR_C)
        comfort.weather.update(self._time_s, outdoor_c, reading.forecast)
        comfort.given.see(elapsed_s, self._last.power_w, given_w)
        self._day_over |= comfort.observe(self._time_s, elapsed_s, room_c, given_w)
        setpoint_c = believable(target.setpoint_c, *SETPOINT_C)
        foreseen = (
            self._setpoint_c,
            *(to_c for at_s, to_c in self._changes if at_s <= self._time_s),
        )
        by_hand = setpoint_c not in foreseen
        changes = clean_points(target.upcoming, *SETPOINT_C)
        self._setpoint_c, self._changes = setpoint_c, changes
        if setpoint_c is None:
            return comfort.rest()
        left_s = reading.jobs_left_s
        # Where jobs can be paused no stop costs anything.
        counts = left_s is not None and not self.rating.pausable
        return self._run_out.extend(
            comfort.demand(self._time_s, setpoint_c, changes, left_s if counts else None),
            time_s=self._time_s,
            elapsed_s=elapsed_s,
            setpoint_c=setpoint_c,
            room_c=self._watch.known_c,
            jobs_left_s=left_s if self.rating.pausable else None,
            by_hand=by_hand,
        )
