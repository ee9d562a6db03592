"""What a backend says over the job API, checked: a backend is not trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .. import wire
from ..manifests import SignedManifest, fingerprint, read_public_key
from ..wire import FieldError, Fields
from .engine import MAX_AMOUNT, Settlement, SettlementPage
from .machine import Limits

_MOST_TTL_S: Final = 86_400.0
_MOST_EPOCH_S: Final = 253_402_300_799.0  # the end of the year 9999
_PAGE: Final = 1000


class GiveBackReason(StrEnum):
    """Why a lease goes back without a result."""

    STOPPED = "stopped"
    UNWANTED = "unwanted"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What a radiator asks for; the same `key` asks for the same leases again."""

    radiator_id: str
    key: str
    count: int
    slots: int
    slot_w: float
    wanted_s: float
    unpaid: bool = False
    """Whether jobs that neither pay nor repay are welcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """The right to run one job for `ttl_s` seconds from now on."""

    lease_id: str
    ttl_s: float
    kind: str
    module_sha256: str
    input_sha256: str
    pay: Decimal
    repayment_per_kwh: Decimal
    limits: Limits
    count_fuel: bool = False
    """Whether the result will be compared by the fuel that the job burnt, too."""
    signed: SignedManifest | None = None
    """What the module's publisher signed, not verified yet."""

    @property
    def is_paid(self) -> bool:
        """Whether the job pays for the computing, or at least repays its electricity."""
        return self.pay > 0 or self.repayment_per_kwh > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PullAnswer:
    """Leases, or how long the backend asks us to wait, in seconds, if it says."""

    leases: tuple[JobLease, ...]
    retry_after_s: float | None


class Pending:
    """A result was taken, and its settlement comes by the cursor once others agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A home's account with a backend."""

    currency: str
    balance: Decimal
    repayment_per_kwh: Decimal


def read_leases(message: Fields, most: int) -> tuple[JobLease, ...]:
    """Return the leases of a pull answer, at most as many as were asked for."""
    leases = tuple(_lease(one) for one in wire.objects(message, "leases", most))
    if len({lease.lease_id for lease in leases}) != len(leases):
        raise FieldError("leases holds one lease twice")
    return leases


def read_renewal(message: Fields) -> float | None:
    """Return a renewed lease's time to live in seconds; None: stop the work."""
    if wire.choice(message, "verdict", _Verdict) is _Verdict.CANCEL:
        return None
    return wire.number(message, "ttl_s", 0, _MOST_TTL_S)


def read_account(message: Fields) -> Account:
    """Return the account."""
    return Account(
        currency=wire.currency(message, "currency"),
        balance=wire.money(message, "balance"),
        repayment_per_kwh=wire.money(message, "repayment_per_kwh"),
    )


def read_publishers(message: Fields) -> Mapping[str, tuple[str, ...]]:
    """Return the kinds of jobs that each publisher has signed, by its key's fingerprint."""
    return {
        fingerprint(read_public_key(one)): wire.names(one, "kinds", wire.MOST_KINDS)
        for one in wire.objects(message, "publishers", wire.MOST_PUBLISHERS)
    }


def read_settlement(message: Fields, radiator_id: str) -> Settlement:
    """Return a settlement of this radiator."""
    if wire.name(message, "radiator_id") != radiator_id:
        raise FieldError("radiator_id is another radiator's")
    earned, repaid = wire.money(message, "earned"), wire.money(message, "repaid")
    if earned < 0 or repaid < 0:
        raise FieldError("earned or repaid is less than nothing")
    return Settlement(
        settlement_id=wire.name(message, "settlement_id"),
        radiator_id=radiator_id,
        job_kind=wire.name(message, "kind"),
        accepted=wire.flag(message, "accepted"),
        earned=earned,
        repaid=repaid,
        energy_j=wire.number(message, "energy_j", 0, 1e12),
        currency=wire.currency(message, "currency"),
        settled_at=wire.number(message, "settled_at", 0, _MOST_EPOCH_S),
    )


def read_settlements(message: Fields, radiator_id: str) -> SettlementPage:
    """Return a page of this radiator's settlements."""
    return SettlementPage(
        settlements=tuple(
            read_settlement(one, radiator_id) for one in wire.objects(message, "settlements", _PAGE)
        ),
        cursor=wire.name(message, "cursor"),
    )


class _Verdict(StrEnum):
    CONTINUE = "continue"
    CANCEL = "cancel"


def _lease(message: Fields) -> JobLease:
    job = wire.child(message, "job")
    pay, repayment_per_kwh = wire.money(job, "pay"), wire.money(job, "repayment_per_kwh")
    if not (0 <= pay <= MAX_AMOUNT and 0 <= repayment_per_kwh <= MAX_AMOUNT):
        raise FieldError("pay or repayment_per_kwh is less than nothing, or is never booked")
    return JobLease(
        lease_id=wire.name(message, "lease_id"),
        ttl_s=wire.number(message, "ttl_s", 0, _MOST_TTL_S),
        kind=wire.name(job, "kind"),
        module_sha256=wire.sha256(job, "module_sha256"),
        input_sha256=wire.sha256(job, "input_sha256"),
        pay=pay,
        repayment_per_kwh=repayment_per_kwh,
        limits=Limits(
            memory_bytes=wire.integer(job, "memory_bytes", 1, wire.MOST_MEMORY_BYTES),
            cpu_s=wire.number(job, "cpu_s", 0.001, wire.MOST_CPU_S),
            output_bytes=wire.integer(job, "output_bytes", 0, wire.MOST_OUTPUT_BYTES),
        ),
        count_fuel="count_fuel" in job and wire.flag(job, "count_fuel"),
        signed=None
        if job.get("signed") is None
        else SignedManifest.read(wire.child(job, "signed")),
    )
