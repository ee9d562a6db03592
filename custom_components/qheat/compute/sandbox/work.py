"""The words that Home Assistant's process, the runner and the workers share."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Self

MAX_MEMORY_BYTES = 4 << 30
MAX_OUTPUT_BYTES = 64 << 20
MAX_CPU_S = 7 * 86400.0
MAX_FUEL = 2**63 - 1
"""More than any job burns before its time is over: about 10¹⁰ are burnt in a second."""
LOCKED = b"\n"
"""What a worker writes before its answer once it is locked."""
OUTCOME_BYTES = 16 << 10
"""What a worker's answer may take besides the job's own output."""
DETAIL_CHARACTERS = 500


class WorkFault(StrEnum):
    """Why a piece of work gave no result."""

    REFUSED = "refused"  # not the module vouched for, no plain command, or no lock holds
    TRAPPED = "trapped"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"
    OUTPUT_TOO_LARGE = "output_too_large"
    BUDGET_ENDED = "budget_ended"
    WORKER_DIED = "worker_died"


class Mode(StrEnum):
    """What a worker is for."""

    JOB = "job"
    BURN = "burn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one job may take."""

    memory_bytes: int
    cpu_s: float
    output_bytes: int

    def __post_init__(self) -> None:
        """Raise ValueError for what no job may take, or cannot run with."""
        if not (
            0 < self.memory_bytes <= MAX_MEMORY_BYTES
            and isfinite(self.cpu_s)
            and 0.0 < self.cpu_s <= MAX_CPU_S
            and 0 <= self.output_bytes <= MAX_OUTPUT_BYTES
        ):
            raise ValueError(f"limits out of bounds: {self}")

    def to_json(self) -> dict[str, Any]:
        """Return the limits as JSON carries them."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` wrote; raises ValueError, TypeError or KeyError for anything else."""
        return cls(
            memory_bytes=int(value["memory_bytes"]),
            cpu_s=float(value["cpu_s"]),
            output_bytes=int(value["output_bytes"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Which of a worker's locks hold on this machine, and which could not be set."""

    held: tuple[str, ...]
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the lock as JSON carries it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` wrote; raises TypeError or KeyError for anything else."""
        return cls(held=_names(value["held"]), missing=_names(value["missing"]))


def read_fuel(value: Any) -> int | None:
    """Return the fuel that a job burnt, None: it was not counted; raises ValueError, TypeError."""
    if value is None:
        return None
    if type(value) is not int:
        raise TypeError("not a count")
    if not 0 <= value <= MAX_FUEL:
        raise ValueError("fuel out of bounds")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError("not names")
    return tuple(value)
