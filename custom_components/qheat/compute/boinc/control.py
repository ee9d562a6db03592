"""Hold one client to a heat budget: preferences say how much, a leased run mode says how long."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from .client import BoincClient
from .errors import BoincError, BoincFault
from .plan import OFF, Plan, Planner, override_with, preferences_for
from .replies import RESTING, ClientStatus, RunMode
from .stewardship import Stewardship
from .watchdogs import LONGEST_LEASE_S

BETWEEN_CHANGES_S: Final = 10.0
SHORTEST_LEASE_S: Final = 1.0
PREFERENCES_S: Final = 60.0
"""The preferences in force are read so often, in case somebody else has saved his."""
_TOLERANCE: Final = 0.01


@dataclass(slots=True, kw_only=True)
class Control:
    """What one connection has told its client.

    Behind the lease the client is set to `never` for good: if nobody renews the lease, or the
    client is started anew, nothing computes.
    """

    client: BoincClient
    steward: Stewardship
    planner: Planner = field(init=False)
    plan: Plan = OFF
    _written: dict[str, float] | None = None
    _read_s: float = float("-inf")

    def __post_init__(self) -> None:
        """Plan with what the steward knows of the machine."""
        self.planner = Planner(table=self.steward.table, gpu_w=self.steward.options.gpu_w)

    async def follow(self, now_s: float, status: ClientStatus) -> bool:
        """Bring the client to the budget as far as is due; tell whether the plan was changed.

        Stopping is always due; other changes are made at least ten seconds apart.
        """
        clock = asyncio.get_running_loop().time
        begun_s = clock()
        budget, wanted = self.steward.budget, self._wanted(now_s)
        if budget is None or wanted == OFF:
            return await self._rest(now_s, status)
        changed = self._settled(now_s) and self.planner.worth(self.plan, wanted, budget.power_w)
        if changed:
            # Before it is made: one that fails half way was a change, too.
            self.steward.changed_s = now_s
            await self._write(wanted)
            self.plan, self.steward.duty = wanted, wanted.duty
        if self.plan != OFF:
            until_s = min(budget.expires_s, now_s + LONGEST_LEASE_S)
            if (
                changed
                or until_s != self.steward.lease_until_s
                or status.cpu.mode is not RunMode.ALWAYS
            ):
                # On a slow line a good part of a budget goes by with what was told before.
                left_s = until_s - now_s - (clock() - begun_s)
                if left_s < SHORTEST_LEASE_S:
                    return await self._rest(now_s, status)
                await self._lease(left_s, status)
                self.steward.lease_until_s = until_s
        return changed

    async def keep(self, now_s: float, busy_cores: float) -> bool:
        """Write the preferences again if somebody else has changed them; tell whether it was so.

        They are read once a minute, and whenever more cores are busy than may be.
        """
        read_s = now_s if busy_cores > self.plan.cores else now_s - PREFERENCES_S
        if self._written is None or not self._settled(now_s) or self._read_s > read_s:
            return False
        self._read_s = now_s
        if _are_met(self._written, await self.client.preferences()):
            if (await self.client.host()).cores != self.steward.table.model.slots:
                # They are a share of other cores now: whoever connects anew counts these.
                raise BoincError(BoincFault.UNREACHABLE, "The machine has other cores now")
            return False
        self.steward.changed_s, self._written = now_s, None
        await self._write(self.plan)
        return True

    async def take_back(self, now_s: float, status: ClientStatus) -> None:
        """Set a client to rest that somebody else has set to something."""
        self.let_go()
        if await rest(self.client, status, gpu=not self.steward.gpu_hand.by_hand):
            self.steward.changed_s = now_s

    def let_go(self) -> None:
        """Forget what was told: somebody else has taken the radiator."""
        self.plan = OFF
        self.steward.lease_until_s = -math.inf
        # Nobody watches the preferences from now on.
        self._written = None

    def rests(self, now_s: float) -> bool:
        """Tell whether nothing computes, and the budget asks for nothing else."""
        return self.plan == OFF and self._wanted(now_s) == OFF

    def next_s(self, now_s: float) -> float:
        """Return when this has something to do by itself: an end, or a change put off."""
        budget = self.steward.budget
        if budget is None or budget.expires_s <= now_s:
            return math.inf
        changes_s = self.steward.changed_s + BETWEEN_CHANGES_S
        return min(budget.expires_s, changes_s if changes_s > now_s else math.inf)

    def _wanted(self, now_s: float) -> Plan:
        budget, at_hand = self.steward.budget, self.steward.at_hand
        if budget is None or budget.expires_s - now_s < SHORTEST_LEASE_S:
            return OFF
        if self.steward.gpu_hand.by_hand:
            at_hand = replace(at_hand, gpu=False)
        return self.planner.plan(budget.power_w, at_hand)

    def _settled(self, now_s: float) -> bool:
        return now_s - self.steward.changed_s >= BETWEEN_CHANGES_S

    async def _rest(self, now_s: float, status: ClientStatus) -> bool:
        if self.plan != OFF:
            self.steward.changed_s = now_s
        self.let_go()
        return await rest(self.client, status)

    async def _lease(self, left_s: float, status: ClientStatus) -> None:
        # Who sets the GPU's run mode by hand is left alone with it.
        if not self.steward.gpu_hand.by_hand:
            if self.plan.gpu:
                await self.client.set_gpu_mode(RunMode.ALWAYS, left_s)
            elif status.gpu.mode is not RunMode.NEVER:
                await self.client.set_gpu_mode(RunMode.NEVER)
        await self.client.set_cpu_mode(RunMode.ALWAYS, left_s)

    async def _write(self, plan: Plan) -> None:
        """Write the preferences of a plan and read back what the client made of them."""
        wanted = preferences_for(plan, self.steward.table.model.slots)
        if wanted == self._written:
            return
        self._written = None
        originals = self.steward.originals
        assert originals is not None  # put away before a client is taken over
        # Ours may not get through in a file that somebody has broken.
        for text in (await originals.current(self.client), originals.override):
            await self.client.set_override(override_with(text, wanted))
            if _are_met(wanted, await self.client.preferences()):
                self._written = wanted
                return
        raise BoincError(BoincFault.COMMAND_REFUSED, "The client did not take the preferences")


def _are_met(wanted: Mapping[str, float], taken: Mapping[str, float]) -> bool:
    # A client older than 8.0 tells nothing of preferences that it does not know.
    return all(abs(taken.get(name, value) - value) <= _TOLERANCE for name, value in wanted.items())


async def rest(client: BoincClient, status: ClientStatus, *, gpu: bool = False) -> bool:
    """Set a client to compute nothing, for good; tell whether it was not so already.

    Without `gpu` its run mode is left as it is: where no core may compute, no GPU does.
    """
    changed = False
    if gpu and status.gpu != RESTING:
        await client.set_gpu_mode(RunMode.NEVER)
        changed = True
    if status.cpu != RESTING:
        await client.set_cpu_mode(RunMode.NEVER)
        changed = True
    return changed
