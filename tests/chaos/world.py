"""The parties, what is done to them, and what has to be true whatever was done."""

import asyncio
import contextlib
import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from custom_components.qheat.ledger import Ledger, LedgerError
from custom_components.qheat.manifests import fingerprint

from ..publishing import KEY
from .accounts import BackendBooks, WrongError, check_books, read_ledger
from .disk import Disk
from .hass_home import HassHome
from .home_party import ENTRY_ID
from .plan import Fault, Kind
from .processes import Party, Zygote, sandbox
from .proxy import Proxy, Trap
from .submitter import LONG_TURNS, RENEWED_TURNS, SHORT_TURNS, Submitter

HOME_ID: Final = "flat-1"
HOME_TOKEN: Final = "home-token"
HASS_ID: Final = "flat-2"
HASS_TOKEN: Final = "hass-token"
SUBMITTER_TOKEN: Final = "submitter-token"
PUBLISHER: Final = fingerprint(KEY.public_key().public_bytes_raw())
OPEN_JOBS: Final = 8
JOBS_PER_MODULE: Final = 25
TRAP_S: Final = 120.0
"""So long may a call take: two long jobs hold both slots for half a minute on a busy machine."""
GO_ON_S: Final = 3.0
HASS_S: Final = 60.0
STUCK_S: Final = 120.0
"""So long without a settlement, and something hangs."""


class World:
    """A home, a backend, a proxy between them and a submitter."""

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        session: aiohttp.ClientSession,
        chance: Random,
        told: Callable[[str], None],
    ) -> None:
        self.done: Counter[Fault] = Counter()
        self.missed: list[Fault] = []
        self.books_checked = 0
        self.home_disk, self.backend_disk = Disk(folder / "home"), Disk(folder / "backend")
        self.proxy = Proxy(self.backend_disk.folder / "jobs.sock", chance)
        self.books = BackendBooks(self.backend_disk.folder / "jobs.db")
        self.settled = 0
        self._folder = folder
        self._zygote = zygote
        self._session = session
        self._chance = chance
        self._told = told
        self._armed: str | None = None
        self._feeding = True
        self._jobs = 0
        self._hass: HassHome | None = None
        self._hass_is_dead = False
        self._moved_s = time.monotonic()

    async def start(self) -> None:
        """Start all parties."""
        await self.proxy.start()
        self._url = f"http://127.0.0.1:{self.proxy.port}"
        self.submitter = Submitter(self._session, self._url, SUBMITTER_TOKEN, self._chance)
        self.backend = Party(
            self._zygote,
            "backend",
            "backend_party",
            self._folder,
            {
                "folder": str(self.backend_disk.folder),
                "homes": {HOME_ID: HOME_TOKEN, HASS_ID: HASS_TOKEN},
                "submitter": SUBMITTER_TOKEN,
            },
        )
        self.home = Party(
            self._zygote,
            "home",
            "home_party",
            self._folder,
            {
                "folder": str(self.home_disk.folder),
                "url": self._url,
                "token": HOME_TOKEN,
                "publisher": PUBLISHER,
            },
        )
        await self.backend.start()
        await self.home.start()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Have jobs brought and all watched meanwhile; what was broken is raised."""
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(self._feed()), group.create_task(self._watch())]
            await self._until(lambda: self.settled > 0, STUCK_S)
            yield
            for task in background:
                task.cancel()

    async def do(self, faults: list[Fault], jobs: int) -> None:
        """Do all faults to the light home, then the rest of so many jobs in peace."""
        for fault in faults:
            await self._do(fault)
        await self._settle(jobs)
        await self.home.kill(signal.SIGTERM)

    async def do_to_hass(self, hass: HassHome, steps: list[Fault], jobs: int) -> None:
        """Kill a whole Home Assistant at steps and at instants of chance; then end in peace."""
        self._hass = hass
        await hass.start()
        await hass.set_up(self._url, HASS_TOKEN, PUBLISHER)
        self._feeding = True
        for step in steps:
            before = self.settled
            if step.call is not None:
                await self._at_step(step)
            else:
                await asyncio.sleep(self._chance.uniform(0.0, 10.0))
                await self._kill(step.kind)
                self._tell_done(step)
                await self._revive()
            await self._go_on(before, HASS_S)
        await self._settle(jobs)
        told = self.books.rows("SELECT settlement_id FROM settlements WHERE home_id = ?", HASS_ID)
        if sorted(await hass.settlement_ids()) != sorted(str(row[0]) for row in told):
            raise WrongError("Home Assistant's statement does not hold each settlement once")
        await hass.stop()

    async def stop(self) -> None:
        """Stop the backend as its operator would."""
        await self.backend.kill(signal.SIGTERM)
        await self.proxy.stop()

    def ledgers(self) -> dict[str, Ledger]:
        """Return the homes' books as they are on disk."""
        ledgers = {HOME_ID: read_ledger(self.home_disk.folder, ENTRY_ID)}
        if self._hass is not None:
            ledgers[HASS_ID] = read_ledger(self._hass.folder, self._hass.entry_id)
        return ledgers

    async def _settle(self, jobs: int) -> None:
        """Let the rest of so many jobs be done, settled and booked."""
        self._jobs, self._feeding = jobs, False
        await self._until(
            lambda: len(self.submitter.jobs) >= jobs and self.settled == len(self.submitter.jobs),
            STUCK_S + jobs,
        )
        await self._until(self._has_booked_all, STUCK_S)

    async def _do(self, fault: Fault) -> None:
        before = self.settled
        if fault.call is not None:
            await self._at_step(fault)
        else:
            await asyncio.sleep(self._chance.uniform(0.0, 1.0))
            await self._strike(fault)
            self._tell_done(fault)
        await self._go_on(before, GO_ON_S)

    async def _go_on(self, before: int, most_s: float) -> None:
        """Let two more jobs be settled, if that does not take too long."""
        with contextlib.suppress(TimeoutError):
            await self._until(lambda: self.settled >= before + 2, most_s)

    async def _at_step(self, fault: Fault) -> None:
        assert fault.call is not None
        assert fault.phase is not None
        trap = Trap(
            call=fault.call,
            phase=fault.phase,
            strike=lambda: self._kill(fault.kind),
            cuts=fault.kind is not Kind.KILL_RUNNER,
        )
        self._armed = fault.call
        with self.proxy.trapped(trap), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRAP_S):
                while not trap.sprung.is_set():
                    if fault.call == "return":
                        await self._kill(Kind.KILL_WORKER)  # whose lease then goes back
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await trap.sprung.wait()
        self._armed = None
        if trap.sprung.is_set():
            self._tell_done(fault)
            await self._revive()
        else:
            self.missed.append(fault)

    async def _kill(self, kind: Kind) -> None:
        """Kill with -9 whom a fault is about; the dead stay dead until they are revived."""
        runners, workers = sandbox(self.home.pid if self._hass is None else self._hass.pid)
        match kind:
            case Kind.KILL_HOME:
                await self.home.kill()
            case Kind.KILL_HASS:
                assert self._hass is not None
                await self._hass.kill()
                self._hass_is_dead = True
            case Kind.KILL_BACKEND:
                await self.backend.kill()
            case Kind.KILL_RUNNER | Kind.KILL_WORKER:
                victims = runners if kind is Kind.KILL_RUNNER else workers
                for victim in victims[:1]:
                    victim.kill()

    async def _revive(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.0, 0.8))
        if self._hass is None and not self.home.is_alive:
            self._check_books()
            await self.home.start()
        if self._hass is not None and self._hass_is_dead:
            self._check_books()
            await self._hass.start()
            self._hass_is_dead = False
        if not self.backend.is_alive:
            await self.backend.start()

    async def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.AWAY:
                await self.backend.kill()
                await asyncio.sleep(self._chance.uniform(3.0, 12.0))
            case Kind.FILL_HOME:
                await self._fill(self.home_disk, self.home)
            case Kind.FILL_BACKEND:
                await self._fill(self.backend_disk, self.backend)
            case Kind.TURN_HOME:
                await self._turn(self.home, fault.clock_s)
            case Kind.TURN_BACKEND:
                await self._turn(self.backend, fault.clock_s)
            case kind:
                await self._kill(kind)
        await self._revive()

    async def _fill(self, disk: Disk, party: Party) -> None:
        """Fill a disk for a while, in which the party may be killed."""
        party.may_end = True
        disk.fill(party)
        await asyncio.sleep(self._chance.uniform(1.0, 3.0))
        if self._chance.random() < 0.5:
            await party.kill()
            await asyncio.sleep(self._chance.uniform(0.0, 0.5))
            await party.start()
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))
        disk.free(party)
        await asyncio.sleep(1.0)
        party.may_end = False

    async def _turn(self, party: Party, by_s: int) -> None:
        """Turn a clock and, after a while, turn it right; the party may be killed meanwhile."""
        party.clock.turn(by_s)
        await asyncio.sleep(self._chance.uniform(2.0, 5.0))
        if self._chance.random() < 0.5:
            await party.kill()
            await self._revive()
            await asyncio.sleep(self._chance.uniform(1.0, 3.0))
        party.clock.turn(0)

    async def _feed(self) -> None:
        """Keep some jobs waiting; in the end only the rest of those that are to be done."""
        submitter = self.submitter
        await submitter.new_module()
        while True:
            waiting = len(submitter.jobs) - self.settled
            if waiting >= OPEN_JOBS or (not self._feeding and len(submitter.jobs) >= self._jobs):
                await asyncio.sleep(0.05)
                continue
            wants_module = self._armed in {"module", "upload", "sign"}
            if wants_module or len(submitter.jobs) % JOBS_PER_MODULE == 0:
                await submitter.new_module()
            turns = LONG_TURNS if self._chance.random() < 1 / 12 else SHORT_TURNS
            await submitter.submit(RENEWED_TURNS if self._armed == "renew" else turns)

    async def _watch(self) -> None:
        """Count what is settled, and see that nothing hangs or ends itself."""
        while True:
            with contextlib.suppress(sqlite3.Error):
                settled = self.books.count("SELECT count(*) FROM jobs WHERE state = 'settled'")
                if settled > self.settled:
                    self.settled, self._moved_s = settled, time.monotonic()
            if time.monotonic() > self._moved_s + STUCK_S and self._feeding:
                raise WrongError(f"no job was settled for {STUCK_S} s")
            await self.home.look_after()
            await self.backend.look_after()
            await asyncio.sleep(0.1)

    def _tell_done(self, fault: Fault) -> None:
        self.done[fault] += 1
        self._told(f"{self.done.total()}: {fault}; {self.settled} jobs settled")

    def _check_books(self) -> None:
        """Check the books of a home that is dead against the backend's, wherever it was killed."""
        ledgers = self.ledgers()
        with contextlib.suppress(sqlite3.Error):
            for home_id, ledger in ledgers.items():
                check_books(self.books, home_id, ledger)
            self.books_checked += 1

    def _has_booked_all(self) -> bool:
        try:
            booked = [check_books(self.books, *home) for home in self.ledgers().items()]
        except sqlite3.Error, json.JSONDecodeError, LedgerError:
            return False  # read between two writes
        return sum(booked) == len(self.submitter.jobs)

    async def _until(self, condition: Callable[[], object], deadline_s: float) -> None:
        async with asyncio.timeout(deadline_s):
            while not condition():
                await asyncio.sleep(0.1)
