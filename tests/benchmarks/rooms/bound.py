"""What no thermostat can beat with the same watts: no late sensor, no slots, no late start.

It reads the air itself, has every watt up to the rated power at once and heats from midnight. Its
kelvin-hours below and its mornings are the room's and the radiator's; its energy is no bound.
"""

from dataclasses import dataclass

from .trial import Observation

ABOVE_K = 0.15
"""How far above the setpoint it holds: within ±0.3 K, and not yet too warm."""
W_K, W_K_MIN = 700.0, 120.0


@dataclass(slots=True, kw_only=True)
class Bound:
    """Holds the air a little above the setpoint, minute by minute, in watts."""

    rated_w: float
    window_open: bool = False
    _power_w: float = 0.0
    _error_k: float = 0.0

    def slots(self, seen: Observation) -> int:
        """Return watts: the slots of `IdealRadiator` are one watt each."""
        today = seen.minute // 1440
        rises = [to_c for at_s, to_c in seen.upcoming or () if at_s // 86400 == today]
        error_k = max([seen.setpoint_c, *rises]) + ABOVE_K - seen.room_c
        power_w = self._power_w + W_K * (error_k - self._error_k) + W_K_MIN * error_k
        self._power_w, self._error_k = min(max(power_w, 0.0), self.rated_w), error_k
        return round(self._power_w)
