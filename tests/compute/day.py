"""A day of one radiator in seconds: everything is real but the clock, the room and the processors.

The radiator, its thermostat, the pull engine, its client and the embedded backend behind a unix
socket are those of a home; the event loop's clock leaps to the next thing that is due.
"""

import asyncio
import random
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, override

import aiohttp
import pytest

from custom_components.qheat.backend import EmbeddedBackend
from custom_components.qheat.backend.catalogue import Offer
from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.engine import PowerModel
from custom_components.qheat.compute.machine import Machine, Usage, WorkError, WorkResult
from custom_components.qheat.compute.pull import PullEngine
from custom_components.qheat.compute.sandbox.work import Limits, WorkFault
from custom_components.qheat.heating import RadiatorRating, RoomControl
from custom_components.qheat.heating.setting import Setting
from custom_components.qheat.heating.week import Changes
from custom_components.qheat.radiator import Radiator, RadiatorState, Schedule
from custom_components.qheat.rooms import FastRoom
from tests.backend.tiny import TERMS, TinyCatalogue

from .homes import RADIATOR, TOKEN

DAY_S = 86_400.0
MIDNIGHT_S = 20_000 * DAY_S
TICK_S = 15.0
POWER = PowerModel(idle_w=20.0, rated_w=1000.0, slots=6)
MODULE = b"\0asm day"
_ANSWER_S = 10.0
_LEASE_S = 600.0


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps; while a backend is asked it first waits for the answer."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.asking = 0
        super().__init__(_Leaping(self))

    @override
    def time(self) -> float:
        return self.now_s


class _Leaping(selectors.DefaultSelector):
    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    @override
    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if events or timeout == 0:
            return events
        if self._loop.asking or timeout is None:
            events = super().select(_ANSWER_S)
        if not events and timeout is not None:
            self._loop.now_s += timeout
        return events


class AskingClient(JobClient):
    """A client that tells the loop when it waits for an answer."""

    @override
    async def _ask(self, *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, LeapingLoop)
        loop.asking += 1
        try:
            return await super()._ask(*args, **kwargs)
        finally:
            loop.asking -= 1


@dataclass(slots=True)
class Work:
    """One job on simulated processors."""

    need_s: float
    result: asyncio.Future[WorkResult]
    output: bytes
    used: Callable[[float], None]
    used_s: float = 0.0


class DayMachine(Machine):
    """Slots whose CPU time passes by `advance`: the oldest jobs have them first."""

    def __init__(self) -> None:
        super().__init__(POWER.slots, modules=[sha256(MODULE).hexdigest()])
        self.work: list[Work] = []
        self._share = 0.0
        self._busy = 0.0
        self._until_s = 0.0

    @override
    def allot(self, owner: str, slots: float, expires_s: float, *, urgent: bool = False) -> None:
        self._share, self._until_s = slots, expires_s

    @override
    async def run(
        self,
        owner: str,
        module: bytes,
        input_data: bytes,
        limits: Limits,
        module_sha256: str,
        *,
        count_fuel: bool = False,
        used: Callable[[float], None] | None = None,
    ) -> WorkResult:
        assert used is not None
        work = Work(
            need_s=float(input_data.split()[1]),
            result=asyncio.get_running_loop().create_future(),
            output=input_data,
            used=used,
        )
        self.work.append(work)
        try:
            return await work.result
        finally:
            self.work.remove(work)

    @override
    def usage(self, owner: str) -> Usage:
        running = sum(index < self._share for index in range(len(self.work)))
        paused = len(self.work) - running
        return Usage(busy_slots=self._busy, running=running, paused=paused)

    def advance(self, elapsed_s: float) -> None:
        """Let time pass within what is allotted."""
        self._busy = 0.0
        for index, work in enumerate(list(self.work)):
            if work.result.done():
                continue
            if self._until_s <= time.monotonic():
                error = WorkError(WorkFault.BUDGET_ENDED, "the budget has ended", work.used_s)
                work.result.set_exception(error)
                continue
            duty = min(max(self._share - index, 0.0), 1.0)
            self._busy += duty
            work.used_s += duty * elapsed_s
            work.used(work.used_s)
            if work.used_s >= work.need_s:
                work.result.set_result(WorkResult(output=work.output, cpu_s=work.used_s))


class DayCatalogue(TinyCatalogue):
    """Always has a job of some minutes or hours; its input says of how many seconds."""

    def __init__(self, lengths_s: tuple[float, float]) -> None:
        super().__init__(module=MODULE)
        self._lengths_s = lengths_s

    @override
    def offer(self, number: int) -> Offer | None:
        offer = super().offer(number)
        assert offer is not None
        shortest_s, longest_s = self._lengths_s
        need_s = shortest_s * (longest_s / shortest_s) ** random.Random(number).random()
        return replace(offer, input_data=f"{number} {need_s}".encode(), cpu_s=DAY_S)


class DaySchedule(Schedule):
    """The same setpoints every day: (hour, °C)."""

    entity_id = "schedule.day"

    def __init__(self, setpoints: tuple[tuple[float, float], ...]) -> None:
        self._changes = tuple(
            (MIDNIGHT_S + day * DAY_S + hour * 3600, setpoint_c)
            for day in range(-1, 3)
            for hour, setpoint_c in setpoints
        )

    @override
    async def async_refresh(self) -> None:
        """There is never another one."""

    @override
    def changes(self) -> Changes | None:
        return self._changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was seen at a tick, `hour` hours after midnight."""

    hour: float
    state: RadiatorState

    @property
    def room_c(self) -> float:
        room_c = self.state.reading.temperature_c
        assert room_c is not None
        return room_c


def live(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    setpoints: tuple[tuple[float, float], ...],
    lengths_s: tuple[float, float],
    hours: tuple[float, float],
) -> list[Hour]:
    """Live from one hour after midnight to another, and return what was seen at each tick."""
    loop = LeapingLoop()
    monkeypatch.setattr(time, "monotonic", loop.time)
    start_s = loop.time()

    def now_s() -> float:
        return MIDNIGHT_S + hours[0] * 3600 + loop.time() - start_s

    async def day() -> list[Hour]:
        backend = EmbeddedBackend(
            db_path=folder / "jobs.db",
            token=TOKEN,
            terms=TERMS,
            catalogue=DayCatalogue(lengths_s),
            clock=now_s,
            lease_ttl_s=_LEASE_S,
        )
        await backend.start()
        connector = aiohttp.UnixConnector(path=str(backend.socket_path))
        async with aiohttp.ClientSession(connector=connector) as session:
            machine = DayMachine()
            client = AskingClient(session, "http://localhost", TOKEN)
            engine = PullEngine(client, machine, RADIATOR, POWER, random=random.Random(1))
            radiator = Radiator(
                radiator_id=RADIATOR,
                setting=Setting(heating=True),
                room=FastRoom(
                    18.0,
                    1.0,
                    now_s(),
                    {"time_s": hours[0] * 3600, "air_c": 18.0, "structure_c": 18.0},
                ),
                control=RoomControl(
                    RadiatorRating(
                        idle_w=20.0, rated_w=1000.0, slots=6, pausable=True, divisible=True
                    )
                ),
                engine=engine,
                schedule=DaySchedule(setpoints),
            )
            await engine.start()
            seen = []
            for _ in range(int((hours[1] - hours[0]) * 3600 / TICK_S)):
                machine.advance(TICK_S)
                await asyncio.sleep(0)
                state = radiator.tick(now_s(), time.monotonic())
                seen.append(Hour(hour=(now_s() - MIDNIGHT_S) / 3600, state=state))
                await asyncio.sleep(TICK_S)
            await engine.stop()
        await backend.stop()
        return seen

    try:
        return loop.run_until_complete(day())
    finally:
        loop.asking += 1  # threads end in their own time
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
