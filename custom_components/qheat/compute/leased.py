"""The life of one lease: fetch, compute, deliver, and keep it alive meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from math import inf
from random import Random
from typing import Final

from .backoff import Backoff
from .client import BackendError, JobClient
from .engine import EngineProblem
from .machine import Machine, WorkError, WorkFault, WorkResult
from .messages import GiveBackReason, JobLease
from .trust import Trust, UntrustedError

_GIVE_BACK_S: Final = 5.0
_SHORTEST_RENEWAL_S: Final = 0.2
_REASONS: Final[Mapping[WorkFault, GiveBackReason]] = {
    WorkFault.REFUSED: GiveBackReason.REFUSED,
    WorkFault.BUDGET_ENDED: GiveBackReason.UNWANTED,
    WorkFault.WORKER_DIED: GiveBackReason.STOPPED,
}
"""Any other fault is the job's own."""


class Phase(Enum):
    """What a leased job is at."""

    FETCHING = auto()
    COMPUTING = auto()
    DELIVERING = auto()


class LeasedJob:
    """One leased job: `run` carries it through, `end` gives it up while it has no result.

    `report` hears how each talk with the backend went: a problem, or None.
    """

    def __init__(
        self,
        client: JobClient,
        machine: Machine,
        radiator_id: str,
        lease: JobLease,
        *,
        slot_w: float,
        trust: Trust,
        random: Random,
        report: Callable[[EngineProblem | None], None],
    ) -> None:
        self.lease: Final = lease
        self.phase = Phase.FETCHING
        self.since_s = time.monotonic()
        """When its fetching or computing began (time.monotonic): jobs get slots in this order."""
        self.ends_s = time.monotonic() + lease.ttl_s
        """When the lease ends if nobody renews it (time.monotonic)."""
        self.problem: EngineProblem | None = None
        """Why the backend gives no input, or takes no result, now."""
        self.fault: WorkFault | None = None
        self.lost_s = 0.0
        """CPU seconds that came to nothing, or will if the job ends now."""
        self.used_s = 0.0
        """CPU seconds that the job has used, a second ago."""
        self._client = client
        self._machine = machine
        self._radiator_id = radiator_id
        self._slot_w = slot_w
        self._trust = trust
        self._random = random
        self._report = report
        self._ended = False
        self._reason: GiveBackReason | None = None
        self._work: asyncio.Task[WorkResult] | None = None

    async def run(self) -> bool:
        """Do the job and tell whether the backend took its result; else the lease goes back."""
        keeper = asyncio.create_task(self._keep_lease(), name="qheat lease")
        try:
            result = await self._compute()
            if result is not None:
                if await self._deliver(result):
                    return True
                # Refused by a proxy, for its size, the job would come here again and again.
                self._reason = GiveBackReason.FAILED
            if self._reason is not None:
                await self._give_back(self._reason)
            return False
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    def end(self, reason: GiveBackReason | None) -> None:
        """Give the job up; None: its lease is lost already. A result in hand is still delivered."""
        if self._ended or self.phase is Phase.DELIVERING:
            return
        self._ended, self._reason = True, reason
        if self._work is not None:
            self._work.cancel()

    async def _compute(self) -> WorkResult | None:
        self._work = asyncio.create_task(self._fetch_and_work(), name="qheat work")
        if self._ended:
            self._work.cancel()
        try:
            result = await self._work
        except asyncio.CancelledError:
            self.lost_s = self.used_s
            # Ended by `end`, and not because this very task is cancelled.
            if not self._ended or _is_cancelled():
                raise
        except WorkError as error:
            # A runner that dies tells nothing: then what was used a second ago has to do.
            self.fault, self.lost_s = error.fault, max(error.cpu_s, self.used_s)
            self._reason = _REASONS.get(error.fault, GiveBackReason.FAILED)
        except BackendError as error:
            # A gateway whose backend is away says 502: that is no fault of the job's.
            passes = error.status is not None and not error.is_final
            self._reason = GiveBackReason.STOPPED if passes else GiveBackReason.FAILED
        else:
            self.phase, self.used_s = Phase.DELIVERING, result.cpu_s
            return result
        return None

    async def _fetch_and_work(self) -> WorkResult:
        lease = self.lease
        self._check_trust()
        module = await self._insist(lambda: self._client.module(lease.module_sha256), _away)
        data = await self._insist(lambda: self._client.input_data(lease.input_sha256), _away)
        self.phase, self.since_s = Phase.COMPUTING, time.monotonic()
        work = self._machine.run(
            self._radiator_id,
            module,
            data,
            lease.limits,
            lease.module_sha256,
            count_fuel=lease.count_fuel,
            used=self._use,
        )
        del module, data  # the machine lets go of them, too
        return await work

    def _use(self, cpu_s: float) -> None:
        self.used_s = cpu_s

    def _check_trust(self) -> None:
        """Raise WorkError for a module that is neither the machine's own nor accepted."""
        if self.lease.module_sha256 in self._machine.modules:
            return
        try:
            self._trust.check(self.lease, time.time())
        except UntrustedError as error:
            self._report(error.problem)
            raise WorkError(WorkFault.REFUSED, str(error)) from error

    async def _deliver(self, result: WorkResult) -> bool:
        self.lost_s = result.cpu_s
        settlement = await self._insist(
            lambda: self._client.deliver(
                self.lease.lease_id,
                self._radiator_id,
                result.output,
                result.cpu_s * self._slot_w,
                result.fuel,
            ),
            lambda _error: True,
        )
        if settlement is not None:
            self.lost_s = 0.0
        return settlement is not None

    async def _give_back(self, reason: GiveBackReason) -> None:
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                await self._client.give_back(self.lease.lease_id, reason)
        except BackendError as error:
            self._report(error.problem)  # Then the lease expires by itself.
        except TimeoutError:
            self._report(EngineProblem.BACKEND_UNREACHABLE)

    async def _keep_lease(self) -> None:
        backoff, pause_s = Backoff(self._random), inf
        while True:
            left_s = self.ends_s - time.monotonic()
            # A backend's wish may be for longer than the lease, on which the work of hours hangs.
            pause_s = max(min(pause_s, left_s / 3), _SHORTEST_RENEWAL_S)
            try:
                async with asyncio.timeout(left_s):
                    await asyncio.sleep(pause_s)
                    ttl_s = await self._client.renew(self.lease.lease_id, self.used_s)
            except BackendError as error:
                self._report(error.problem)
                pause_s = backoff.next_s(error.retry_after_s)
                continue
            except TimeoutError:
                ttl_s = None
            else:
                self._report(None)
            if ttl_s is None:
                self.end(None)
                return
            self.ends_s = time.monotonic() + ttl_s
            backoff.reset()
            pause_s = inf

    async def _insist[T](
        self,
        ask: Callable[[], Awaitable[T]],
        may_pass: Callable[[BackendError], bool],
    ) -> T:
        """Ask until there is an answer, or an error that will not pass."""
        backoff = Backoff(self._random)
        while True:
            try:
                answer = await ask()
            except BackendError as error:
                self._tell(error.problem)
                if not may_pass(error):
                    raise
                await asyncio.sleep(backoff.next_s(error.retry_after_s))
            else:
                self._tell(None)
                return answer

    def _tell(self, problem: EngineProblem | None) -> None:
        """Tell of the job itself: that its lease can be renewed is no answer to this."""
        self.problem = problem
        self._report(problem)


def _away(error: BackendError) -> bool:
    return error.problem is EngineProblem.BACKEND_UNREACHABLE


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
