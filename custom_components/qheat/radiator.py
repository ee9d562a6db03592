"""One radiator: its room, its thermostat and its engine, tied together once every tick."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from .compute.engine import Engine, EngineProblem, EngineStatus, HeatBudget, HeatKind
from .heating import HeatDemand, RoomControl, RoomReading, Target
from .setting import Setting

# Three missed ticks of the coordinator and a little more: then the radiator stops by itself.
BUDGET_S: Final = 20.0

DISOBEDIENCE: Final = {EngineProblem.BUDGET_IGNORED, EngineProblem.CHANGED_BY_HAND}
"""What is worth telling also while no heat is wanted."""


class Room(Protocol):
    """What the radiator heats, as far as it can be read."""

    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        """Return the room at `now_s`, heated with `heat_output_w` watts since the last call."""

    def save(self) -> dict[str, object]:
        """Return what is to be kept over a restart, as JSON-able data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiatorState:
    """What is known of one radiator after a tick."""

    setting: Setting
    reading: RoomReading
    demand: HeatDemand
    engine: EngineStatus

    @property
    def status(self) -> str:
        """Say in one word what the radiator does, or what keeps it from heating."""
        problem = self.engine.problem
        heatless = self.demand.power_w > 0 or not self.engine.reachable
        if problem is not None and (heatless or problem in DISOBEDIENCE):
            return problem
        return self.demand.reason

    @property
    def is_heating(self) -> bool:
        """Whether something computes for the heat's sake now."""
        return self.engine.heat_kind is not HeatKind.NONE


class Radiator:
    """Turns the tenant's setting into heat budgets."""

    def __init__(
        self,
        *,
        radiator_id: str,
        setting: Setting,
        room: Room,
        control: RoomControl,
        engine: Engine,
    ) -> None:
        self.radiator_id = radiator_id
        self.setting = setting
        self.engine = engine
        self._room = room
        self.control = control

    def tick(self, now_s: float, monotonic_s: float) -> RadiatorState:
        """Read the room at `now_s` (epoch) and renew the heat budget."""
        status = self.engine.status()
        reading = self._room.read(now_s, status.power_w)
        setpoint_c = self.setting.setpoint_c if self.setting.heating else None
        demand = self.control.step(reading, Target(setpoint_c=setpoint_c))
        self.engine.set_budget(
            HeatBudget(
                power_w=demand.power_w,
                expires_s=monotonic_s + BUDGET_S,
                own_heat=demand.own_heat,
            )
        )
        return RadiatorState(setting=self.setting, reading=reading, demand=demand, engine=status)

    def busy_slots(self, power_w: float) -> float:
        """Return how many slots, whole and fraction, are busy at a heat output in watts."""
        rating = self.control.rating
        return min(max((power_w - rating.idle_w) / rating.slot_w, 0.0), float(rating.slots))

    def save(self) -> Mapping[str, object]:
        """Return what is to be kept over a restart, as JSON-able data."""
        return {
            "setting": self.setting.save(),
            "room": self._room.save(),
        }
