"""This computer's slots, shared by all radiators that the pull engine heats."""

from dataclasses import dataclass
from enum import StrEnum


class WorkFault(StrEnum):
    """Why a piece of work gave no result."""

    REFUSED = "refused"  # not a module that may run here, or one that no lock would hold
    TRAPPED = "trapped"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"
    OUTPUT_TOO_LARGE = "output_too_large"
    BUDGET_ENDED = "budget_ended"
    WORKER_DIED = "worker_died"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take."""

    memory_bytes: int
    cpu_s: float
    output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkResult:
    """What a job gave: its output, its exit code being 0, and the CPU seconds it took."""

    output: bytes
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one owner's workers do now."""

    busy_slots: float
    """Mean cores kept busy over the last seconds, measured on the workers' CPU time."""
    cpu_s: float
    """CPU seconds of all the owner's workers, ended ones included."""
    running: int
    paused: int
    machine_busy: bool
    """Other programs need the CPU, so the owner gets less than it asked for."""


class WorkError(Exception):
    """A piece of work ended without a result."""

    def __init__(self, fault: WorkFault, detail: str, cpu_s: float = 0.0) -> None:
        super().__init__(detail)
        self.fault = fault
        self.cpu_s = cpu_s
