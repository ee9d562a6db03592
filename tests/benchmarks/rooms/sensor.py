"""The benchmark's sensor: late, noisy, coarse, and only now and then."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensing:
    """Steps of `step_c` every `every` minutes, behind by `lag_s`, with `noise_k` of noise.

    With `on_change_k`, as battery sensors do: in between as well when that many kelvin have come.
    """

    step_c: float = 0.1
    every: int = 1
    lag_s: float = 300.0
    noise_k: float = 0.04
    irregular: bool = False
    on_change_k: float | None = None
    asked: bool = False
    """Whether each minute's answer counts as a reading, however old."""


@dataclass(slots=True, kw_only=True)
class Sensor:
    """A sensor of some kind in a room."""

    sensing: Sensing
    chance: random.Random
    _sensed_c: float | None = None
    _next: int = 0
    value_c: float | None = None
    measured: int = -1

    def minute(self, minute: int, air_c: float) -> None:
        """Let one minute pass at `air_c`."""
        sensing = self.sensing
        if self._sensed_c is None:
            self._sensed_c = air_c
        self._sensed_c += (air_c - self._sensed_c) * 60 / (sensing.lag_s + 60)
        if minute < self._next and sensing.on_change_k is None:
            if sensing.asked:
                self.measured = minute
            return
        noisy_c = self._sensed_c + self.chance.gauss(0, sensing.noise_k)
        value_c = round(noisy_c / sensing.step_c) * sensing.step_c
        if minute < self._next and not self._has_changed(value_c):
            return
        self.value_c = value_c
        self.measured = minute
        wait = self.chance.expovariate(1 / sensing.every) if sensing.irregular else sensing.every
        self._next = minute + max(1, round(wait))

    def _has_changed(self, value_c: float) -> bool:
        assert self.value_c is not None
        return abs(value_c - self.value_c) >= (self.sensing.on_change_k or 0.0)
