"""The backend's words: what it hands out, what it is asked, what it books."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from ..manifests import SignedManifest
from .catalogue import Offer

HOME: Final = "home"
"""The one home of an embedded backend."""

MOST_REPLICAS: Final = 5


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
    """The job needs no result of this lease any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What a radiator asks for: at most `count` leases on its `slots` of `slot_w` watts each.

    Best for jobs that end in `wanted_s` seconds; `unpaid` ones are welcome or not. The same `key`
    from the same radiator is the same request, however often it arrives.
    """

    home_id: str = HOME
    radiator_id: str
    key: str
    count: int
    slot_w: float
    slots: float = math.inf
    wanted_s: float = math.inf
    unpaid: bool = False


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
    repayment_per_kwh: Decimal
    memory_bytes: int
    cpu_s: float
    output_bytes: int
    count_fuel: bool
    """Whether the result is compared with others', by its fuel, too."""
    signed: SignedManifest | None
    """None: one of the backend's own modules, which homes have too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a lease gave: the output, and the fuel and joules that it took."""

    output: bytes
    energy_j: float
    fuel: int | None = None


class Refusal(StrEnum):
    """Why a result is refused, or a job withdrawn."""

    TOO_LONG = "too_long"
    WRONG = "wrong"
    OUTVOTED = "outvoted"
    NO_AGREEMENT = "no_agreement"
    FAILED = "failed"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One settlement, as it is booked: bound to module, input, output and fuel."""

    settlement_id: str
    lease_id: str
    job_id: str
    radiator_id: str
    kind: str
    module_sha256: str
    input_sha256: str
    output_sha256: str | None
    fuel: int | None
    accepted: bool
    reason: Refusal | None
    earned: Decimal
    repaid: Decimal
    energy_j: float
    currency: str
    settled_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an accepted job was given, what it gave, and when it was settled (epoch seconds)."""

    input_data: bytes
    output: bytes
    settled_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A result that is stored and waits for others to compare it with."""

    lease_id: str
    job_id: str


class StorageFullError(Exception):
    """The backend has promised all the storage that it gives."""


class QueueFullError(Exception):
    """More jobs wait than the backend takes."""


class KeyReusedError(Exception):
    """Another job was submitted under this key."""


class BlobUnknownError(Exception):
    """A job names a module or an input that the backend does not have."""


class BlobWrongError(Exception):
    """What was uploaded is not what its path says."""


class ManifestWrongError(Exception):
    """A manifest is not this module's, not signed by its key, or its time is over."""


class ManifestOldError(Exception):
    """The same publisher's manifest with this or a higher serial is there already."""


class NotCoveredError(Exception):
    """The module has no manifest that covers the job."""


class JobUnknownError(Exception):
    """No job has this id, or it is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job that somebody wants done; the same `key` is the same job, however often it arrives."""

    key: str
    kind: str
    module_sha256: str
    input_sha256: str
    input_data: bytes | None
    """None: it was uploaded before."""
    pay: Decimal
    repayment_per_kwh: Decimal | None
    """None: the rate of the backend's terms."""
    memory_bytes: int
    cpu_s: float
    output_bytes: int
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedLease:
    """One lease of a job, as its submitter may see it."""

    lease_id: str
    home_id: str
    radiator_id: str
    state: str
    granted_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result that a settled job has."""

    output_sha256: str
    fuel: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """How a job stands."""

    job_id: str
    kind: str
    state: str
    reason: str | None
    module_sha256: str
    input_sha256: str
    pay: Decimal
    repayment_per_kwh: Decimal | None
    replicas: int
    agreeing: int
    """Results that are equal: the job is settled when they are as many as its replicas."""
    leases: tuple[TriedLease, ...]
    result: Outcome | None


class NoCatalogue:
    """No jobs of its own: all come from the submitter."""

    MODULES: Mapping[str, str] = {}

    def load_module(self, kind: str) -> bytes:
        """There is none."""
        raise KeyError(kind)

    def offer(self, number: int) -> Offer | None:
        """There is none."""
        return None

    def check_output(self, kind: str, input_data: bytes, output: bytes) -> str | None:
        """Judge nothing: no job is the catalogue's."""
        raise KeyError(kind)
