"""The `boinc` engine: a machine with a BOINC client, anywhere on the network, as a radiator."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final
from zlib import crc32

from ..engine import (
    EngineError,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    PowerModel,
    PowerSource,
    SettlementPage,
)
from ..meter import IMPOSSIBLE_SHARE, PowerMeter
from .alarm import Alarm
from .client import BoincClient
from .credit import Book, Tariff
from .errors import PROBLEM, BoincError, BoincFault
from .handover import judge, leave, let_rest, take_over
from .observation import UNSEEN, Details
from .options import BoincOptions
from .originals import Originals
from .probe import Probed, identify
from .rpc import RpcConnection
from .session import Session
from .stewardship import Stewardship
from .watts import WattsTable

FIRST_RETRY_S: Final = 2.0
LAST_RETRY_S: Final = 60.0
SPREAD_S: Final = 2.0
"""Over so many seconds the radiators of a building spread what they do on the same tick."""
STOP_S: Final = 5.0
LATE_S: Final = 30.0
"""A look may come so much late before what was seen counts as unknown."""

_LOGGER = logging.getLogger(__name__)

type Save = Callable[[Mapping[str, object]], Awaitable[None]]
type Part = Callable[[BoincClient, Stewardship, Callable[[], float]], Awaitable[None]]


async def _keep_nothing(_state: Mapping[str, object]) -> None:
    """Save nowhere: the radiator is not to outlive this process."""


class BoincEngine:
    """Drives one BOINC client over its GUI RPC; fulfils the Engine protocol.

    `saved` is what `save` was given last. `save` is awaited before anything is changed on the
    client, so that the user's own settings are not lost by a crash. `owed` are those that the
    client still waits for since another radiator had it. `machine` is the `cpid` that the client
    has to have, for addresses change hands. Engines with the same `pace` share out the turns of
    the loop (see RpcConnection). `clock` is the one of `HeatBudget.expires_s`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        *,
        radiator_id: str,
        machine: str | None = None,
        model: PowerModel,
        options: BoincOptions | None = None,
        saved: Mapping[str, object] | None = None,
        owed: Originals | None = None,
        save: Save = _keep_nothing,
        pace: asyncio.Lock | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        options = options or BoincOptions()
        self._connection = RpcConnection(host, port, password, pace)
        self._client = BoincClient(self._connection)
        self._machine = machine
        self._radiator_id = radiator_id
        self._options = options
        self._owed = owed
        self._save = save
        self._clock = clock
        self._steward = Stewardship(table=WattsTable(model), options=options)
        self._tariff = Tariff(rates=self._steward.rates, currency=options.currency)
        self._steward.restore(saved or {}, clock_s=clock(), wall_s=time.time())
        self._session: Session | None = None
        self._why = EngineProblem.BACKEND_UNREACHABLE
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._alarm = Alarm(self._wake.set, clock)
        self._phase_s = crc32(radiator_id.encode()) / 2**32 * SPREAD_S
        most_w = IMPOSSIBLE_SHARE * (model.rated_w + options.gpu_w)
        self.meter = PowerMeter(most_w=most_w, clock=clock)
        """What the radiator's power meter says."""

    async def start(self) -> None:
        """Begin to look after the client; it is set to compute nothing before the first budget."""
        self._task = asyncio.create_task(self._run(), name=f"boinc {self._radiator_id}")

    async def stop(self) -> None:
        """Have the client compute nothing, as far as it can be reached, and let go of it.

        The user's own settings stay put away: see `leave` and `release`.
        """
        await self._stop(let_rest)

    async def leave(self) -> None:
        """Stop with Home Assistant, which may come back: compute nothing for an hour.

        As far as it can be reached, it has its user's own settings again.
        """
        await self._stop(leave)

    async def release(self) -> None:
        """Stop for good: put the user's own BOINC settings back and let go of the client.

        Raises BoincError if the client cannot be reached; it then stays as it is, computing
        nothing, and `release` may be called again.
        """
        await self._end()
        if self._session is not None and self._connection.connected:
            with suppress(BoincError):
                await judge(self._client, self._steward, self._clock)
        originals = Originals.owed(self.saved_state())
        # Whoever begins again, also because this failed, takes the client over anew.
        self._steward.originals, self._steward.taken = originals, False
        try:
            if originals is not None:
                await self._connect()
                await originals.put_back(self._client)
            self._steward.originals = None
        finally:
            await self._let_go()

    def set_budget(self, budget: HeatBudget) -> None:
        """Heat with at most this budget, until it ends or another replaces it."""
        if budget != self._steward.budget:
            self._steward.budget = budget
            self._wake.set()

    def take_back(self) -> None:
        """Take the radiator back from whoever set its run mode by hand."""
        self._steward.hand.take_back()
        self._steward.gpu_hand.take_back()
        self._steward.insist = True
        self._wake.set()

    def status(self) -> EngineStatus:
        """Tell what the engine does now."""
        session, reading, model = self._current(), self.meter.reading(), self._steward.table.model
        estimate_w = None if session is None else session.estimate_w()
        seen = UNSEEN if session is None else session.seen
        deadline_s = seen.first_deadline_s
        return EngineStatus(
            power_w=estimate_w if reading is None else reading.power_w,
            power_source=PowerSource.ESTIMATED if reading is None else PowerSource.MEASURED,
            heat_kind=seen.heat_kind(self._steward.rates, self._options.gpu_w / model.slot_w),
            jobs_running=len(seen.running),
            jobs_paused=len(seen.paused),
            jobs_queued=len(seen.queued),
            work_lost_s=self._steward.work_lost_s,
            lease_left_s=None if deadline_s is None else deadline_s - time.time(),
            problem=self._problem(),
            cores_by_kind=seen.cores_by_kind,
            reachable=session is not None,
            counted_j=None if self.meter.shown() else self.meter.counted_j(),
            busy_slots=None if session is None else session.busy_slots(),
        )

    def details(self) -> Details | None:
        """Return what a BOINC radiator does now, without secrets; None while it is not known."""
        session = self._current()
        return None if session is None else session.details()

    async def settlements(self, after: str | None) -> SettlementPage:
        """Return what credit has changed since the cursor `after` (None: since now).

        Whoever books a page stores its settlements and its cursor together, also when there is
        no settlement in it. Raises EngineError while the client cannot be asked, or for a cursor
        that is not ours.
        """
        session = self._current()
        if session is None:
            raise EngineError(self._why, "The BOINC client cannot be asked")
        try:
            book = Book(
                after,
                radiator_id=self._radiator_id,
                machine=self._machine,
                tariff=self._tariff,
                settled_at=time.time(),
            )
        except ValueError as error:
            raise EngineError(EngineProblem.ENGINE_FAILED, str(error)) from error
        return book.page(session.seen.projects, self._steward.first_seen)

    async def attach(self, url: str, account_key: str) -> None:
        """Attach the client to a project; raises BoincError, also if it refuses the account key."""
        await self._ready().attach(url, account_key)
        self._look_again()

    async def detach(self, url: str) -> None:
        """Detach the client from a project, dropping its tasks; raises BoincError."""
        await self._ready().detach(url)
        self._look_again()

    async def update(self, url: str) -> None:
        """Have the client contact a project now; raises BoincError."""
        await self._ready().update(url)
        self._look_again()

    @property
    def cores(self) -> int:
        """How many cores the machine told of last; as many as were entered until it has."""
        return self._steward.table.model.slots

    def saved_state(self) -> dict[str, object]:
        """Return what is to be given as `saved` next time, for JSON; it holds no secret."""
        return self._steward.saved(clock_s=self._clock(), wall_s=time.time())

    async def _run(self) -> None:
        await asyncio.sleep(self._phase_s)
        pause_s = FIRST_RETRY_S
        while True:
            try:
                await self._serve()
            except BoincError as error:
                self._why = PROBLEM.get(error.fault, EngineProblem.BACKEND_FAULTY)
            except OSError:
                self._why = EngineProblem.ENGINE_FAILED  # the originals could not be saved
            except Exception:
                if self._why is not EngineProblem.ENGINE_FAILED:
                    _LOGGER.exception("The BOINC engine met an error of its own")
                self._why = EngineProblem.ENGINE_FAILED
            if self._session is not None and self._session.seen is not UNSEEN:
                pause_s = FIRST_RETRY_S
            self._session = None
            await self._connection.close()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_RETRY_S)

    async def _serve(self) -> None:
        """Look after the client until the connection fails: raises BoincError."""
        host = await self._connect()
        self._steward.count_cores(host.cores)
        await take_over(
            self._client,
            self._steward,
            self._owed,
            save=lambda: self._save(self.saved_state()),
            clock=self._clock,
        )
        self._session = session = Session(self._client, self._steward, host)
        while True:
            self._wake.clear()
            # When the loop was held up, hundreds of radiators are due at once.
            await self._connection.next_turn()
            status = await self._client.status()
            # Watts that are a mean of the past tell neither what is drawn now nor by whom.
            next_s = await session.step(self._clock(), status, self.meter.shown())
            self._alarm.set(next_s)
            await self._wake.wait()
            while (now_s := self._clock()) < next_s and session.rests(now_s):
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(min(self._phase_s, max(0.0, next_s - now_s)))

    async def _stop(self, part: Part) -> None:
        await self._end()
        if self._steward.originals is not None:
            with suppress(BoincError, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._connect()
                    await part(self._client, self._steward, self._clock)
        await self._let_go()

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._alarm.cancel()

    async def _connect(self) -> Probed:
        """Connect unless connected, and tell who answers; raise BoincError if it is another."""
        if not self._connection.connected:
            # It may be to another run of the client, which has no lease.
            self._steward.lease_until_s = -math.inf
            await self._connection.connect()
        host = await identify(self._client)
        if self._machine is not None and self._machine != host.cpid:
            raise BoincError(BoincFault.OTHER_MACHINE, "Another machine has this address now")
        return host

    async def _let_go(self) -> None:
        self._session = None
        self._why = EngineProblem.BACKEND_UNREACHABLE
        await self._connection.close()
        await self._save(self.saved_state())

    def _ready(self) -> BoincClient:
        if self._session is None:
            raise BoincError(BoincFault.UNREACHABLE, "Not connected")
        return self._client

    def _look_again(self) -> None:
        if self._session is not None:
            self._session.look_again()
        self._wake.set()

    def _current(self) -> Session | None:
        """Return the session if what it has seen is fresh enough to be told."""
        session = self._session
        if session is None:
            return None
        age_s = self._clock() - session.seen.at_s
        return session if age_s <= 2 * self._options.look_every_s + LATE_S else None

    def _problem(self) -> EngineProblem | None:
        if self._steward.obedience.alarm:
            return EngineProblem.BUDGET_IGNORED
        session = self._current()
        return self._why if session is None else session.problem(self._clock())
