"""Calibration: what this computer draws at rest, and what each busy slot adds, measured once.

More and more slots burn for a while each; a line through what the meter shows becomes the power
model. Slopes and levels are medians, so that a kettle on the same meter does not bend the line.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import ceil
from statistics import median
from typing import Final

from .computer import ComputerPower, InUseError
from .counter import Reading
from .engine import HeatKind, PowerSource
from .machine import Machine

OWNER: Final = "calibration"
LEVEL_S: Final = 60.0
MOST_LEVELS: Final = 9
SETTLE_SHARE: Final = 1 / 3
"""Of a level: until the load, the clock rates and a slow meter have come to rest."""
LEAST_SLOT_W: Final = 0.1
LEAST_BUSY: Final = 0.25
"""Slots between two levels, for the watts between them to tell anything."""
_LOOKS: Final = 60
_BUDGET_S: Final = 10.0
"""So soon a load ends by itself if nobody is left to end it."""


class CalibrationFault(StrEnum):
    """Why there is no calibration."""

    BUSY = "calibration_busy"
    GUARDED = "calibration_guarded"
    NO_METER = "calibration_no_meter"
    NO_SLOPE = "calibration_no_slope"
    STOPPED = "calibration_stopped"
    TAKEN = "calibration_taken"


class CalibrationError(Exception):
    """The calibration came to nothing; `fault` says why."""

    def __init__(self, fault: CalibrationFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The median watts with so many slots busy (measured: a slot may not have got all of it)."""

    busy_slots: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A power model fitted to levels."""

    levels: Sequence[Level]
    slots: int
    idle_w: float
    slot_w: float

    def power_w(self, busy_slots: float) -> float:
        """Return what the model says that so many busy slots draw."""
        return self.idle_w + self.slot_w * busy_slots

    @property
    def residual_w(self) -> float:
        """How far the model is from a level at most, in watts."""
        return max(abs(one.power_w - self.power_w(one.busy_slots)) for one in self.levels)


def fit(levels: Sequence[Level], slots: int) -> Fit:
    """Fit a line by the median of all slopes (Theil-Sen). Raises CalibrationError for none."""
    slopes = [
        (above.power_w - below.power_w) / (above.busy_slots - below.busy_slots)
        for below, above in combinations(sorted(levels, key=lambda one: one.busy_slots), 2)
        if above.busy_slots - below.busy_slots >= LEAST_BUSY
    ]
    if not slopes:
        raise CalibrationError(CalibrationFault.TAKEN)
    slot_w = median(slopes)
    if slot_w < LEAST_SLOT_W:
        raise CalibrationError(CalibrationFault.NO_SLOPE)
    idle_w = median(one.power_w - slot_w * one.busy_slots for one in levels)
    return Fit(levels=tuple(levels), slots=slots, idle_w=max(idle_w, 0.0), slot_w=slot_w)


def slots_to_try(slots: int) -> list[int]:
    """Return the numbers of busy slots to try: all of them, or a few spread over many.

    Few of them are tried again: of two levels nobody could tell that one is wrong.
    """
    steps = min(slots, MOST_LEVELS - 1)
    return [round(slots * step / steps) for step in range(steps + 1)] * ceil(5 / (steps + 1))


class Calibration:
    """Loads a machine level by level while a meter is read; cancelling it ends all load."""

    def __init__(
        self,
        machine: Machine,
        computer: ComputerPower,
        *,
        may_burn: Callable[[], bool],
    ) -> None:
        self._machine = machine
        self._computer = computer
        self._may_burn = may_burn

    async def run(self, told: Callable[[float], None]) -> Fit:
        """Measure all levels and fit them; `told` hears the share that is done.

        Raises CalibrationError when there is nothing to be had, at once if nothing measures.
        """
        measured = self._computer.measured()
        if measured is None:
            raise CalibrationError(CalibrationFault.NO_METER)
        try:
            with self._computer.kept():
                return fit(await self._levels(measured.source, told), self._machine.slots)
        except InUseError as err:
            raise CalibrationError(CalibrationFault.BUSY) from err

    async def _levels(self, source: PowerSource, told: Callable[[float], None]) -> list[Level]:
        numbers, levels = slots_to_try(self._machine.slots), []
        for done, slots in enumerate(numbers):
            told(done / len(numbers))
            levels.append(await self._level(slots, source))
        return levels

    async def _level(self, slots: int, source: PowerSource) -> Level:
        """Keep `slots` slots busy for a while and see what that draws."""
        self._computer.kept_kind = HeatKind.OWN if slots else HeatKind.NONE
        self._allot(slots)
        burns = [asyncio.create_task(self._machine.burn(OWNER)) for _ in range(slots)]
        try:
            return await self._look(slots, burns, source)
        finally:
            for burn in burns:
                burn.cancel()
            await asyncio.gather(*burns, return_exceptions=True)
            self._allot(0)

    async def _look(
        self, slots: int, burns: Sequence[asyncio.Task[None]], source: PowerSource
    ) -> Level:
        begun_s = time.monotonic()
        seen: dict[float, Reading] = {}
        busy: list[float] = []
        while (passed_s := time.monotonic() - begun_s) < LEVEL_S:
            if not self._may_burn():
                raise CalibrationError(CalibrationFault.GUARDED)
            if any(burn.done() for burn in burns):
                raise CalibrationError(CalibrationFault.STOPPED)
            self._allot(slots)
            settled = passed_s >= LEVEL_S * SETTLE_SHARE
            measured, usage = self._computer.measured(), self._machine.usage(OWNER)
            if measured is None or measured.source is not source:
                raise CalibrationError(CalibrationFault.NO_METER)
            if measured.reading.since_s >= begun_s:
                seen[measured.reading.at_s] = measured.reading
            if settled and usage.busy_slots is not None:
                busy.append(usage.busy_slots if slots else 0.0)
            await asyncio.sleep(LEVEL_S / _LOOKS)
        if not seen or not busy:
            raise CalibrationError(CalibrationFault.NO_METER)
        settled_s = begun_s + LEVEL_S * SETTLE_SHARE
        # A meter that reports changes only may have said its last word early.
        late = [one for one in seen.values() if one.since_s >= settled_s] or [seen[max(seen)]]
        return Level(busy_slots=median(busy), power_w=median(one.power_w for one in late))

    def _allot(self, slots: int) -> None:
        # Urgent: only a load that other programs do not take away can be measured.
        expires_s = time.monotonic() + (_BUDGET_S if slots else 0.0)
        self._machine.allot(OWNER, float(slots), expires_s, urgent=True)
