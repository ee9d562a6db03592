"""The hours to come: how a room goes on, and roughly how much heat it will take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .model import AIR, STATES, RoomModel, Transition, Vector, lagged, step_response
from .outlook import Points

BLOCK: Final = 3
"""Steps for which one wattage is foreseen."""


type State = tuple[Vector, float]
"""The room, and the watts that leave the radiator's case."""
type Inputs = Callable[[int, float], Vector]
"""What acts on the room in a step, by its number and the watts from the radiator's case."""


class Stride:
    """A room's model, a step at a time."""

    def __init__(self, model: RoomModel, step_s: float, steps: int) -> None:
        self.step_s = step_s
        self.step = model.transition(step_s)
        self.warms = step_response(self.step, steps)
        """Kelvin that a lasting watt has warmed the air after each step."""


@dataclass(frozen=True, slots=True)
class Now:
    """A room at a moment, to look ahead from."""

    time_s: float
    state: State
    inputs: Callable[[float, float], Vector]
    """What acts on the room at a time, with so many watts from the radiator's case."""

    def at(self, time_s: float) -> Now:
        """Return the same room at another time."""
        return replace(self, time_s=time_s)

    def air_c(self, stride: Stride, power_w: float, steps: int) -> list[float]:
        """Return the air temperature after each step if the power stays."""
        (x, emitted_w), result = self.state, []
        for k in range(steps):
            emitted_w, mean_w = lagged(emitted_w, power_w, stride.step_s)
            x = stride.step.advance(x, self.inputs(self.time_s + stride.step_s * (k + 0.5), mean_w))
            result.append(x[AIR])
        return result


def holding_w(
    step: Transition, state: State, inputs: Inputs, wanted_c: Sequence[float], most_w: float
) -> list[float]:
    """Return the watts, block after block, that bring the air to `wanted_c` at each block's end."""
    nothing: State = [0.0] * STATES, 0.0
    warmed, emitted = _run(step, nothing, 1.0, lambda _, heat_w: [heat_w, 0.0, 0.0, 0.0], 0)
    watts = []
    for block, want_c in enumerate(wanted_c):
        x, emitted_w = _run(step, state, 0.0, inputs, block * BLOCK)
        power_w = min(max((want_c - x[AIR]) / warmed[AIR], 0.0), most_w)
        state = (
            [cold + power_w * warm for cold, warm in zip(x, warmed, strict=True)],
            emitted_w + power_w * emitted,
        )
        watts.append(power_w)
    return watts


def outlook_of(
    time_s: float, watts: Sequence[float], block_s: float, changes: Points, setpoint_c: float
) -> Points:
    """Return (until when, watts until then) of blocks; a fall of the setpoint ends heat."""
    outlook: Points = []
    for block, power_w in enumerate(watts):
        begin_s, end_s = time_s + block * block_s, time_s + (block + 1) * block_s
        before_c = setpoint_c
        for at_s, to_c in changes:
            if begin_s < at_s < end_s and to_c < before_c:
                outlook.append((at_s, power_w))
                power_w = 0.0  # noqa: PLW2901
            if at_s < end_s:
                before_c = to_c
        outlook.append((end_s, power_w))
    return outlook


def _run(step: Transition, state: State, power_w: float, inputs: Inputs, first: int) -> State:
    x, emitted_w = state
    for k in range(first, first + BLOCK):
        emitted_w, mean_w = lagged(emitted_w, power_w, step.step_s)
        x = step.advance(x, inputs(k, mean_w))
    return x, emitted_w
