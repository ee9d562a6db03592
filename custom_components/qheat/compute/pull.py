"""The pull engine: jobs from a backend, run on this machine's slots, as many as the heat needs."""

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random, SystemRandom
from typing import Final, override

from .client import BackendError, JobClient
from .engine import (
    Engine,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerModel,
    PowerSource,
    SettlementPage,
)
from .forecast import CRUMB, Lengths, heat_left_s, slot_wanted_s
from .leased import LeasedJob, Phase
from .machine import Machine, Usage, WorkError, WorkFault
from .messages import GiveBackReason, JobLease
from .patience import Patience
from .puller import Puller
from .trust import Trust

_LOGGER = logging.getLogger(__name__)

_STOP_S: Final = 5.0
_AGAIN_S: Final = 1.0
_LAST_START_S: Final = 60.0
"""So shortly before no heat is wanted no job is begun."""
_FETCH_S: Final = 30.0
"""For so long a job may be on its way before somebody freezes for it."""


class PullEngine(Engine):
    """Heats one radiator with leased jobs, and with nothing but warmth where the budget says so."""

    def __init__(
        self,
        client: JobClient,
        machine: Machine,
        radiator_id: str,
        power: PowerModel,
        *,
        trust: Trust | None = None,
        unpaid: bool = False,
        random: Random | None = None,
    ) -> None:
        self._client = client
        self._machine = machine
        self._radiator_id = radiator_id
        self._power = power
        self._trust = trust or Trust()
        self._patience = Patience(self._give_up)
        self._random = random or SystemRandom()
        self._puller = Puller(client, radiator_id, power, self._random, unpaid=unpaid)
        self._lengths = Lengths()
        self._budget = HeatBudget(power_w=0.0, expires_s=0.0)
        self._wake = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._pulling: asyncio.Task[None] | None = None
        self._jobs: dict[LeasedJob, asyncio.Task[None]] = {}
        self._burns: list[asyncio.Task[None]] = []
        self._work_problem: EngineProblem | None = None
        self._last_kind = HeatKind.NONE
        self._work_lost_s = 0.0

    @override
    async def start(self) -> None:
        """Start the supervising task; the backend need not be there yet."""
        self._supervisor = asyncio.create_task(self._supervise(), name="qheat pull engine")

    @override
    async def stop(self) -> None:
        """Kill all work and give the leases back, in a few seconds at most."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        self._budget = HeatBudget(power_w=0.0, expires_s=0.0)
        self._machine.allot(self._radiator_id, 0.0, time.monotonic())
        self._patience.watch(wanted=True)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_S):
                    await self._return_all()
        finally:
            supervisor.cancel()
            await asyncio.wait([supervisor])

    @override
    def set_budget(self, budget: HeatBudget) -> None:
        """Heat with at most this budget; if it has room for more jobs, ask for them at once."""
        had_room = self._room()
        slots = self._power.slots_for(budget.power_w)
        self._machine.allot(self._radiator_id, slots, budget.expires_s, urgent=budget.own_heat)
        self._budget = budget
        room = self._room()
        self._patience.watch(wanted=room > 0 or self._supervisor is None)
        if room > had_room:
            self._puller.hurry()
        self._wake.set()

    @override
    def status(self) -> EngineStatus:
        """Tell what runs now; watts are estimated from the CPU time that the workers used."""
        usage = self._machine.usage(self._radiator_id)
        computing = self._computing()
        running = min(usage.running, len(computing))
        left_s = [max(job.ends_s - time.monotonic(), 0.0) for job in self._jobs]
        busy_slots = None if self._supervisor is None else usage.busy_slots
        return EngineStatus(
            power_w=None if busy_slots is None else self._power.power_for(busy_slots),
            power_source=PowerSource.ESTIMATED,
            heat_kind=self._heat_kind(usage),
            jobs_running=running,
            jobs_paused=len(computing) - running,
            jobs_queued=self._count(Phase.FETCHING),
            work_lost_s=self._work_lost_s,
            lease_left_s=min(left_s, default=None),
            problem=self._present_problem(usage),
            cores_by_kind=dict(Counter(job.lease.kind for job in computing)),
            jobs_left_s=tuple(
                self._lengths.left_s(job.lease.module_sha256, job.used_s) for job in computing
            ),
        )

    @override
    async def settlements(self, after: str | None) -> SettlementPage:
        """Return the backend's settlements for this radiator behind a cursor."""
        return await self._client.settlements(self._radiator_id, after)

    async def _supervise(self) -> None:
        while True:
            await self._minded(self._drive)

    async def _minded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`; an error that nobody foresaw ends it alone, is told, and makes a pause."""
        try:
            await work()
        except Exception:
            if self._work_problem is not EngineProblem.ENGINE_FAILED:
                _LOGGER.exception("The pull engine met an error of its own")
            self._puller.went_wrong()
            self._report(EngineProblem.ENGINE_FAILED)
            await asyncio.sleep(_AGAIN_S)
        self._wake.set()

    async def _drive(self) -> None:
        self._jobs, self._burns, self._pulling = {}, [], None
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                self._balance_burns(group)
                if self._is_lost():
                    self._give_up(overdue=False)
                pause_s = None
                if self._pulling is None and self._missing() > 0:
                    pause_s = self._puller.pause_s
                    if pause_s <= 0:
                        self._pulling = group.create_task(self._minded(lambda: self._pull(group)))
                        pause_s = None
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()

    async def _pull(self, group: asyncio.TaskGroup) -> None:
        """Ask for the leases that are missing, and set to work on them."""
        try:
            if (count := self._missing()) < 1:
                return  # Another budget came meanwhile; to ask for none is an error, for ever.
            last_slot = self._room() - 1
            wanted_s = slot_wanted_s(self._budget, self._power, last_slot, time.monotonic())
            leases = await self._puller.pull(count, wanted_s)
            unaccepted = self._work_problem is EngineProblem.PUBLISHER_NOT_ACCEPTED
            if not self._jobs and not (unaccepted and self._puller.shuns_modules):
                self._report(None)
            for lease in leases:
                self._begin(lease, group)
        except BackendError:
            pass  # The puller tells why.
        finally:
            self._pulling = None

    def _begin(self, lease: JobLease, group: asyncio.TaskGroup) -> None:
        job = LeasedJob(
            self._client,
            self._machine,
            self._radiator_id,
            lease,
            slot_w=self._power.slot_w,
            trust=self._trust,
            random=self._random,
            report=self._report,
        )
        self._last_kind = _kind(job)
        self._jobs[job] = group.create_task(self._minded(lambda: self._carry_through(job)))

    async def _carry_through(self, job: LeasedJob) -> None:
        try:
            done = await job.run()
        finally:
            del self._jobs[job]
            self._work_lost_s += job.lost_s
        if done:
            self._lengths.learn(job.lease.module_sha256, job.used_s)
            self._puller.went_well()
        elif job.fault is WorkFault.REFUSED:
            self._puller.went_wrong(job.lease.module_sha256)
        else:
            self._puller.went_wrong()

    def _balance_burns(self, group: asyncio.TaskGroup) -> None:
        """Burn for own heat in the slots that no job keeps busy, if that may be and must be."""
        self._burns = [burn for burn in self._burns if not burn.done()]
        jobless = self._puller.is_dry or self._problem() is not None or self._is_held_up()
        idle = self._room() - self._count(Phase.COMPUTING)
        wanted = max(idle, 0) if self._budget.own_heat and jobless else 0
        for burn in self._burns[wanted:]:
            burn.cancel()
        for _ in range(len(self._burns), wanted):
            self._burns.append(group.create_task(self._minded(self._burn)))

    async def _burn(self) -> None:
        self._last_kind = HeatKind.OWN
        try:
            await self._machine.burn(self._radiator_id)
        except WorkError:
            await asyncio.sleep(_AGAIN_S)

    async def _return_all(self) -> None:
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.wait([self._pulling])
        for job in self._jobs:
            job.end(GiveBackReason.STOPPED)
        await asyncio.gather(
            self._puller.give_back_unanswered(),
            *[asyncio.wait([task]) for task in self._jobs.values()],
        )

    def _give_up(self, overdue: bool) -> None:
        """Give back the jobs that have not run, and after long also those that lose work."""
        for job in self._jobs:
            if overdue or job.used_s == 0:
                job.end(GiveBackReason.UNWANTED)

    def _report(self, problem: EngineProblem | None) -> None:
        if problem is not self._work_problem:
            self._work_problem = problem
            self._wake.set()

    def _room(self) -> int:
        """Return how many jobs the budget has room for now."""
        if self._budget.expires_s <= time.monotonic():
            return 0
        return math.ceil(self._power.slots_for(self._budget.power_w) - CRUMB)

    def _missing(self) -> int:
        """Return how many leases to ask for: none while they would wait, or heat ends."""
        if self._is_lost() or self._results_pile_up() or self._budget.draining:
            return 0
        ends_soon = heat_left_s(self._budget, self._power, time.monotonic()) < _LAST_START_S
        if ends_soon and not self._budget.own_heat:
            return 0
        return self._room() - (len(self._jobs) - self._count(Phase.DELIVERING))

    def _is_lost(self) -> bool:
        """Tell whether the machine is gone or silent: nobody could do what waits for it here."""
        return self._machine.usage(self._radiator_id).busy_slots is None

    def _computing(self) -> list[LeasedJob]:
        """Return the jobs begun, in the order in which they get slots."""
        begun = [job for job in self._jobs if job.phase is Phase.COMPUTING]
        return sorted(begun, key=lambda job: job.since_s)

    def _count(self, phase: Phase) -> int:
        return sum(job.phase is phase for job in self._jobs)

    def _heat_kind(self, usage: Usage) -> HeatKind:
        """Name what runs: where several kinds do, the whole is called what pays least."""
        if not usage.running and not usage.busy_slots:
            return HeatKind.NONE
        computing = self._computing()
        if self._burns and usage.running > len(computing):
            return HeatKind.OWN
        kinds = {_kind(job) for job in computing[: max(usage.running, 1)]}
        if HeatKind.FILLER in kinds:
            return HeatKind.FILLER
        # The watts are a mean over seconds: what is left of them is of the kind that ran last.
        return HeatKind.PAID if kinds else self._last_kind

    def _is_held_up(self) -> bool:
        """Tell whether jobs are long on their way here, or results pile up."""
        by_s = time.monotonic() - _FETCH_S
        late = any(job.phase is Phase.FETCHING and job.since_s < by_s for job in self._jobs)
        return late or self._results_pile_up()

    def _results_pile_up(self) -> bool:
        return self._count(Phase.DELIVERING) > self._power.slots

    def _problem(self) -> EngineProblem | None:
        """Return what is wrong with any job, else what was told last."""
        problems = (job.problem for job in self._jobs if job.problem is not None)
        return next(problems, self._work_problem)

    def _present_problem(self, usage: Usage) -> EngineProblem | None:
        if usage.busy_slots is None:
            return EngineProblem.ENGINE_FAILED
        if self._puller.problem is not None and self._missing() > 0:
            return self._puller.problem
        if (problem := self._problem()) is not None or self._room() == 0:
            return problem
        if self._puller.is_dry or self._is_held_up():
            return EngineProblem.NO_JOBS
        return EngineProblem.MACHINE_BUSY if usage.machine_busy else None


def _kind(job: LeasedJob) -> HeatKind:
    return HeatKind.PAID if job.lease.is_paid else HeatKind.FILLER
