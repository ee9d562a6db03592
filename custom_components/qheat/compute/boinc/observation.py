"""What was seen of a client at one moment, and what follows from it."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

from ..engine import HeatKind
from .client import address_of
from .plan import AtHand, Plan
from .probe import Probed
from .replies import PAUSED, READY, RESTING, RUNNING, ClientStatus, Project, SuspendReason, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a BOINC radiator does now, without secrets."""

    client: Probed
    plan: Plan
    status: ClientStatus
    tasks_waiting: int
    running: Sequence[Task]
    projects: Sequence[Project]
    fillers: tuple[str, ...]
    """The URLs of projects that are backups or pay nothing."""
    credit: Decimal


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One look at a client; what follows from it is worked out once, without `slots`."""

    at_s: float
    status: ClientStatus
    tasks: tuple[Task, ...]
    projects: tuple[Project, ...]

    @cached_property
    def running(self) -> tuple[Task, ...]:
        """Tasks that compute; between the pulses of a duty cycle, too."""
        return tuple(task for task in self._warming if self._runs(task))

    @cached_property
    def paused(self) -> tuple[Task, ...]:
        """Tasks begun that do not compute."""
        return tuple(task for task in self._warming if task.process and not self._runs(task))

    @cached_property
    def queued(self) -> tuple[Task, ...]:
        """Tasks not begun."""
        return tuple(t for t in self._warming if t.state <= READY and not t.process)

    @cached_property
    def busy_cores(self) -> float:
        """Cores that running tasks use while they are not pulsed."""
        return sum(task.cpus for task in self.running if not task.gpu)

    @cached_property
    def at_hand(self) -> AtHand:
        """What the tasks that are able to run can make use of."""
        able = [task for task in self._warming if task.state == READY and not task.barred]
        narrowest = min((task.cpus for task in able if not task.gpu), default=1.0)
        return AtHand(narrowest=max(1, round(narrowest)), gpu=any(task.gpu for task in able))

    def lacks_cores(self, plan: Plan) -> bool:
        """Tell whether fewer cores are busy than may be, and the client holds no work for them."""
        return self._idle_cores(plan) > 0 and self._narrowest_waiting > plan.cores

    def leaves_waiting(self, plan: Plan) -> bool:
        """Tell whether so many cores are idle that work the client holds would run on them."""
        return 0 < self._idle_cores(plan) >= self._narrowest_waiting

    @property
    def holds_gpu_work(self) -> bool:
        """Tell whether there is a task for the GPU, even if its files are still on their way."""
        return any(task.gpu and task.state <= READY and not task.barred for task in self.tasks)

    @property
    def may_begin_gpu_work(self) -> bool:
        """Tell whether there is a task for the GPU, and at most its run mode that stops it."""
        may = self.status.gpu_suspended in {SuspendReason.NONE, SuspendReason.BY_MODE}
        return may and self.holds_gpu_work

    @cached_property
    def first_deadline_s(self) -> float | None:
        """Return when the first unfinished task is due, in seconds since the epoch."""
        due = (t.deadline_s for t in self.tasks if t.state <= READY and t.deadline_s)
        return min(due, default=None)

    def heat_kind(self, rates: Mapping[str, Decimal], gpu_cores: float) -> HeatKind:
        """Return what most of the heat comes from: filler is what nobody pays for.

        `gpu_cores`: how many cores are as warm as the GPU.
        """
        running = self.running
        if not running:
            return HeatKind.NONE
        filler = {p.url for p in self.projects if is_filler(p, rates)}
        known = {p.url for p in self.projects} - filler
        on_gpu = sum(task.gpu for task in running)
        warmth = [task.cpus + (gpu_cores / on_gpu if task.gpu else 0.0) for task in running]
        paid = sum(
            warm for task, warm in zip(running, warmth, strict=True) if task.project_url in known
        )
        return HeatKind.PAID if 2 * paid > sum(warmth) else HeatKind.FILLER

    @cached_property
    def cores_by_kind(self) -> Mapping[str, float]:
        """Cores of running tasks by project, which is what a job's kind is here."""
        names = {project.url: project.name for project in self.projects}
        cores: dict[str, float] = {}
        for task in self.running:
            name = names.get(task.project_url, task.project_url)
            cores[name] = cores.get(name, 0.0) + task.cpus
        return cores

    @cached_property
    def _warming(self) -> tuple[Task, ...]:
        """Tasks that heat when they run: what needs no processor has a core beside all others."""
        idle = {project.url for project in self.projects if project.idles}
        return tuple(t for t in self.tasks if t.project_url not in idle) if idle else self.tasks

    @cached_property
    def _narrowest_waiting(self) -> float:
        """Fewest cores that work waits for, be it for its files or for memory."""
        waiting = (
            task.cpus
            for task in (*self.queued, *self.paused)
            if task.state <= READY and not task.barred and not task.gpu
        )
        return min(waiting, default=math.inf)

    def _idle_cores(self, plan: Plan) -> float:
        # The one core beside a GPU is there because the client knows no fewer.
        cores = 0 if plan.gpu and plan.cores == 1 else plan.cores
        return cores - sum(task.cpus for task in self.running)

    def _runs(self, task: Task) -> bool:
        reason = self.status.gpu_suspended if task.gpu else 0
        return (
            task.scheduled
            and task.process in {RUNNING, PAUSED}
            and (reason or self.status.suspended) == SuspendReason.NONE
        )


UNSEEN: Final = Observation(
    at_s=-math.inf,
    status=ClientStatus(cpu=RESTING, gpu=RESTING, suspended=0, gpu_suspended=0),
    tasks=(),
    projects=(),
)
"""Of a client that was not looked at, or not of late."""


def known_again[T](
    seen: tuple[T, ...], before: tuple[T, ...], name: Callable[[T], object]
) -> tuple[T, ...]:
    """Return what is seen, with the object of before for each that is still the same.

    Most tasks wait: a building would make thousands anew with every look, which Python's garbage
    collector has to go through.
    """
    if seen == before:
        return before
    # By names: a client could choose numbers that all have one hash, and hold up the loop for long.
    known = {name(one): one for one in before}
    return tuple(old if (old := known.get(name(one))) == one else one for one in seen)


def is_filler(project: Project, rates: Mapping[str, Decimal]) -> bool:
    """Tell whether a project is a backup (no resource share) or pays nothing."""
    return not project.resource_share or not rates.get(address_of(project.url))


def waiting_projects(projects: Sequence[Project], tasks: Iterable[Task]) -> list[str]:
    """Return the URLs of main projects, while all that runs is for backup projects."""
    backups = {project.url for project in projects if not project.resource_share}
    used = {task.project_url for task in tasks}
    if not used or not used <= backups:
        return []
    return [p.url for p in projects if p.resource_share and p.may_give]
