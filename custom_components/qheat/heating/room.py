"""A simulated room in a simulated winter: for the demo and for tests.

Two nodes (air with furniture, structure) with a radiator that warms them late; backward Euler, so
that it is stable for every step. An ISO 13790-like simplification, not a validated building model.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .demand import TIME_S
from .guards import believable

DAY_S: Final = 86400.0
SUBSTEP_S: Final = 60.0
LONGEST_ADVANCE_S: Final = 7 * DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomParameters:
    """A room's physics: W/K, J/K, m² of window that the sun shines through, W, s."""

    loss_w_k: float
    air_j_k: float
    structure_j_k: float
    coupling_w_k: float
    solar_m2: float
    gains_w: float
    radiator_lag_s: float = 300.0

    @classmethod
    def from_area(cls, area_m2: float, *, loss_w_k_m2: float = 0.9) -> RoomParameters:
        """Return a usual room of `area_m2`, with `loss_w_k_m2` W/K lost per m² of floor."""
        return cls(
            loss_w_k=loss_w_k_m2 * area_m2,
            air_j_k=15e3 * area_m2,
            structure_j_k=165e3 * area_m2,
            coupling_w_k=12.0 * area_m2,
            solar_m2=0.02 * area_m2,
            gains_w=2.0 * area_m2,
        )


def winter_outdoor_c(time_s: float) -> float:
    """Return the outdoor temperature of a winter's day, 0 ± 4 °C, warmest at three o'clock."""
    return 4.0 * math.cos((time_s % DAY_S / DAY_S - 15 / 24) * 2 * math.pi)


def winter_sun_w_m2(time_s: float) -> float:
    """Return the sun on a south window of a winter's day: 350 W/m² at half past twelve."""
    return 350.0 * max(0.0, math.cos((time_s % DAY_S / 3600 - 12.5) / 9 * math.pi))


class SimulatedRoom:
    """One room. Its clock starts at `start_s` seconds after midnight and runs by `advance`."""

    def __init__(
        self,
        parameters: RoomParameters,
        saved: Mapping[str, object] | None = None,
        *,
        start_s: float = 6 * 3600.0,
        start_c: float = 17.0,
    ) -> None:
        self._parameters = parameters
        kept = saved or {}
        self._time_s = believable(kept.get("time_s"), *TIME_S) or start_s
        self._air_c, self._structure_c = (
            start_c if (saved_c := believable(kept.get(key), -60.0, 80.0)) is None else saved_c
            for key in ("air_c", "structure_c")
        )
        self._emitted_w = believable(kept.get("emitted_w"), 0.0, 1e5) or 0.0

    @property
    def time_s(self) -> float:
        """Seconds on the room's own clock; a multiple of a day is midnight."""
        return self._time_s

    @property
    def temperature_c(self) -> float:
        """Air temperature in °C."""
        return self._air_c

    @property
    def outdoor_c(self) -> float:
        """Temperature outside in °C."""
        return winter_outdoor_c(self._time_s)

    def save(self) -> dict[str, float]:
        """Return the room's state, to go on from after a restart."""
        return {
            "time_s": self._time_s,
            "air_c": self._air_c,
            "structure_c": self._structure_c,
            "emitted_w": self._emitted_w,
        }

    def advance(self, dt_s: float, heat_w: float) -> None:
        """Let `dt_s` seconds pass with `heat_w` watts in the radiator; unusable values count 0."""
        left_s = believable(dt_s, low=0.0) or 0.0
        heat_w = believable(heat_w, 0.0, 1e5) or 0.0
        left_s = min(left_s, LONGEST_ADVANCE_S)
        while left_s > 0:
            step_s = min(left_s, SUBSTEP_S)
            self._advance_once(step_s, heat_w)
            left_s -= step_s

    def _advance_once(self, step_s: float, heat_w: float) -> None:
        p = self._parameters
        self._time_s += step_s
        self._emitted_w += (heat_w - self._emitted_w) * -math.expm1(-step_s / p.radiator_lag_s)
        outdoor_c = winter_outdoor_c(self._time_s)
        sun_w = p.solar_m2 * winter_sun_w_m2(self._time_s)
        air_gain = p.air_j_k / step_s
        structure_gain = p.structure_j_k / step_s
        # Half of the loss leaves from the air (windows, ventilation), half through the structure.
        loss = p.loss_w_k / 2
        air_w = air_gain * self._air_c + loss * outdoor_c + 0.7 * self._emitted_w + p.gains_w
        structure_w = structure_gain * self._structure_c + loss * outdoor_c
        structure_w += 0.3 * self._emitted_w + sun_w
        a, b, c = air_gain + p.coupling_w_k + loss, -p.coupling_w_k, structure_gain
        c += p.coupling_w_k + loss
        determinant = a * c - b * b
        self._air_c = (c * air_w - b * structure_w) / determinant
        self._structure_c = (a * structure_w - b * air_w) / determinant
