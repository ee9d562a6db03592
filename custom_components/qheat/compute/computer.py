"""What this computer draws, measured where it can be, and each radiator's share of it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, override

from .counter import Reading
from .engine import (
    Engine,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerSource,
    SettlementPage,
)
from .meter import PowerMeter
from .rapl import Rapl

RAPL_EVERY_S: Final = 5.0
RAPL_AGAIN_S: Final = 60.0
"""Where RAPL shows nothing, it is looked for again after so long."""
RAPL_FRESH_S: Final = 3 * RAPL_EVERY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the whole computer draws, and what has measured it."""

    reading: Reading
    source: PowerSource


class InUseError(Exception):
    """Somebody has this computer to themselves already."""


class ComputerPower:
    """The meters of this computer, and the radiators that share it, of whichever home."""

    def __init__(self, rapl: Rapl) -> None:
        self._rapl = rapl
        self._rapl_meter = PowerMeter(fresh_s=RAPL_FRESH_S)
        self._meters: list[PowerMeter] = []
        self._members: list[MeteredEngine] = []
        self._dealt: tuple[PowerMeter, float] | None = None
        """Which meter counts, and how much of it the radiators have got."""
        self.kept_kind: HeatKind | None = None
        """The kind of heat made by whoever has the computer to themselves; None: nobody has."""

    async def watch_rapl(self) -> None:
        """Read RAPL, if there is any, for ever."""
        while True:
            # The time is told in the thread: that may have to wait for one to be free.
            power_w = await asyncio.to_thread(lambda: self._rapl.power_w(time.monotonic()))
            self._rapl_meter.take(power_w)
            await asyncio.sleep(RAPL_EVERY_S if self._rapl.is_there else RAPL_AGAIN_S)

    @contextmanager
    def metered(self, meter: PowerMeter) -> Iterator[None]:
        """Believe a meter, before RAPL and before meters that came later."""
        self._meters.append(meter)
        try:
            yield
        finally:
            self._meters.remove(meter)

    def measured(self) -> Measured | None:
        """Return what the computer draws now; None: nothing measures it."""
        for meter in self._meters:
            if (reading := meter.reading()) is not None:
                return Measured(reading=reading, source=PowerSource.MEASURED)
        rapl = self._rapl_meter.reading()
        return None if rapl is None else Measured(reading=rapl, source=PowerSource.RAPL)

    def deal(self) -> bool:
        """Share out what an energy meter has counted since the last call; tell if one counts.

        Each step goes in proportion to the estimates at its time: as a meter moves more often
        while more is drawn, in the end each radiator has what it drew.
        """
        before, self._dealt = self._dealt, self._counted()
        if self._dealt is None:
            return False
        meter, counted_j = self._dealt
        if before is None or before[0] is not meter:
            return True
        estimates_w = [(one, one.estimate_w() or 0.0) for one in self._members]
        sum_w = sum(power_w for _, power_w in estimates_w)
        for member, power_w in estimates_w:
            share = power_w / sum_w if sum_w else 1 / len(estimates_w)
            member.counted_j += (counted_j - before[1]) * share
        return True

    def _counted(self) -> tuple[PowerMeter, float] | None:
        """Return the meter that is believed, if it is one that counts energy, and its count."""
        for meter in self._meters:
            if meter.shown() is not None:
                return None
            if (counted_j := meter.counted_j()) is not None:
                return meter, counted_j
        return None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the computer free of all radiators' work. Raises InUseError if it is kept."""
        if self.kept_kind is not None:
            raise InUseError
        self.kept_kind = HeatKind.NONE
        try:
            for member in self._members:
                member.rest()
            yield
        finally:
            self.kept_kind = None

    def join(self, member: MeteredEngine) -> None:
        """Let a radiator have its share of what is measured."""
        self._members.append(member)

    def leave(self, member: MeteredEngine) -> None:
        """Split what is measured among the others."""
        if member in self._members:
            self._members.remove(member)

    def share_of(self, member: MeteredEngine) -> Measured | None:
        """Return the part of what is measured that is a radiator's: in proportion to estimates."""
        measured = self.measured()
        if measured is None or self._members == [member]:
            return measured
        estimates_w = {one: one.estimate_w() for one in self._members}
        known_w = [power_w for power_w in estimates_w.values() if power_w is not None]
        own_w = estimates_w.get(member)
        if own_w is None or len(known_w) < len(estimates_w) or sum(known_w) <= 0:
            return None
        power_w = measured.reading.power_w * own_w / sum(known_w)
        return replace(measured, reading=replace(measured.reading, power_w=power_w))


class MeteredEngine(Engine):
    """An engine of this computer, with its watts measured where they can be."""

    def __init__(self, engine: Engine, computer: ComputerPower) -> None:
        self._engine = engine
        self._computer = computer
        self._budget = HeatBudget(power_w=0.0, expires_s=0.0)
        self.counted_j = 0.0
        """This radiator's share of what an energy meter of the computer has counted."""

    @override
    async def start(self) -> None:
        await self._engine.start()
        self._computer.join(self)

    @override
    async def stop(self) -> None:
        self._computer.leave(self)
        await self._engine.stop()

    @override
    def set_budget(self, budget: HeatBudget) -> None:
        self._budget = budget
        if self._computer.kept_kind is not None:
            budget = replace(budget, power_w=0.0, own_heat=False)
        self._engine.set_budget(budget)

    @override
    def status(self) -> EngineStatus:
        status = self._engine.status()
        if self._computer.kept_kind is not None:
            problem = status.problem or EngineProblem.MACHINE_BUSY
            status = replace(status, heat_kind=self._computer.kept_kind, problem=problem)
        if self._computer.deal():
            status = replace(status, counted_j=self.counted_j)
        share = self._computer.share_of(self)
        if share is None:
            return status
        return replace(status, power_w=share.reading.power_w, power_source=share.source)

    @override
    async def settlements(self, after: str | None) -> SettlementPage:
        return await self._engine.settlements(after)

    def estimate_w(self) -> float | None:
        """Return what the engine itself makes of its watts."""
        return self._engine.status().power_w

    def rest(self) -> None:
        """Let what runs wait: a budget that ended now would end it."""
        self.set_budget(self._budget)
