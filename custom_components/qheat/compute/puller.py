"""Asks for leases: no oftener than is polite, and so that a lost answer leaks none."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from .. import wire
from .backoff import Backoff
from .client import BackendError, JobClient
from .engine import EngineProblem, PowerModel
from .messages import GiveBackReason, JobLease, PullRequest

_WAIT_S: Final = 20
_EMPTY_S: Final = 10.0
_SHORTEST_S: Final = 1.0
_BRIEF_S: Final = 2.0
"""For so long the next job may be waited for: two in a row that go wrong are no want of jobs."""
_SHUN_S: Final = 600.0


class Puller:
    """One radiator's requests for leases; `clock` tells seconds."""

    def __init__(
        self,
        client: JobClient,
        radiator_id: str,
        power: PowerModel,
        random: Random,
        *,
        unpaid: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.problem: EngineProblem | None = None
        """Why the last pull had no answer."""
        self._client = client
        self._radiator_id = radiator_id
        self._power = power
        self._unpaid = unpaid
        self._clock = clock
        self._backoff = Backoff(random)
        self._brought_nothing = False
        self._waits_long = False
        self._not_before_s = 0.0
        self._unwelcome_until_s = 0.0
        """Until then the backend wants to be left alone."""
        self._unanswered: PullRequest | None = None
        self._shunned: dict[str, float] = {}

    @property
    def pause_s(self) -> float:
        """Seconds until the next pull is due; not more than 0: now."""
        return self._not_before_s - self._clock()

    @property
    def is_dry(self) -> bool:
        """Whether no job is to be had now: the last pull brought none, or the next waits long."""
        return self._brought_nothing or (self._waits_long and self.pause_s > 0)

    @property
    def shuns_modules(self) -> bool:
        """Whether a module was refused a while ago, and why is still worth telling."""
        return any(until_s > self._clock() for until_s in self._shunned.values())

    def hurry(self) -> None:
        """Let the next pull be due as soon as the backend wants it."""
        self._not_before_s = self._unwelcome_until_s

    def went_well(self) -> None:
        """Begin again with short pauses: a job was done."""
        self._backoff.reset()

    def went_wrong(self, refused_module: str | None = None) -> None:
        """Pause, for a job was not done; take none of a refused module for a while."""
        now_s = self._clock()
        self._shunned = {module: s for module, s in self._shunned.items() if s > now_s}
        if refused_module is not None:
            self._shunned[refused_module] = now_s + _SHUN_S
        if self.pause_s <= 0:  # what goes wrong together has gone wrong once
            pause_s = self._backoff.next_s()
            self._waits_long = pause_s > _BRIEF_S
            self._pause(pause_s)

    async def pull(self, count: int, wanted_s: float) -> tuple[JobLease, ...]:
        """Return at most `count` leases for jobs that may run here. Raises BackendError."""
        # Asked again under the same key, a request whose answer was lost gets the same leases.
        request = self._unanswered or PullRequest(
            radiator_id=self._radiator_id,
            key=uuid.uuid4().hex,
            count=min(count, wire.MOST_LEASES),
            slots=self._power.slots,
            slot_w=self._power.slot_w,
            wanted_s=wanted_s,
            unpaid=self._unpaid,
        )
        self._unanswered = request
        try:
            # The first answer comes at once: it tells whether own heat is needed.
            answer = await self._client.pull(request, _WAIT_S if self._brought_nothing else 0)
        except BackendError as error:
            self.problem, self._brought_nothing = error.problem, True
            if error.is_final:
                self._unanswered = None
            self._leave_alone(error.retry_after_s)
            self._pause(self._backoff.next_s())
            raise
        self._leave_alone(None if answer.leases else answer.retry_after_s)
        welcome = tuple(lease for lease in answer.leases if self._is_welcome(lease))
        if not answer.leases:
            self._pause(_EMPTY_S if answer.retry_after_s is None else _SHORTEST_S)
        elif not welcome:
            self._pause(self._backoff.next_s())
        # All at once: until this is done nobody knows whether own heat is needed.
        unwelcome = [lease for lease in answer.leases if lease not in welcome]
        await self._give_back(unwelcome, GiveBackReason.REFUSED)
        self._unanswered = None
        self.problem, self._brought_nothing = None, not welcome
        return welcome

    async def give_back_unanswered(self) -> None:
        """Give back what a pull without an answer may have been given, if that can be done now."""
        if self._unanswered is None:
            return
        with contextlib.suppress(BackendError):  # Then it expires by itself.
            answer = await self._client.pull(self._unanswered, 0)
            await self._give_back(answer.leases, GiveBackReason.STOPPED)
            self._unanswered = None

    async def _give_back(self, leases: Iterable[JobLease], reason: GiveBackReason) -> None:
        """Give leases back, all at once; one that cannot be given back expires by itself."""

        async def give_back(lease: JobLease) -> None:
            with contextlib.suppress(BackendError):
                await self._client.give_back(lease.lease_id, reason)

        await asyncio.gather(*map(give_back, leases))

    def _is_welcome(self, lease: JobLease) -> bool:
        shunned = self._shunned.get(lease.module_sha256, 0.0) > self._clock()
        return not shunned and (lease.is_paid or self._unpaid)

    def _leave_alone(self, wish_s: float | None) -> None:
        self._unwelcome_until_s = self._clock() + (wish_s or 0.0)

    def _pause(self, pause_s: float) -> None:
        self._not_before_s = max(self._clock() + pause_s, self._unwelcome_until_s)
