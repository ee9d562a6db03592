"""The hours to come: how a room goes on, and roughly how much heat it will take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from .matrices import Vector
from .model import AIR, STATES, RoomModel, lagged
from .outlook import Points

BLOCK: Final = 3
"""Steps for which one wattage is foreseen."""


type State = tuple[Vector, float]
"""The room, and the watts that leave the radiator's case."""


class Stride:
    """A room's model, a step at a time."""

    def __init__(self, model: RoomModel, step_s: float, steps: int) -> None:
        self.step_s = step_s
        self.step = model.transition(step_s)
        self.warms = ALONE.air_c(self, 1.0, steps)
        """Kelvin that a lasting watt has warmed the air after each step."""


@dataclass(frozen=True, slots=True)
class Now:
    """A room at a moment, to look ahead from."""

    time_s: float
    state: State
    inputs: Callable[[float, float], Vector]
    """What acts on the room at a time, with so many watts from the radiator's case."""

    def onward(self, stride: Stride, power_w: float, steps: int) -> Iterator[State]:
        """Yield the room after each step if the power stays."""
        x, emitted_w = self.state
        for k in range(steps):
            emitted_w, mean_w = lagged(emitted_w, power_w, stride.step_s)
            x = stride.step.advance(x, self.inputs(self.time_s + stride.step_s * (k + 0.5), mean_w))
            yield x, emitted_w

    def air_c(self, stride: Stride, power_w: float, steps: int) -> list[float]:
        """Return the air temperature after each step if the power stays."""
        return [x[AIR] for x, _ in self.onward(stride, power_w, steps)]


ALONE: Final = Now(0.0, ([0.0] * STATES, 0.0), lambda _, heat_w: [heat_w, 0.0, 0.0, 0.0])
"""A room at 0 °C with nothing but the radiator: what a watt does there, it adds in any room."""


def holding_w(now: Now, stride: Stride, wanted_c: Sequence[float], most_w: float) -> list[float]:
    """Return the watts, block after block, that bring the air to `wanted_c` at each block's end."""
    *_, (warmed, emitted) = ALONE.onward(stride, 1.0, BLOCK)
    watts = []
    for want_c in wanted_c:
        *_, (x, emitted_w) = now.onward(stride, 0.0, BLOCK)
        power_w = min(max((want_c - x[AIR]) / warmed[AIR], 0.0), most_w)
        heated = [cold + power_w * warm for cold, warm in zip(x, warmed, strict=True)]
        now = replace(
            now,
            time_s=now.time_s + BLOCK * stride.step_s,
            state=(heated, emitted_w + power_w * emitted),
        )
        watts.append(power_w)
    return watts


def outlook_of(
    time_s: float, watts: Sequence[float], block_s: float, changes: Points, setpoint_c: float
) -> Points:
    """Return (until when, watts until then) of blocks; a fall of the setpoint ends heat."""
    moments = pairwise([(time_s, setpoint_c), *changes])
    falls_s = [at_s for (_, before_c), (at_s, to_c) in moments if to_c < before_c]
    outlook: Points = []
    for block, power_w in enumerate(watts):
        begin_s, end_s = time_s + block * block_s, time_s + (block + 1) * block_s
        fall_s = next((at_s for at_s in falls_s if begin_s < at_s < end_s), None)
        if fall_s is None:
            outlook.append((end_s, power_w))
        else:
            outlook += [(fall_s, power_w), (end_s, 0.0)]
    return outlook
