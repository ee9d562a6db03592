"""The engine contract: all that the rest of the house knows of computing.

Data flows one way: a heat budget goes in, heat and settlements come out. Every way of computing
(`pull`, `boinc`) fulfils the `Engine` protocol; nobody looks behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

MAX_AMOUNT: Final = Decimal(1_000_000)
"""No ledger books more for one job: it would be computed for nothing."""


class HeatKind(StrEnum):
    """What the heat is a by-product of; the three kinds are never mixed."""

    PAID = "paid"
    FILLER = "filler"
    OWN = "own"
    NONE = "none"


class PowerSource(StrEnum):
    """Where a figure in watts comes from."""

    MEASURED = "measured"
    RAPL = "rapl"
    """Measured by the processor, of the processor alone: less than the computer draws."""
    ESTIMATED = "estimated"


class EngineProblem(StrEnum):
    """Why an engine gives less heat than its budget allows."""

    NO_JOBS = "no_jobs"
    PROJECT_REFUSES = "project_refuses"
    MACHINE_BUSY = "machine_busy"
    BACKEND_UNREACHABLE = "backend_unreachable"
    BACKEND_REFUSED = "backend_refused"
    BACKEND_FAULTY = "backend_faulty"
    BACKEND_VERSION = "backend_version"
    PUBLISHER_NOT_ACCEPTED = "publisher_not_accepted"
    BUDGET_IGNORED = "budget_ignored"
    CHANGED_BY_HAND = "changed_by_hand"
    ENGINE_FAILED = "engine_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatBudget:
    """A heat demand with an end: the dead-man's switch.

    `power_w` is an upper bound on the heat output, valid until `expires_s` on the clock of
    `time.monotonic`. With `own_heat` the engine may burn without a job where no job is to be had.
    While `draining` it begins no job. `outlook` tells which jobs suit: the watts likely wanted
    later on, as (until when on the same clock, watts until then) in order; empty: nobody knows.
    """

    power_w: float
    expires_s: float
    own_heat: bool = False
    draining: bool = False
    outlook: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerModel:
    """A radiator's electrical power: `idle_w` plus an equal share of the rest per busy slot."""

    idle_w: float
    rated_w: float
    slots: int

    @property
    def slot_w(self) -> float:
        """Power that one busy slot adds, in watts."""
        return (self.rated_w - self.idle_w) / self.slots

    def slots_for(self, power_w: float) -> float:
        """Slots, whole and fraction, that give at most `power_w` watts."""
        return min(max((power_w - self.idle_w) / self.slot_w, 0.0), float(self.slots))

    def power_for(self, busy_slots: float) -> float:
        """Watts that `busy_slots` busy slots give."""
        # As many slots as there are may come to a trifle more.
        return min(self.idle_w + self.slot_w * busy_slots, self.rated_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """What an engine does now. What it cannot know is None, never the last value."""

    power_w: float | None
    power_source: PowerSource
    heat_kind: HeatKind
    jobs_running: int
    jobs_paused: int
    jobs_queued: int
    work_lost_s: float
    """CPU seconds of jobs begun and not finished, since the engine started."""
    lease_left_s: float | None
    """Seconds until the first lease ends if nobody renews it."""
    problem: EngineProblem | None
    cores_by_kind: Mapping[str, float] = field(default_factory=dict)
    """Cores that the jobs begun want, by kind of job: how the busy ones are shared."""
    jobs_left_s: tuple[float, ...] | None = None
    """Seconds of a slot that each job begun likely needs still, in the order in which they get
    slots; infinite: nobody knows of it. None: of none."""
    reachable: bool = True
    """Whether the radiator itself can be asked; its jobs' backend is another matter."""
    counted_j: float | None = None
    """What an energy meter has counted since the engine was made; None: none counts."""
    busy_slots: float | None = None
    """How many slots are busy, whole and fraction; None: the watts have to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The backend's final word on one lease."""

    settlement_id: str
    radiator_id: str
    job_kind: str
    accepted: bool
    earned: Decimal
    """Pay for the computing."""
    repaid: Decimal
    """Repayment of the electricity of `energy_j` joules."""
    energy_j: float
    currency: str
    settled_at: float
    """Seconds since the epoch."""
    delivered_at: float | None = None
    """When the job's work, and so its heat, was done; None: when it was settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementPage:
    """Settlements in the backend's order, and the cursor behind the last of them."""

    settlements: tuple[Settlement, ...]
    cursor: str | None


class EngineError(Exception):
    """An engine could not do what it was asked; `problem` says why."""

    def __init__(self, problem: EngineProblem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class Engine(Protocol):
    """One way of turning a heat budget into running jobs on one radiator."""

    async def start(self) -> None:
        """Make ready; nothing computes before the first budget."""

    async def stop(self) -> None:
        """Stop all jobs, give leases back and leave no process behind."""

    def set_budget(self, budget: HeatBudget) -> None:
        """Heat with at most this budget, until it ends or another replaces it."""

    def status(self) -> EngineStatus:
        """Tell what the engine does now."""

    async def settlements(self, after: str | None) -> SettlementPage:
        """Return settlements behind the cursor `after` (None: from the first).

        Raises EngineError while the backend cannot be asked.
        """
