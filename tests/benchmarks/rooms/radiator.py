"""The benchmark's radiator: slots that run jobs, and a case that warms late."""

import math
import random
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Radiator:
    """Slots of `slot_w` watts over `idle_w`; a slot runs at least `min_on` minutes."""

    idle_w: float = 20.0
    slot_w: float = 80.0
    slots: int = 6
    lag_s: float = 400.0
    min_on: int = 10
    min_off: int = 1
    chance: random.Random
    _left: list[float] = field(default_factory=list)
    _age: list[int] = field(default_factory=list)
    _stopped: list[int] = field(default_factory=list)
    emitted_w: float = 0.0
    starts: int = 0
    preempted: int = 0

    @property
    def running(self) -> int:
        """Slots that run a job."""
        return len(self._left)

    @property
    def power_w(self) -> float:
        """Electrical power; off altogether without a job."""
        return self.idle_w + self.slot_w * self.running if self._left else 0.0

    @property
    def jobs_left_s(self) -> tuple[float, ...]:
        """Seconds until each job ends; 0 for one that has just ended."""
        return tuple(max(0.0, left) * 60 for left in self._left)

    def minute(self, wanted: float) -> None:
        """Let one minute pass with `wanted` slots, a whole number, asked for."""
        wanted = round(wanted)
        self._stopped = [rest - 1 for rest in self._stopped if rest > 1]
        excess = self.running - wanted
        for index in sorted(range(self.running), key=self._left.__getitem__, reverse=False):
            if excess > 0 and self._age[index] >= self.min_on:
                excess -= 1
                self.preempted += self._left[index] > 0
                self._left[index] = math.nan
                self._stopped.append(self.min_off)
        kept = [index for index, left in enumerate(self._left) if not math.isnan(left)]
        self._left = [self._left[index] for index in kept]
        self._age = [self._age[index] for index in kept]
        free = self.slots - self.running - len(self._stopped)
        for _ in range(min(free, wanted - self.running)):
            self._left.append(self._job_minutes())
            self._age.append(0)
            self.starts += 1
        self._left = [self._job_minutes() if left <= 0 else left - 1 for left in self._left]
        self._age = [age + 1 for age in self._age]
        self.emitted_w += (self.power_w - self.emitted_w) * -math.expm1(-60 / self.lag_s)

    def _job_minutes(self) -> float:
        return min(
            240.0, max(5.0, self.min_on - 5.0, self.chance.lognormvariate(math.log(30), 0.8))
        )


@dataclass(slots=True, kw_only=True)
class PausingRadiator:
    """Slots whose jobs are paused and go on at no loss, so that a part of one can be busy."""

    idle_w: float = 20.0
    slot_w: float = 80.0
    slots: int = 6
    lag_s: float = 400.0
    running: float = 0.0
    starts: float = 0.0
    preempted: float = math.nan
    jobs_left_s: tuple[float, ...] = ()
    emitted_w: float = 0.0

    @property
    def power_w(self) -> float:
        """Electrical power; off altogether without a job."""
        return self.idle_w + self.slot_w * self.running if self.running else 0.0

    def minute(self, wanted: float) -> None:
        """Let one minute pass with `wanted` slots asked for; what goes on counts as a start."""
        self.starts += max(0.0, wanted - self.running)
        self.running = wanted
        self.emitted_w += (self.power_w - self.emitted_w) * -math.expm1(-60 / self.lag_s)


@dataclass(slots=True, kw_only=True)
class IdealRadiator:
    """Gives at once what is asked for, up to the rated power; runs no jobs."""

    slots: int
    running: float = 0.0
    starts: float = math.nan
    preempted: float = math.nan
    jobs_left_s: tuple[float, ...] = ()

    @property
    def power_w(self) -> float:
        """Electrical power."""
        return self.running

    @property
    def emitted_w(self) -> float:
        """Heat into the room."""
        return self.running

    def minute(self, wanted: float) -> None:
        """Let one minute pass."""
        self.running = wanted
