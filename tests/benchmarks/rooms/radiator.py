"""The benchmark's radiator: slots that run jobs, and a case that warms late."""

import math
import random
from dataclasses import dataclass, field

from custom_components.qheat.compute.boinc.plan import OFF, AtHand, Plan, Planner

LAG_S = 400.0
"""How late the case warms."""


@dataclass(slots=True, eq=False)
class Job:
    """What runs on a slot: minutes until its end, and since the slot was started."""

    left: float
    age: int = 0


@dataclass(slots=True, kw_only=True)
class Radiator:
    """Slots of `slot_w` watts over `idle_w`; a slot runs at least `min_on` minutes."""

    idle_w: float
    slot_w: float
    slots: int
    min_on: int
    chance: random.Random
    _jobs: list[Job] = field(default_factory=list)
    emitted_w: float = 0.0
    starts: int = 0
    preempted: int = 0

    @property
    def running(self) -> int:
        """Slots that run a job."""
        return len(self._jobs)

    @property
    def power_w(self) -> float:
        """Electrical power; off altogether without a job."""
        return self.idle_w + self.slot_w * self.running if self._jobs else 0.0

    @property
    def jobs_left_s(self) -> tuple[float, ...]:
        """Seconds until each job ends; 0 for one that has just ended."""
        return tuple(max(0.0, job.left) * 60 for job in self._jobs)

    def minute(self, wanted: float) -> None:
        """Let one minute pass with `wanted` slots, a whole number, asked for."""
        wanted = round(wanted)
        for job in sorted(self._jobs, key=lambda job: job.left):
            if self.running > wanted and job.age >= self.min_on:
                self.preempted += job.left > 0
                self._jobs.remove(job)
        for _ in range(min(self.slots, wanted) - self.running):
            self._jobs.append(Job(self._job_minutes()))
            self.starts += 1
        for job in self._jobs:
            job.left = self._job_minutes() if job.left <= 0 else job.left - 1
            job.age += 1
        self.emitted_w += (self.power_w - self.emitted_w) * -math.expm1(-60 / LAG_S)

    def _job_minutes(self) -> float:
        return min(
            240.0, max(5.0, self.min_on - 5.0, self.chance.lognormvariate(math.log(30), 0.8))
        )


@dataclass(slots=True, kw_only=True)
class PausingRadiator:
    """Slots whose jobs are paused and go on at no loss, so that a part of one can be busy."""

    idle_w: float
    slot_w: float
    slots: int
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
        self.emitted_w += (self.power_w - self.emitted_w) * -math.expm1(-60 / LAG_S)


@dataclass(slots=True, kw_only=True)
class GpuRadiator:
    """A BOINC machine that does what it can with a budget: cores, and a GPU or none.

    The thermostat knows nothing of that, and counts `slots` that give alike.
    """

    planner: Planner
    slot_w: float
    slots: int
    plan: Plan = OFF
    starts: float = 0.0
    """Of the GPU."""
    preempted: float = math.nan
    jobs_left_s: tuple[float, ...] = ()
    emitted_w: float = 0.0

    @property
    def running(self) -> float:
        """Cores that run a task."""
        return self.plan.cores

    @property
    def power_w(self) -> float:
        """Electrical power; off altogether without a task."""
        return self.planner.watts(self.plan) if self.plan.cores else 0.0

    def minute(self, wanted: float) -> None:
        """Let one minute pass with the watts of `wanted` slots as a budget."""
        budget_w = self.planner.table.idle_w + self.slot_w * wanted
        plan = self.planner.plan(budget_w, AtHand(gpu=True))
        self.starts += plan.gpu and not self.plan.gpu
        self.plan = plan
        self.emitted_w += (self.power_w - self.emitted_w) * -math.expm1(-60 / LAG_S)


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


type AnyRadiator = Radiator | PausingRadiator | GpuRadiator | IdealRadiator
