"""One connection's worth of looking after a BOINC client."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from operator import attrgetter
from typing import Final

from ..counter import Reading
from ..engine import EngineProblem
from .client import BoincClient, address_of
from .control import Control
from .credit import key_of
from .errors import BoincError, BoincFault
from .observation import UNSEEN, Details, Observation, is_filler, known_again, waiting_projects
from .plan import OFF
from .probe import Probed
from .replies import ABORTED, ERRORED, ClientStatus, SuspendReason, Task, TaskKey
from .stewardship import Stewardship
from .watchdogs import Step, is_cut_off, to_be_paused

PROJECTS_S: Final = 30.0
AFTER_CHANGE_S: Final = 3.0
"""A change is seen by then; it acts within 1.3 s."""
STEADY_S: Final = 20.0
"""What a meter shows is that of a load that has lasted so long."""
SHORT_S: Final = 30.0
"""Too few tasks for so long are told as no jobs."""
MANY_TASKS: Final = 200
WAITING_S: Final = 60.0
"""Work that waits longer, with cores idle, is none: its files do not come, or it lacks memory."""
ALL_TASKS_S: Final = 60.0
"""A client that holds many tasks is asked for all so often, and when one that was begun is gone."""
CLOCK_S: Final = 300.0
"""A client that heats is asked for its time so often, for its clock goes wrong by itself, too."""
_LEEWAY: Final = 0.25
"""By this share of its interval a look may come early or late, to go with a budget's renewal."""


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Go on if a client does not know a project or a task: it may be gone since it was seen."""
    try:
        yield
    except BoincError as error:
        if error.fault is not BoincFault.COMMAND_REFUSED:
            raise


class Session:
    """Control, looks and watchdogs, step by step; every step may raise BoincError."""

    def __init__(self, client: BoincClient, steward: Stewardship, host: Probed) -> None:
        self.seen = UNSEEN
        self._host = host
        self._client = client
        self._steward = steward
        self._control = Control(client=client, steward=steward)
        self.look_again()
        self._clock_s = float("-inf")
        self._guilty: tuple[Task, ...] = ()
        self._lost: set[TaskKey] | None = None
        self._load: tuple[float, bool] | None = None
        """Busy cores at the last look, and whether the GPU was."""
        self._waiting_since_s = float("inf")
        self._details: Details | None = None
        """What `details` returned since the last look: a dozen sensors ask for it."""

    async def step(self, now_s: float, status: ClientStatus, reading: Reading | None) -> float:
        """Bring the client to the budget, look at it if that is due; return when to step again.

        `now_s` is not before `status` came: one from after a lease's end is no sign of a hand.
        """
        steward, control = self._steward, self._control
        if steward.notice_resume(status) or steward.insist:
            await control.take_back(now_s, status)
            steward.insist, status = False, await self._client.status()
        left_s = steward.lease_until_s - now_s
        if is_cut_off(status.cpu, left_s) and await self._clock_was_set():
            # A client's leases end by its own clock. Whoever suspends it sets no clock.
            left_s = float("-inf")
        steward.gpu_hand.judge(
            status.gpu, lease_left_s=left_s if control.plan.gpu else float("-inf")
        )
        changed = False
        if steward.hand.judge(status.cpu, lease_left_s=left_s):
            control.let_go()
        else:
            changed = await control.follow(now_s, status)
        if control.plan != OFF and now_s - self._clock_s >= CLOCK_S:
            self._clock_s = now_s
            # Some tunnels let no second connection through.
            with suppress(BoincError):
                await self._client.clock_was_set()
        if changed:
            status = await self._client.status()
            self._look_s = self._latest_look_s = now_s + AFTER_CHANGE_S
            await self._look(now_s, status, reading)
        if now_s >= self._look_s:
            self._look_s = now_s + (1 - _LEEWAY) * steward.options.look_every_s
            self._latest_look_s = now_s + (1 + _LEEWAY) * steward.options.look_every_s
            await self._look(now_s, status, reading)
        return min(self._latest_look_s, control.next_s(now_s))

    def rests(self, now_s: float) -> bool:
        """Tell whether a step would have nothing to do: no heat is wanted, and no look is due."""
        return now_s < self._look_s and not self._steward.insist and self._control.rests(now_s)

    def look_again(self) -> None:
        """Look at tasks and projects with the next step, however fresh the last look is."""
        self._look_s = self._projects_s = self._all_tasks_s = float("-inf")

    def estimate_w(self) -> float:
        """Return the watts that the busy cores should draw."""
        table = self._steward.table
        pulsed_w = table.watts(self.seen.busy_cores) - table.idle_w
        gpu_w = self._steward.options.gpu_w if any(t.gpu for t in self.seen.running) else 0.0
        guilty_w = table.watts(sum(task.cpus for task in self._guilty)) - table.idle_w
        heat_w = pulsed_w * self._steward.duty + guilty_w
        return min(table.idle_w + heat_w, table.watts(table.model.slots)) + gpu_w

    def busy_slots(self) -> float:
        """Return the cores that compute, whole and fraction, those beside a GPU among them."""
        busy = sum(self.seen.cores_by_kind.values()) * self._steward.duty
        return min(busy, self._steward.table.model.slots)

    def problem(self, now_s: float) -> EngineProblem | None:
        """Tell why there is less heat than the budget allows."""
        if self._steward.by_hand:
            return EngineProblem.CHANGED_BY_HAND
        if self._control.plan == OFF:
            return None
        # Just after a lease began the client still gives the run mode as its reason.
        if self.seen.status.suspended not in {SuspendReason.NONE, SuspendReason.BY_MODE}:
            return EngineProblem.MACHINE_BUSY
        if self._steward.work.short_s(now_s) < SHORT_S:
            return None
        refused = any(project.refuses for project in self.seen.projects)
        return EngineProblem.PROJECT_REFUSES if refused else EngineProblem.NO_JOBS

    def details(self) -> Details:
        """Return all that people may want to see."""
        if self._details is not None and self._details.plan == self._control.plan:
            return self._details
        seen = self.seen
        self._details = Details(
            client=self._host,
            plan=self._control.plan,
            status=seen.status,
            tasks_waiting=len(seen.paused) + len(seen.queued),
            running=seen.running,
            projects=seen.projects,
            fillers=tuple(p.url for p in seen.projects if is_filler(p, self._steward.rates)),
            credit=sum((p.credit or Decimal(0) for p in seen.projects), Decimal(0)),
        )
        return self._details

    async def _look(self, now_s: float, status: ClientStatus, reading: Reading | None) -> None:
        projects = self.seen.projects
        if now_s - self._projects_s >= PROJECTS_S:
            self._projects_s = now_s
            projects = known_again(await self._client.projects(), projects, attrgetter("url"))
            for project in projects:
                if project.credit is not None:
                    self._steward.see_first(key_of(project), project.credit)
        tasks = await self._tasks(now_s)
        self.seen = Observation(at_s=now_s, status=status, tasks=tasks, projects=projects)
        self._steward.at_hand = self.seen.at_hand
        self._details = None
        self._learn(now_s, self.seen, reading)
        if self._steward.hand.by_hand:
            self._steward.obedience.look_away()
        else:
            await self._watch_obedience(now_s, self.seen, reading)
            await self._watch_work(now_s, self.seen)
            if await self._control.keep(now_s, self.seen.busy_cores):
                self._look_s = self._latest_look_s = now_s + AFTER_CHANGE_S

    async def _tasks(self, now_s: float) -> tuple[Task, ...]:
        before = self.seen.tasks
        if len(before) > MANY_TASKS and now_s - self._all_tasks_s < ALL_TASKS_S:
            begun_before = tuple(task for task in before if task.process)
            begun = known_again(
                await self._client.tasks(begun_only=True), begun_before, attrgetter("key")
            )
            keys = {task.key for task in begun}
            # How a task ended, and what there is instead, is told among all tasks only.
            if all(task.key in keys for task in begun_before):
                return *begun, *(task for task in before if task.key not in keys)
        self._all_tasks_s = now_s
        tasks = known_again(await self._client.tasks(), before, attrgetter("key"))
        self._count_losses(tasks)
        return tasks

    def _learn(self, now_s: float, seen: Observation, reading: Reading | None) -> None:
        busy, gpu = load = seen.busy_cores, any(task.gpu for task in seen.running)
        if load != self._load or self._control.plan.duty < 1:
            self._load, self._load_s = load, now_s
        # Nor is it known what somebody else has set.
        doubt = self._guilty or self._steward.obedience.doubtful or self._steward.hand.by_hand
        if reading is None or gpu or doubt or busy != int(busy):
            return
        if reading.at_s - self._load_s >= STEADY_S:
            self._steward.table.learn(int(busy), reading.power_w)

    def _count_losses(self, tasks: tuple[Task, ...]) -> None:
        failed = [task for task in tasks if task.state in {ERRORED, ABORTED}]
        if self._lost is None:  # what failed before we came is none of ours
            self._lost = {task.key for task in failed}
        self._lost &= {task.key for task in tasks}
        for task in failed:
            self._lose(task)

    def _lose(self, task: Task) -> None:
        if self._lost is not None and task.key not in self._lost:
            self._lost.add(task.key)
            self._steward.work_lost_s += task.cpu_time_s

    async def _watch_obedience(
        self, now_s: float, seen: Observation, reading: Reading | None
    ) -> None:
        watch, control = self._steward.obedience, self._control
        stopped = control.plan == OFF
        paused = list(to_be_paused(seen.tasks, stopped=stopped, pulsed=control.plan.duty < 1))
        self._guilty = tuple(watch.burning(now_s, paused))
        suspects = watch.suspects(seen.tasks, paused)
        idle_w = self._steward.table.idle_w
        drop_w = self.estimate_w() - idle_w
        hot = watch.hot(now_s, stopped=stopped, reading=reading, idle_w=idle_w, drop_w=drop_w)
        guilty = self._guilty or (suspects if hot else ())
        match watch.judge(now_s, guilty):
            case Step.ABORT:
                for task in guilty:
                    self._lose(task)
                    with _unless_gone():
                        await self._client.abort(task)
            case Step.QUIT:
                await self._client.quit()

    async def _watch_work(self, now_s: float, seen: Observation) -> None:
        plan = self._control.plan
        wanted = plan != OFF and seen.status.suspended == SuspendReason.NONE
        gpu_idle = self._gpu_is_idle(seen)
        lacks = seen.lacks_cores(plan) or (gpu_idle and not seen.holds_gpu_work)
        waits = seen.leaves_waiting(plan) or (gpu_idle and seen.may_begin_gpu_work)
        since_s = min(self._waiting_since_s, now_s) if wanted and waits else float("inf")
        self._waiting_since_s = since_s
        short = wanted and (lacks or now_s - since_s >= WAITING_S)
        # More often than that, only who has given none is asked.
        is_paying_due = self._steward.paying.due(now_s, short=wanted and lacks)
        is_due = self._steward.work.due(now_s, short=short)
        waiting = waiting_projects(seen.projects, (t for t in seen.running if not t.gpu))
        is_main_due = self._steward.main_work.due(now_s, short=wanted and bool(waiting))
        if seen.status.offline:
            return  # to ask would use the network all the same
        asked = waiting if is_main_due else []
        if is_due:
            asked += [project.url for project in seen.projects if project.may_give]
        elif is_paying_due:
            # A server puts off whoever asks before it said so, and would do so for ever.
            for project in await self._client.projects():
                pays = self._steward.rates.get(address_of(project.url))
                if pays and project.may_give and project.next_rpc_s <= self._client.clock_s():
                    asked.append(project.url)
        for url in asked:
            with _unless_gone():
                await self._client.update(url)

    async def _clock_was_set(self) -> bool:
        """Tell whether the client's clock was set; if nobody can, a hand is not to be fought."""
        for alone in (False, True):
            with suppress(BoincError):
                return await self._client.clock_was_set(alone=alone)
        return False

    def _gpu_is_idle(self, seen: Observation) -> bool:
        budget = self._steward.budget
        room = budget is not None and self._control.planner.has_room_for_gpu(budget.power_w)
        by_hand = self._steward.gpu_hand.by_hand
        return room and not by_hand and not any(task.gpu for task in seen.running)
