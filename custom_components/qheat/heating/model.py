"""The room as the thermostat sees it: three temperatures, a late sensor, heat of unknown origin.

A resistance-capacitance network in the lineage of ISO 13790 and ISO 52016-1: air, a fast mass
(furniture, skin of the walls) and a slow mass (structure). All parameters are positive.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .matrices import Matrix, Vector, exponential

SENSOR, AIR, FAST, SLOW, UNKNOWN, CLEARER = range(6)
"""The state: temperatures in °C, heat of unknown origin in W, and by what share of it more sun
comes in than is foreseen."""
STATES: Final = 6
HEAT, OUTDOOR, SUN, GAINS = range(4)
"""The inputs: W from the radiator's case, °C, W/m² on the horizontal, W of known habits."""
INPUTS: Final = 4
RADIATOR_LAG_S: Final = 400.0
UNKNOWN_FADES_S: Final = 10800.0
CLEARER_FADES_S: Final = 28800.0
CONVECTIVE: Final = 0.7
AIRBORNE_GAINS: Final = 0.6
LOSS_FROM_AIR: Final = 0.65
USUAL_GAINS_W_PER_W_K: Final = 4.0
"""People and things warm a room by as much as this many kelvin of its loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomModel:
    """A room's parameters: J/K, W/K, m² of sun-facing opening, and how late its sensor is."""

    fast_j_k: float
    slow_j_k: float
    air_fast_w_k: float
    fast_slow_w_k: float
    loss_w_k: float
    sun_m2: float
    air_j_k: float
    sensor_lag_s: float

    @classmethod
    def usual(cls, rated_w: float) -> RoomModel:
        """Return the room that a radiator of `rated_w` watts is usually put into."""
        # A radiator twice as strong seldom means a room twice as large.
        size = math.sqrt(rated_w / 500.0)
        return cls(
            fast_j_k=0.5e6 * size,
            slow_j_k=5e6 * size,
            air_fast_w_k=220 * size,
            fast_slow_w_k=250 * size,
            loss_w_k=20 * size,
            sun_m2=0.5 * size,
            air_j_k=81e3 * size,
            sensor_lag_s=300.0,
        )

    @property
    def time_constant_s(self) -> float:
        """How long the room takes to lose two thirds of its warmth, in seconds."""
        return (self.air_j_k + self.fast_j_k + self.slow_j_k) / self.loss_w_k

    def transition(self, step_s: float) -> Transition:
        """Return how the state moves in `step_s` seconds with constant inputs (exact)."""
        size = STATES + INPUTS
        rates = [[0.0] * size for _ in range(size)]
        rates[UNKNOWN][UNKNOWN] = -1 / UNKNOWN_FADES_S
        rates[CLEARER][CLEARER] = -1 / CLEARER_FADES_S

        def couple(node: int, other: int, conductance: float, capacity: float) -> None:
            rates[node][other] += conductance / capacity
            rates[node][node] -= conductance / capacity

        outdoor, heat = STATES + OUTDOOR, STATES + HEAT
        couple(SENSOR, AIR, 1.0, self.sensor_lag_s)
        couple(AIR, FAST, self.air_fast_w_k, self.air_j_k)
        couple(AIR, outdoor, LOSS_FROM_AIR * self.loss_w_k, self.air_j_k)
        couple(FAST, AIR, self.air_fast_w_k, self.fast_j_k)
        couple(FAST, SLOW, self.fast_slow_w_k, self.fast_j_k)
        couple(SLOW, FAST, self.fast_slow_w_k, self.slow_j_k)
        couple(SLOW, outdoor, (1 - LOSS_FROM_AIR) * self.loss_w_k, self.slow_j_k)
        rates[AIR][heat] = CONVECTIVE / self.air_j_k
        rates[FAST][heat] = (1 - CONVECTIVE) / self.fast_j_k
        rates[FAST][STATES + SUN] = self.sun_m2 / self.fast_j_k
        for source in (UNKNOWN, STATES + GAINS):
            rates[AIR][source] = AIRBORNE_GAINS / self.air_j_k
            rates[FAST][source] = (1 - AIRBORNE_GAINS) / self.fast_j_k
        whole = exponential([[rate * step_s for rate in row] for row in rates])
        return Transition(
            step_s=step_s,
            state=[row[:STATES] for row in whole[:STATES]],
            inputs=[row[STATES:] for row in whole[:STATES]],
        )


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One step of a model: x' = `state` x + `inputs` u, with the sun of u made clearer by x."""

    step_s: float
    state: Matrix
    inputs: Matrix

    def advance(self, x: Vector, u: Vector) -> list[float]:
        """Return the state one step on."""
        s0, s1, s2, s3, s4, s5 = x
        u0, u1, u2, u3 = u
        u2 *= 1 + s5
        moved = [
            a * s0 + b * s1 + c * s2 + d * s3 + e * s4 + p * u0 + q * u1 + r * u2 + s * u3
            for (a, b, c, d, e, _), (p, q, r, s) in self._rows
        ]
        moved.append(self.state[CLEARER][CLEARER] * s5)
        return moved

    def slopes(self, u: Vector) -> list[list[float]]:
        """Return the Jacobian: how the state one step on depends on the state now."""
        return [
            [*row[:CLEARER], row[CLEARER] + by_input[SUN] * u[SUN]]
            for row, by_input in zip(self.state, self.inputs, strict=True)
        ]

    @cached_property
    def _rows(self) -> list[tuple[Vector, Vector]]:
        return list(zip(self.state, self.inputs, strict=True))[:CLEARER]


def lagged(before_w: float, power_w: float, step_s: float) -> tuple[float, float]:
    """Return the heat that leaves the case at the end of a step, and on average during it."""
    ratio = step_s / RADIATOR_LAG_S
    kept = math.exp(-ratio)
    mean = power_w + (before_w - power_w) * (1 - kept) / ratio
    return power_w + (before_w - power_w) * kept, mean
