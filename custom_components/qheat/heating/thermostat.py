"""The control of one room: reading and target in, heat demand out, guards last."""

from collections.abc import Mapping
from typing import Final

from .comfort import Comfort, usual_model
from .demand import HeatDemand, RadiatorRating, Reason, RoomReading, Target
from .guards import Clock, Guards, SensorWatch, believable
from .learn import FEWEST, Snapshot
from .model import RoomModel
from .outlook import clean_changes
from .plan import Prices

LONGEST_STEP_S: Final = 900.0
SETPOINT_C: Final = (0.0, 35.0)
OUTDOOR_C: Final = (-60.0, 60.0)


class RoomControl:
    """Thermostat and guards of one room. Pure: the time comes in with every reading."""

    def __init__(self, rating: RadiatorRating, saved: Mapping[str, object] | None = None) -> None:
        self._rating = rating
        self._clock = Clock()
        self._watch = SensorWatch()
        self._guards = Guards(rating)
        self._usual = usual_model(rating)
        self._comfort = Comfort(rating, self._usual, Prices())
        self._last_w = 0.0
        self._measured_s: float | None = None

    def save(self) -> dict[str, object]:
        """Return what has been learned, as JSON-able values."""
        return {}

    def step(self, reading: RoomReading, target: Target) -> HeatDemand:
        """Return the heat to ask for from now until the next step."""
        elapsed_s = self._clock.elapsed_s(reading.time_s)
        heat_w = believable(reading.heat_output_w, 0.0, 10 * self._rating.rated_w)
        given_w = self._last_w if heat_w is None else heat_w
        room_c = self._watch.accept(reading.temperature_c, elapsed_s, given_w)
        if reading.measured_s is not None:
            room_c, self._measured_s = (
                None if reading.measured_s == self._measured_s else room_c
            ), reading.measured_s
        wanted = self._wanted(reading, target, min(elapsed_s, LONGEST_STEP_S), room_c, given_w)
        demand = self._guards.overrule(self._watch, reading, target, wanted)
        self._last_w = demand.power_w
        return demand

    def needs_refit(self) -> bool:
        """Tell whether a night's learning is due."""
        return len(self._comfort.records) >= FEWEST and self._comfort.fresh_records >= 144

    def snapshot(self) -> Snapshot:
        """Return what `refit` needs; it may run in another thread."""
        self._comfort.fresh_records = 0
        return Snapshot(
            records=tuple(self._comfort.records), usual=self._usual, model=self._comfort.model
        )

    def adopt(self, model: RoomModel) -> None:
        """Go on with what `refit` returned."""
        self._comfort.use(model)

    def _wanted(self, reading, target, elapsed_s, room_c, given_w) -> HeatDemand:
        comfort = self._comfort
        outdoor_c = believable(reading.outdoor_c, *OUTDOOR_C)
        if outdoor_c is not None:
            comfort.outdoor_c = outdoor_c
        comfort.forecast = reading.forecast
        comfort.observe(reading.time_s, elapsed_s, room_c, given_w)
        setpoint_c = believable(target.setpoint_c, *SETPOINT_C)
        if setpoint_c is None:
            return HeatDemand(power_w=0.0, reason=Reason.OFF)
        return comfort.demand(reading.time_s, setpoint_c, clean_changes(target.upcoming), reading.jobs_left_s)
