"""One radiator: its room, its thermostat and its engine, tied together once every tick."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from .compute.engine import (
    Engine,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerSource,
)
from .heating import (
    FROST_LIMIT_C,
    HeatDemand,
    Learned,
    RatingDoubt,
    Reason,
    RoomControl,
    RoomReading,
    Target,
)
from .heating.setting import LASTING, Setting
from .heating.week import Changes, coming, setpoint_at

BUDGET_S: Final = 20.0
"""For so long a heat budget holds that no tick renews."""
UNTOLD_S: Final = 60.0
"""An engine that has not told its watts for so long gives none: its last budget has ended."""

DISOBEDIENCE: Final = {EngineProblem.BUDGET_IGNORED, EngineProblem.CHANGED_BY_HAND}
"""What is worth telling also while no heat is wanted."""


class Room(Protocol):
    """What the radiator heats, as far as it can be read."""

    speed: float
    """Seconds that pass on the room's own clock in one of ours."""

    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        """Return the room at `now_s`, heated with `heat_output_w` watts since the last call."""

    def save(self) -> dict[str, object]:
        """Return what is to be kept over a restart, as JSON-able data."""


class Schedule(Protocol):
    """Setpoints by the clock."""

    entity_id: str
    """By which a person knows it."""

    async def async_refresh(self) -> None:
        """Look whether the schedule is another one now."""

    def changes(self) -> Changes | None:
        """Return the changes from yesterday on; None while the schedule cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiatorState:
    """What is known of one radiator after a tick."""

    setting: Setting
    reading: RoomReading
    demand: HeatDemand
    engine: EngineStatus
    learned: Learned
    rating_doubt: RatingDoubt | None
    next_start_s: float | None
    """When (epoch) heating for a setpoint to come will begin, as far as can be foreseen."""

    @property
    def status(self) -> str:
        """Say in one word what the radiator does, or what keeps it from heating."""
        problem = self.engine.problem
        if problem is EngineProblem.NO_JOBS and self.engine.jobs_running:
            return self.demand.reason  # too few jobs are jobs
        matters = self.demand.power_w > 0 or not self.engine.reachable or problem in DISOBEDIENCE
        return problem if problem is not None and matters else self.demand.reason

    @property
    def problems(self) -> frozenset[EngineProblem | RatingDoubt]:
        """All that a person may have to see to."""
        doubts = (self.engine.problem, self.rating_doubt)
        return frozenset(doubt for doubt in doubts if doubt is not None)

    @property
    def has_learned(self) -> bool:
        """Whether what the room is taken for was learned in it, and is not only a usual room's."""
        return self.learned.days > 0

    @property
    def is_heating(self) -> bool:
        """Whether something computes for the heat's sake now."""
        return self.engine.heat_kind is not HeatKind.NONE


@dataclass(eq=False, kw_only=True)
class Radiator:
    """Turns the tenant's setting into heat budgets."""

    radiator_id: str
    setting: Setting
    room: Room
    control: RoomControl
    engine: Engine
    budget_s: float = BUDGET_S
    schedule: Schedule | None = None
    comfort_floor_c: float = FROST_LIMIT_C
    learns_routine: bool = True
    has_dial: bool = field(default=True, init=False)
    """Whether somebody can turn the heat off; it is off where nobody can."""
    _foreseen: tuple[tuple[float, float], ...] = field(default=(), init=False)
    _outlook: tuple[tuple[float, float], ...] = field(default=(), init=False)
    _told_s: float = field(default=-math.inf, init=False)

    def tick(self, now_s: float, monotonic_s: float) -> RadiatorState:
        """Read the room at `now_s` (epoch) and renew the heat budget."""
        status = self.engine.status()
        speed, left_s = self.room.speed, status.jobs_left_s
        reading = replace(
            self.room.read(now_s, self._heat_output_w(status, monotonic_s)),
            output_measured=status.problem is None
            and status.power_source is not PowerSource.ESTIMATED,
            output_metered=status.power_source is PowerSource.MEASURED,
            jobs_left_s=None if left_s is None else tuple(one_s * speed for one_s in left_s),
        )
        upcoming = self._follow_schedule(now_s)
        heating = self.setting.heating and self.has_dial
        setpoint_c = self.setting.setpoint_c if heating else None
        room_s = reading.time_s
        # Whole seconds: the same change is at the same moment in every tick.
        in_room = upcoming and tuple(
            (round(room_s + (at_s - now_s) * speed), to_c) for at_s, to_c in upcoming
        )
        target = Target(
            setpoint_c=setpoint_c, upcoming=in_room, comfort_floor_c=self.comfort_floor_c
        )
        demand = self.control.step(reading, target)
        self.engine.set_budget(
            HeatBudget(
                power_w=demand.power_w,
                expires_s=monotonic_s + self.budget_s,
                own_heat=demand.own_heat,
                draining=demand.reason is Reason.DRAINING,
                outlook=self._outlook_for(demand, room_s, monotonic_s),
            )
        )
        start_s = self.control.next_start_s
        return RadiatorState(
            setting=self.setting,
            reading=reading,
            demand=demand,
            engine=status,
            learned=self.control.learned,
            rating_doubt=self.control.rating_doubt,
            next_start_s=None if start_s is None else now_s + (start_s - room_s) / speed,
        )

    def _heat_output_w(self, status: EngineStatus, monotonic_s: float) -> float | None:
        """Return the watts that the room gets, None while nobody knows."""
        if status.power_w is not None:
            self._told_s = monotonic_s
        elif monotonic_s - self._told_s > UNTOLD_S:
            return 0.0
        return status.power_w

    def _outlook_for(
        self, demand: HeatDemand, room_s: float, monotonic_s: float
    ) -> tuple[tuple[float, float], ...]:
        """Return what is foreseen on the engine's clock, worked out once for each plan."""
        if demand.outlook is not self._foreseen:
            self._foreseen, speed = demand.outlook, self.room.speed
            self._outlook = tuple(
                (monotonic_s + (until_s - room_s) / speed, power_w)
                for until_s, power_w in self._foreseen
            )
        return self._outlook

    def _follow_schedule(self, now_s: float) -> Changes | None:
        """Set what the schedule has now; return its changes to come, None where nobody knows."""
        if self.schedule is None:
            # Who is away for an unknown time comes back by no routine.
            return None if self.learns_routine and self.setting.preset not in LASTING else ()
        points = self.schedule.changes()
        if points is None:
            return ()
        self.setting = self.setting.scheduled(now_s, setpoint_at(points, now_s))
        later = coming(points, now_s)
        if self.setting.follows:
            return later
        held_s = self.setting.held_until_s
        # A schedule that was edited meanwhile may change sooner.
        if later and (held_s is None or later[0][0] < held_s):
            self.setting = self.setting.held(later[0][0])
        if (until_s := self.setting.held_until_s) is None:
            return ()
        return (until_s, setpoint_at(points, until_s)), *coming(points, until_s)

    def by_hand(self, setting: Setting, now_s: float) -> Setting:
        """Return what was set by hand: it holds until the next change of the schedule."""
        if self.schedule is None:
            return setting
        points = self.schedule.changes()
        # A schedule that cannot be read takes over as soon as it can be.
        if points is None:
            return setting.held(now_s)
        later = coming(points, now_s)
        return setting.held(later[0][0] if later else None)

    def busy_slots(self, engine: EngineStatus) -> float | None:
        """Return how many slots, whole and fraction, are busy; None while nobody knows."""
        if engine.busy_slots is not None or engine.power_w is None:
            return engine.busy_slots
        rating = self.control.rating
        share = (engine.power_w - rating.idle_w) / (rating.rated_w - rating.idle_w)
        return min(max(share, 0.0), 1.0) * rating.slots

    def save(self) -> Mapping[str, object]:
        """Return what is to be kept over a restart beside the setting, as JSON-able data."""
        return {"room": self.room.save()}
