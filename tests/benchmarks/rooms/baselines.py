"""Thermostats to compare with, from their published formulas."""

from dataclasses import dataclass, field

from .trial import Observation


@dataclass(slots=True, kw_only=True)
class Hysteresis:
    """On and off around the setpoint (Home Assistant's generic_thermostat, 0.3 K)."""

    all_slots: int
    window_open: bool = False
    tolerance_k: float = 0.3
    _on: bool = False

    def slots(self, seen: Observation) -> int:
        """Return all slots or none."""
        if seen.room_c <= seen.setpoint_c - self.tolerance_k:
            self._on = True
        elif seen.room_c >= seen.setpoint_c + self.tolerance_k:
            self._on = False
        return self.all_slots if self._on else 0


@dataclass(slots=True, kw_only=True)
class TimeProportional:
    """TPI: a share of every cycle, 0.6 per K of error and 0.01 per K of outdoor difference."""

    all_slots: int
    window_open: bool = False
    cycle: int = 5
    _share: float = 0.0

    def slots(self, seen: Observation) -> int:
        """Return all slots for the share of the cycle."""
        phase = seen.minute % self.cycle
        if phase == 0:
            share = 0.6 * (seen.setpoint_c - seen.room_c)
            share += 0.01 * (seen.setpoint_c - outdoor_c(seen))
            self._share = min(max(share, 0.0), 1.0)
        return self.all_slots if phase < self._share * self.cycle else 0


@dataclass(slots=True, kw_only=True)
class PlainPi:
    """PI with outdoor feed-forward in watts, rounded to slots with a slot's hysteresis of 0.7."""

    all_slots: int
    slot_w: float
    idle_w: float
    gain_w_k: float = 250.0
    integral_s: float = 7200.0
    loss_w_k: float = 19.0
    lead: int = 120
    window_open: bool = False
    _integral_w: float = field(default=0.0)
    _now: int = 0

    def slots(self, seen: Observation) -> int:
        """Return the slots nearest to the law's watts."""
        setpoint_c = seen.setpoint_c
        for at_s, to_c in seen.upcoming or ():
            if to_c > setpoint_c and at_s - seen.minute * 60 <= self.lead * 60:
                setpoint_c = to_c
        error_k = setpoint_c - seen.room_c
        power_w = self.gain_w_k * error_k + self.loss_w_k * (setpoint_c - outdoor_c(seen))
        power_w += self._integral_w
        most_w = self.idle_w + self.all_slots * self.slot_w
        if 0 < power_w < most_w:
            self._integral_w += self.gain_w_k * error_k * 60 / self.integral_s
        exact = (min(max(power_w, 0.0), most_w) - self.idle_w) / self.slot_w
        if abs(exact - self._now) > 0.7:
            self._now = max(0, round(exact))
        return self._now


def outdoor_c(seen: Observation) -> float:
    """Return the outdoor temperature, or a usual one where it is not known."""
    return 5.0 if seen.outdoor_c is None else seen.outdoor_c
