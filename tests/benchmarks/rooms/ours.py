"""Our own thermostat as one of those that are compared."""

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomReading,
    Target,
    refit,
)

from .trial import Observation


class Ours:
    """The integration's room control, told what Home Assistant would tell it."""

    def __init__(self, rating: RadiatorRating, *, knows_ends: bool = True) -> None:
        """With `knows_ends` it is told when jobs end."""
        self.rating = rating
        self._knows_ends = knows_ends
        self.control = RoomControl(rating)

    @property
    def window_open(self) -> bool:
        """Whether the control believes that a window is open."""
        return self.control.window_open

    def slots(self, seen: Observation) -> float:
        """Return the slots that the demand is worth: parts of one where they can be had."""
        reading = RoomReading(
            time_s=seen.minute * 60.0,
            temperature_c=seen.room_c,
            measured_s=seen.measured * 60.0,
            outdoor_c=seen.outdoor_c,
            heat_output_w=seen.power_w,
            output_measured=True,
            forecast=seen.forecast,
            jobs_left_s=seen.jobs_left_s if self._knows_ends else None,
        )
        if self.control.needs_refit():
            self.control.adopt(refit(self.control.snapshot()))
        demand = self.control.step(
            reading, Target(setpoint_c=seen.setpoint_c, upcoming=seen.upcoming)
        )
        slots = max(0.0, demand.power_w - self.rating.idle_w) / self.rating.slot_w
        return slots if self.rating.divisible else round(slots)
