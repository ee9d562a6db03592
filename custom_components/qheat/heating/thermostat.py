"""The control of one room: reading and target in, heat demand out.

A proportional-integral law on the room's error with feed-forward for the outdoor temperature, in
watts (Åström and Murray, Feedback Systems, 2nd ed., ch. 11), under the guards of `guards.py`.
"""

from collections.abc import Mapping
from typing import Final

from .demand import HeatDemand, RadiatorRating, Reason, RoomReading, Target
from .guards import Clock, Guards, SensorWatch, believable

LONGEST_STEP_S: Final = 900.0
INTEGRAL_S: Final = 7200.0
FULL_POWER_ERROR_K: Final = 2.0
FEED_FORWARD_PER_K: Final = 0.02
"""Share of the rated power per kelvin between setpoint and outdoors, before anything is learned."""
SETPOINT_C: Final = (0.0, 35.0)
OUTDOOR_C: Final = (-60.0, 60.0)


class RoomControl:
    """Thermostat and guards of one room. Pure: the time comes in with every reading."""

    def __init__(self, rating: RadiatorRating, saved: Mapping[str, object] | None = None) -> None:
        self.rating = rating
        self._clock = Clock()
        self._watch = SensorWatch()
        self._guards = Guards(rating)
        bound_w = rating.rated_w
        learned = believable((saved or {}).get("integral_w"), -bound_w, bound_w)
        self._integral_w = learned or 0.0
        self._last_w = 0.0

    def save(self) -> dict[str, object]:
        """Return what has been learned, as JSON-able values."""
        return {"integral_w": self._integral_w}

    def step(self, reading: RoomReading, target: Target) -> HeatDemand:
        """Return the heat to ask for from now until the next step."""
        elapsed_s = self._clock.elapsed_s(reading.time_s)
        heat_w = believable(reading.heat_output_w, 0.0, 10 * self.rating.rated_w)
        given_w = self._last_w if heat_w is None else heat_w
        self._watch.accept(reading.temperature_c, elapsed_s, given_w)
        wanted = self._wanted(reading, target, min(elapsed_s, LONGEST_STEP_S))
        demand = self._guards.overrule(self._watch, reading, target, wanted)
        self._last_w = demand.power_w
        return demand

    def _wanted(self, reading: RoomReading, target: Target, elapsed_s: float) -> HeatDemand:
        setpoint_c = believable(target.setpoint_c, *SETPOINT_C)
        room_c = self._watch.known_c
        if setpoint_c is None or room_c is None:
            return HeatDemand(power_w=0.0, reason=Reason.OFF)
        rated_w = self.rating.rated_w
        error_k = setpoint_c - room_c
        outdoor_c = believable(reading.outdoor_c, *OUTDOOR_C)
        cold_k = 0.0 if outdoor_c is None else max(0.0, setpoint_c - outdoor_c)
        proportional_w = rated_w / FULL_POWER_ERROR_K * error_k
        free_w = proportional_w + FEED_FORWARD_PER_K * rated_w * cold_k
        power_w = min(max(free_w + self._integral_w, 0.0), rated_w)
        # Integrate only what the radiator can follow, so that a long warm-up winds nothing up.
        if 0.0 < power_w < rated_w or (power_w > 0.0) != (error_k > 0.0):
            change_w = proportional_w * elapsed_s / INTEGRAL_S
            self._integral_w = min(max(self._integral_w + change_w, -rated_w), rated_w)
        if power_w <= self.rating.idle_w:
            return HeatDemand(power_w=0.0, reason=Reason.IDLE)
        return HeatDemand(power_w=power_w, reason=Reason.HEATING)
