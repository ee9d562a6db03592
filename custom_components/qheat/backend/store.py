"""Jobs and leases in SQLite: nothing lost, nothing settled twice.

A job is queued while it needs a lease, leased while all that it needs are out, then settled, or
withdrawn. Each public method is one transaction, apart from the sweep before a pull; times are
seconds since the epoch and come in as `now`. Used from one thread only.
"""

import math
import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final

from .blobs import Blobs
from .books import Books
from .database import Database
from .line import Line
from .manifests import Manifests
from .replicas import Vote, delivered, votes_on
from .supply import Supply
from .work import (
    HOME,
    Catalogue,
    Delivery,
    GiveBackReason,
    Lease,
    LeaseLostError,
    LeaseUnknownError,
    Pending,
    PullRequest,
    Refusal,
    Settlement,
    Terms,
)

LEASE_TTL_S: Final = 120.0
HELD_PER_SLOT: Final = 4
"""A home holds two at most, one computing and one whose result is on its way, and loses some."""
SPARE_CPU_S: Final = 2.0
"""A home looks a few times a second whether a job has reached its limit."""
HELD_S: Final = 86_400.0
HELD_PER_CPU: Final = 10
"""So long may a lease be renewed, beside `HELD_S`, for each CPU second of the job's limit."""


class Store:
    """The backend's memory; `books` tells what was settled, `blobs` keeps modules and inputs.

    `steady` gives seconds that nobody can turn back or forwards.
    """

    def __init__(
        self,
        path: Path,
        terms: Terms,
        catalogue: Catalogue,
        new_id: Callable[[], str],
        *,
        lease_ttl_s: float = LEASE_TTL_S,
        homes: Collection[str] = (HOME,),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = Database(path)
        self._execute = self.database.execute
        self.books = Books(self.database, terms, new_id)
        self.blobs = Blobs(self.database, catalogue, steady)
        self.manifests = Manifests(self.database)
        self._terms = terms
        self.new_id = new_id
        self._lease_ttl_s = lease_ttl_s
        self.line = Line(self.database, terms, homes)
        self._supply = Supply(self.database, self.line, self.blobs, catalogue, new_id)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def pull(self, request: PullRequest, now: float) -> list[Lease]:
        """Lease the jobs that suit best; a request seen before gets what is left of its own."""
        pulled = (request.home_id, request.radiator_id, request.key)
        self.blobs.sweep(now)
        with self.database.transaction():
            self._expire(now)
            seen = "SELECT 1 FROM leases WHERE home_id = ? AND radiator_id = ? AND pull_key = ?"
            if not self._execute(seen, *pulled).fetchone():
                self._grant(request, now)
            rows = self._execute(
                "SELECT * FROM leased_jobs WHERE home_id = ? AND radiator_id = ?"
                " AND pull_key = ? AND state = 'held' ORDER BY place",
                *pulled,
            )
            return [self._lease(row, now) for row in rows]

    def renew(self, home_id: str, lease_id: str, now: float) -> float | None:
        """Prolong a lease and return its new time to live in seconds; None: stop the work.

        An expired lease lives again if nobody has taken the job; none is renewed for ever.
        Raises LeaseUnknownError.
        """
        with self.database.transaction():
            self._expire(now)
            lease = self._find(home_id, lease_id)
            revived = (
                lease["state"] == "expired"
                and lease["job_state"] == "queued"
                and self.line.may_take(lease, now)
            )
            if lease["state"] != "held" and not revived:
                return None
            longest_s = HELD_S + HELD_PER_CPU * lease["cpu_s"]
            if self.blobs.is_even(now) and now - lease["granted_at"] > longest_s:
                self._end_lease(lease_id, "returned", now)
                self.line.requeue(lease["job_id"])
                return None
            self._execute(
                "UPDATE leases SET state = 'held', ends_at = ? WHERE lease_id = ?",
                now + self._lease_ttl_s,
                lease_id,
            )
            self.line.update(lease["job_id"])
            return self._lease_ttl_s

    def give_back(self, home_id: str, lease_id: str, reason: GiveBackReason, now: float) -> None:
        """Put the job of a lease at the end of the queue; a lease that has ended stays so.

        A job that failed too often is withdrawn. Raises LeaseUnknownError.
        """
        with self.database.transaction():
            self._expire(now)
            lease = self._find(home_id, lease_id)
            if lease["state"] == "held":
                self._end_lease(lease_id, "returned", now)
                self._requeue(lease, reason is GiveBackReason.FAILED, now)

    def deliver(
        self, home_id: str, lease_id: str, delivery: Delivery, now: float
    ) -> Settlement | Pending:
        """Judge and store a result, and settle its job once enough results agree.

        What was delivered gets the same answer again. A late result counts while the job needs
        one. The energy is cut at what lease and job could have used. Raises LeaseUnknownError,
        LeaseLostError.
        """
        with self.database.transaction():
            self._expire(now)
            lease = self._find(home_id, lease_id)
            if lease["state"] not in {"delivered", "settled"}:
                self._take_result(lease, delivery, now)
            settlement = self.books.settlement_of(lease_id)
            return settlement or Pending(lease_id=lease_id, job_id=lease["job_id"])

    def _take_result(self, lease: sqlite3.Row, delivery: Delivery, now: float) -> None:
        late = lease["state"] != "held"
        if lease["job_state"] in {"settled", "withdrawn"} or (
            late and not self.line.may_take(lease, now)
        ):
            raise LeaseLostError
        held_s = max(min(now, lease["ends_at"]) - lease["granted_at"], 0.0)
        most_j = lease["slot_w"] * min(held_s, lease["cpu_s"] + SPARE_CPU_S)
        output_sha256 = sha256(delivery.output).hexdigest()
        self._execute(
            "UPDATE leases SET state = 'delivered', ends_at = ?, output_sha256 = ?, fuel = ?,"
            " energy_j = ? WHERE lease_id = ?",
            now,
            output_sha256,
            delivery.fuel,
            min(delivery.energy_j, most_j),
            lease["lease_id"],
        )
        refusal = self._supply.judge(lease, delivery.output)
        if refusal is not None:
            self._settle(lease["lease_id"], refusal, now)
            self._requeue(lease, failed=True, now=now)
            return
        self._execute(
            "INSERT OR IGNORE INTO results VALUES (?, ?, ?)",
            lease["job_id"],
            output_sha256,
            delivery.output,
        )
        votes = votes_on(self.database, lease["job_id"])
        if votes.agreed:
            self._close(lease["job_id"], votes.winner, Refusal.OUTVOTED, now)
        elif votes.hopeless:
            self._close(lease["job_id"], None, Refusal.NO_AGREEMENT, now)
        else:
            self.line.update(lease["job_id"])

    def _grant(self, request: PullRequest, now: float) -> None:
        (held,) = self._execute(
            # The plus keeps SQLite from going through all leases that the radiator ever had.
            "SELECT count(*) FROM leases"
            " WHERE state = 'held' AND +home_id = ? AND +radiator_id = ?",
            request.home_id,
            request.radiator_id,
        ).fetchone()
        count = min(request.count, HELD_PER_SLOT * request.slots - held)
        if count < 1:
            return
        request = replace(request, count=math.floor(count))
        self._supply.fill(request, now)
        for job_id in self.line.next_jobs(request, now):
            self.database.insert(
                "leases",
                lease_id=self.new_id(),
                job_id=job_id,
                home_id=request.home_id,
                radiator_id=request.radiator_id,
                pull_key=request.key,
                slot_w=request.slot_w,
                granted_at=now,
                ends_at=now + self._lease_ttl_s,
                state="held",
            )
            self.line.update(job_id)

    def _close(self, job_id: str, winner: Vote | None, refusal: Refusal, now: float) -> None:
        """Settle all that was delivered: what equals `winner` is accepted, the rest refused."""
        for lease in delivered(self.database, job_id):
            won = (lease["output_sha256"], lease["fuel"]) == winner
            self._settle(lease["lease_id"], None if won else refusal, now)
        self._execute(
            "DELETE FROM results WHERE job_id = ? AND output_sha256 IS NOT ?",
            job_id,
            winner and winner[0],
        )
        # Whoever else holds the job is told to stop when he renews.
        self._execute(
            "UPDATE leases SET state = 'expired' WHERE job_id = ? AND state = 'held'", job_id
        )
        self._execute(
            "UPDATE jobs SET state = ?, reason = ?, closed_at = ? WHERE job_id = ?",
            "settled" if winner else "withdrawn",
            None if winner else refusal,
            now,
            job_id,
        )

    def _settle(self, lease_id: str, refusal: Refusal | None, now: float) -> None:
        lease = self._execute("SELECT * FROM leased_jobs WHERE lease_id = ?", lease_id).fetchone()
        self.books.settle(lease, refusal, now)
        self._execute("UPDATE leases SET state = 'settled' WHERE lease_id = ?", lease_id)

    def _requeue(self, lease: sqlite3.Row, failed: bool, now: float) -> None:
        """Let a job wait at the end of the line; one that failed too often is withdrawn."""
        self.line.requeue(lease["job_id"])
        if failed and self.line.fail(lease):
            self._close(lease["job_id"], None, Refusal.FAILED, now)

    def _expire(self, now: float) -> None:
        # A lease that ends later than any lease can shows that the clock was turned back.
        rows = self._execute(
            "SELECT lease_id, job_id FROM leases WHERE state = 'held'"
            " AND (ends_at <= ? OR ends_at > ?)",
            now,
            now + self._lease_ttl_s,
        ).fetchall()
        for row in rows:
            self._end_lease(row["lease_id"], "expired", now)
            self.line.update(row["job_id"])

    def _end_lease(self, lease_id: str, state: str, now: float) -> None:
        self._execute(
            "UPDATE leases SET state = ?, ends_at = min(ends_at, ?) WHERE lease_id = ?",
            state,
            now,
            lease_id,
        )

    def _find(self, home_id: str, lease_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._execute(
            "SELECT * FROM leased_jobs WHERE lease_id = ? AND home_id = ?", lease_id, home_id
        ).fetchone()
        if row is None:
            raise LeaseUnknownError
        return row

    def _lease(self, row: sqlite3.Row, now: float) -> Lease:
        rate = row["repayment_per_kwh"]
        return Lease(
            lease_id=row["lease_id"],
            ttl_s=row["ends_at"] - now,
            job_id=row["job_id"],
            kind=row["kind"],
            module_sha256=row["module_sha256"],
            input_sha256=row["input_sha256"],
            pay=Decimal(row["pay"]),
            repayment_per_kwh=self._terms.repayment_per_kwh if rate is None else Decimal(rate),
            memory_bytes=row["memory_bytes"],
            cpu_s=row["cpu_s"],
            output_bytes=row["output_bytes"],
            count_fuel=row["replicas"] > 1,
            signed=self.manifests.get(row["module_sha256"]),
        )
