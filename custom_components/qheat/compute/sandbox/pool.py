"""The runner's jobs and the owners they belong to: shared, paused, limited, ended."""

import contextlib
import os
import selectors
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from .child import Child, Failure, Outcome
from .duty import Duty, Guard, Seat, fair_shares, guarded_shares
from .frames import Frame
from .processor import busy_s
from .work import Limits, Mode, WorkFault

_USAGE_SAMPLES = 5
_WORTH_A_WORD = 0.05
"""What a guarded share must miss of a fair one, in slots, before the machine counts as busy."""
_CALM_S = 60.0
"""For so long after that it still counts as busy: loads come in bursts."""


@dataclass(slots=True)
class Job:
    """One piece of work; it has a process from the first time that it may run."""

    number: int
    owner: str
    mode: Mode
    limits: Limits
    frame: Frame | None
    child: Child | None = None
    seat: Seat | None = None
    booked_s: float = 0.0


@dataclass(slots=True)
class Owner:
    """One radiator's budget, and what its workers have used."""

    slots: float = 0.0
    expires_s: float = 0.0
    urgent: bool = False
    squeezed_s: float = -inf
    cpu_s: float = 0.0
    samples: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=_USAGE_SAMPLES)
    )

    def busy_slots(self, now_s: float) -> float:
        """Return the mean cores kept busy over the last samples."""
        self.samples.append((now_s, self.cpu_s))
        since_s, before_s = self.samples[0]
        return (self.cpu_s - before_s) / (now_s - since_s) if now_s > since_s else 0.0


class Pool:
    """Runs jobs for owners on `slots` slots; `done` hears of every job that ends."""

    def __init__(
        self,
        slots: int,
        wasmtime_folder: str,
        selector: selectors.BaseSelector,
        done: Callable[[Job, Outcome, float], None],
    ) -> None:
        self.owners: dict[str, Owner] = {}
        self.jobs: dict[int, Job] = {}
        self._slots = slots
        self._wasmtime_folder = wasmtime_folder
        self._selector = selector
        self._done = done
        self._duty = Duty(slots)
        self._guard = Guard(os.process_cpu_count() or 1)
        self._own_s = 0.0

    def end(self, job: Job, failure: Failure) -> None:
        """End `job` without a result."""
        if job.child is not None:
            job.child.kill(failure)
            return
        del self.jobs[job.number]
        self._done(job, failure, 0.0)

    def kill_all(self) -> None:
        """End all workers and wait for their end; nobody hears of it."""
        children = [job.child for job in self.jobs.values() if job.child is not None]
        for child in children:
            child.kill(Failure(WorkFault.WORKER_DIED, "the runner stops"))
        for child in children:
            child.reap()

    def measure(self, now_s: float) -> None:
        """Book the CPU time that workers used, and end those that took too much."""
        for job in self.jobs.values():
            if job.child is None:
                continue
            cpu_s = job.child.cpu_s()
            self._book(job, cpu_s)
            if cpu_s > job.limits.cpu_s:
                job.child.kill(Failure(WorkFault.OUT_OF_TIME, f"more than {job.limits.cpu_s} s"))
        # Where the kernel does not tell, the slots alone are the limit.
        with contextlib.suppress(OSError, ValueError, KeyError):
            self._guard.observe(now_s, busy_s(), self._own_s)

    def share(self, now_s: float) -> None:
        """End the jobs that have no live budget; let the others run or wait."""
        for job in list(self.jobs.values()):
            owner = self.owners.get(job.owner)
            if owner is None or owner.expires_s <= now_s:
                self.end(job, Failure(WorkFault.BUDGET_ENDED, "there is no budget"))
        shares = self._shares(now_s)
        seats = self._seat(shares)
        chosen = self._duty.choose(now_s, shares)
        for job in list(self.jobs.values()):
            if job.child is not None and job.seat not in chosen:
                job.child.run(wanted=False)
        for seat in chosen & seats.keys():
            self._run(seats[seat])

    def usage(self, now_s: float) -> Iterable[dict[str, object]]:
        """Yield what each owner's workers do; drop idle owners."""
        for name, owner in list(self.owners.items()):
            jobs = [job for job in self.jobs.values() if job.owner == name]
            running = sum(job.child is not None and job.seat is not None for job in jobs)
            busy_slots = owner.busy_slots(now_s)
            yield {
                "owner": name,
                "busy_slots": busy_slots,
                "running": running,
                "paused": len(jobs) - running,
                "machine_busy": not owner.urgent and now_s < owner.squeezed_s + _CALM_S,
                "jobs": [[job.number, job.booked_s] for job in jobs],
            }
            if not jobs and busy_slots == 0.0 and owner.expires_s <= now_s:
                del self.owners[name]
                self._duty.forget(name)

    def _shares(self, now_s: float) -> dict[str, float]:
        counts = Counter(job.owner for job in self.jobs.values())
        wants = {name: min(owner.slots, float(counts[name])) for name, owner in self.owners.items()}
        urgent = frozenset(name for name, owner in self.owners.items() if owner.urgent)
        shares = guarded_shares(wants, urgent, self._slots, self._guard.free_cores)
        for name, fair in fair_shares(wants, self._slots).items():
            if shares[name] < fair - _WORTH_A_WORD:
                self.owners[name].squeezed_s = now_s
        return shares

    def _seat(self, shares: dict[str, float]) -> dict[Seat, Job]:
        """Seat each owner's jobs, the oldest first and burning for nothing but warmth last."""
        taken: Counter[str] = Counter()
        seats = {}
        for job in sorted(self.jobs.values(), key=lambda job: (job.mode is Mode.BURN, job.number)):
            index = taken[job.owner]
            taken[job.owner] += 1
            job.seat = (job.owner, index) if index < shares[job.owner] else None
            if job.seat is not None:
                seats[job.seat] = job
        return seats

    def _run(self, job: Job) -> None:
        """Resume `job`, or give it its process."""
        if job.child is not None:
            job.child.run(wanted=True)
            return
        assert job.frame is not None
        try:
            job.child = Child(job.frame, job.limits, self._wasmtime_folder)
        except OSError as err:
            self.end(job, Failure(WorkFault.WORKER_DIED, f"cannot start a worker: {err}"))
            return
        job.frame = None
        self._selector.register(
            job.child.descriptor, selectors.EVENT_READ, lambda: self._ended(job)
        )

    def _ended(self, job: Job) -> None:
        assert job.child is not None
        self._selector.unregister(job.child.descriptor)
        outcome, cpu_s = job.child.reap()
        self._book(job, cpu_s)
        del self.jobs[job.number]
        self._done(job, outcome, cpu_s)

    def _book(self, job: Job, cpu_s: float) -> None:
        used_s = max(cpu_s - job.booked_s, 0.0)
        job.booked_s += used_s
        self._own_s += used_s
        self.owners[job.owner].cpu_s += used_s
        if job.seat is not None:
            self._duty.spend(job.seat, used_s)
