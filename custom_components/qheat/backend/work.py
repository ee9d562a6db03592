"""The backend's words: what it hands out, what it is asked, what it books."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from .catalogue import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the backend pays beside a job's own pay, in its currency (ISO 4217)."""

    currency: str
    repayment_per_kwh: Decimal
    """Repaid for each kilowatt-hour of electricity that an accepted job took."""


class Catalogue(Protocol):
    """Where jobs come from and who judges their results; used from one thread only."""

    MODULES: Mapping[str, str]
    """SHA-256 of each kind's module."""

    def load_module(self, kind: str) -> bytes:
        """Read the WebAssembly module of a kind of job."""

    def offer(self, number: int) -> Offer | None:
        """Return the job with this number, from 0 on; None while there is nothing to do."""

    def check_output(self, kind: str, input_data: bytes, output: bytes) -> str | None:
        """Return why an output, which may be any bytes, is refused; None if it is accepted."""


class GiveBackReason(StrEnum):
    """Why a lease comes back without a result."""

    STOPPED = "stopped"
    UNWANTED = "unwanted"
    REFUSED = "refused"
    FAILED = "failed"


class LeaseUnknownError(Exception):
    """No lease has this id, or it was settled so long ago that it is forgotten."""


class LeaseLostError(Exception):
    """Somebody else settled the job."""


class CursorError(Exception):
    """The cursor is none that this API gave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What a radiator asks for: at most `count` leases on slots of `slot_w` watts each.

    The same `key` from the same radiator is the same request, however often it arrives.
    """

    radiator_id: str
    key: str
    count: int
    slot_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run one job for another `ttl_s` seconds."""

    lease_id: str
    ttl_s: float
    job_id: str
    kind: str
    module_sha256: str
    input_sha256: str
    pay: Decimal
    memory_bytes: int
    cpu_s: float
    output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One settlement, as it is booked."""

    settlement_id: str
    lease_id: str
    job_id: str
    radiator_id: str
    kind: str
    accepted: bool
    earned: Decimal
    repaid: Decimal
    energy_j: float
    currency: str
    settled_at: float
