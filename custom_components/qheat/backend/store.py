"""Jobs and leases in SQLite: nothing lost, nothing settled twice.

A job is queued, leased, settled, or withdrawn after failing too often. Each public method is one
transaction; times are seconds since the epoch and come in as `now`. Used from one thread only.
"""

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final

from .books import Books
from .catalogue import Offer
from .database import Database
from .work import (
    Booking,
    Catalogue,
    GiveBackReason,
    Lease,
    LeaseLostError,
    LeaseUnknownError,
    PullRequest,
    Terms,
)

LEASE_TTL_S: Final = 120.0
MOST_FAILURES: Final = 3
JOBS_AHEAD: Final = 4


class Store:
    """The embedded backend's memory; `books` tells what was settled."""

    def __init__(
        self,
        path: Path,
        terms: Terms,
        catalogue: Catalogue,
        new_id: Callable[[], str],
        lease_ttl_s: float = LEASE_TTL_S,
    ) -> None:
        self._database = Database(path)
        self.books = Books(self._database, terms, new_id)
        self._catalogue = catalogue
        self._new_id = new_id
        self._lease_ttl_s = lease_ttl_s
        self._withdraw_outdated()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def pull(self, request: PullRequest, now: float) -> list[Lease]:
        """Lease the jobs that wait longest; a request seen before gets what is left of its own."""
        pulled = (request.radiator_id, request.key)
        with self._database.transaction():
            self._expire(now)
            seen = "SELECT 1 FROM leases WHERE radiator_id = ? AND pull_key = ?"
            if not self._execute(seen, *pulled).fetchone():
                self._grant(request, now)
            rows = self._execute(
                "SELECT * FROM leased_jobs WHERE radiator_id = ? AND pull_key = ?"
                " AND state = 'held' ORDER BY place",
                *pulled,
            )
            return [_lease(row, now) for row in rows]

    def renew(self, lease_id: str, now: float) -> float | None:
        """Prolong a lease and return its new time to live in seconds; None: stop the work.

        An expired lease lives again if nobody has taken the job. Raises LeaseUnknownError.
        """
        with self._database.transaction():
            self._expire(now)
            lease = self._find(lease_id)
            revived = lease["state"] == "expired" and lease["job_state"] == "queued"
            if lease["state"] != "held" and not revived:
                return None
            self._execute(
                "UPDATE leases SET state = 'held', ends_at = ? WHERE lease_id = ?",
                now + self._lease_ttl_s,
                lease_id,
            )
            self._set_job(lease["job_id"], "leased")
            return self._lease_ttl_s

    def give_back(self, lease_id: str, reason: GiveBackReason, now: float) -> None:
        """Put the job of a lease at the end of the queue; a lease that has ended stays so.

        A job that failed too often is withdrawn. Raises LeaseUnknownError.
        """
        with self._database.transaction():
            self._expire(now)
            lease = self._find(lease_id)
            if lease["state"] != "held":
                return
            self._end_lease(lease_id, "returned", now)
            failures = lease["failures"] + (reason is GiveBackReason.FAILED)
            self._execute(
                "UPDATE jobs SET failures = ?, place = ?, state = ? WHERE job_id = ?",
                failures,
                self._next_place(),
                "queued" if failures < MOST_FAILURES else "withdrawn",
                lease["job_id"],
            )

    def deliver(self, lease_id: str, output: bytes, energy_j: float, now: float) -> Booking:
        """Judge, store and settle a result; one that was settled gets the same answer again.

        A late result counts while nobody else settled the job. `energy_j` is cut at what the
        lease could have used. Raises LeaseUnknownError, LeaseLostError.
        """
        with self._database.transaction():
            self._expire(now)
            lease = self._find(lease_id)
            if lease["state"] == "settled":
                return self.books.settlement_of(lease_id)
            if lease["job_state"] == "settled":
                raise LeaseLostError
            most_j = lease["slot_w"] * max(min(now, lease["ends_at"]) - lease["granted_at"], 0.0)
            judged = output if self._accepts(lease, output) else None
            booking = self.books.settle(lease, judged, min(energy_j, most_j), now)
            self._close_job(booking)
            return booking

    def input_data(self, sha256_hex: str) -> bytes | None:
        """Return the input with this hash, or None."""
        row = self._execute("SELECT input FROM jobs WHERE input_sha256 = ?", sha256_hex).fetchone()
        return None if row is None else row["input"]

    def module(self, sha256_hex: str) -> bytes | None:
        """Return the WebAssembly module with this hash, or None."""
        kinds = {module: kind for kind, module in self._catalogue.MODULES.items()}
        kind = kinds.get(sha256_hex)
        return None if kind is None else self._catalogue.load_module(kind)

    def _withdraw_outdated(self) -> None:
        # An update has brought other modules: nobody can run the jobs of the old ones any more.
        modules = list(self._catalogue.MODULES.values())
        self._execute(
            "UPDATE jobs SET state = 'withdrawn' WHERE state = 'queued'"
            " AND module_sha256 NOT IN (SELECT value FROM json_each(?))",
            json.dumps(modules),
        )

    def _grant(self, request: PullRequest, now: float) -> None:
        for job_id in self._waiting_jobs(request.count):
            self._execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, 'held')",
                self._new_id(),
                job_id,
                request.radiator_id,
                request.key,
                request.slot_w,
                now,
                now + self._lease_ttl_s,
            )
            self._set_job(job_id, "leased")

    def _waiting_jobs(self, count: int) -> list[str]:
        (queued,) = self._execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()
        # More than are asked for, so that a job given back is not the next one again.
        for _ in range(queued, count + JOBS_AHEAD):
            (number,) = self._execute("SELECT coalesce(max(number) + 1, 0) FROM jobs").fetchone()
            offer = self._catalogue.offer(number)
            if offer is None:
                break
            self._add(offer)
        rows = self._execute(
            "SELECT job_id FROM jobs WHERE state = 'queued' ORDER BY place LIMIT ?", count
        )
        return [row["job_id"] for row in rows]

    def _add(self, offer: Offer) -> None:
        self._execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, 0)",
            offer.number,
            self._new_id(),
            offer.kind,
            offer.module_sha256,
            sha256(offer.input_data).hexdigest(),
            offer.input_data,
            str(offer.pay),
            offer.memory_bytes,
            offer.cpu_s,
            offer.output_bytes,
            self._next_place(),
        )

    def _accepts(self, lease: sqlite3.Row, output: bytes) -> bool:
        return (
            len(output) <= lease["output_bytes"]
            and self._catalogue.check_output(lease["kind"], lease["input"], output) is None
        )

    def _close_job(self, booking: Booking) -> None:
        # Whoever else holds the job is told to stop when he renews.
        self._execute(
            "UPDATE leases SET state = iif(lease_id = ?, 'settled', 'expired')"
            " WHERE job_id = ? AND (lease_id = ? OR state = 'held')",
            booking.lease_id,
            booking.job_id,
            booking.lease_id,
        )
        self._set_job(booking.job_id, "settled")

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
            self._set_job(row["job_id"], "queued")

    def _end_lease(self, lease_id: str, state: str, now: float) -> None:
        self._execute(
            "UPDATE leases SET state = ?, ends_at = min(ends_at, ?) WHERE lease_id = ?",
            state,
            now,
            lease_id,
        )

    def _set_job(self, job_id: str, state: str) -> None:
        self._execute("UPDATE jobs SET state = ? WHERE job_id = ?", state, job_id)

    def _find(self, lease_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._execute(
            "SELECT * FROM leased_jobs WHERE lease_id = ?", lease_id
        ).fetchone()
        if row is None:
            raise LeaseUnknownError
        return row

    def _next_place(self) -> int:
        (place,) = self._execute("SELECT coalesce(max(place), 0) + 1 FROM jobs").fetchone()
        return int(place)

    def _execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._database.execute(sql, *values)


def _lease(row: sqlite3.Row, now: float) -> Lease:
    return Lease(
        lease_id=row["lease_id"],
        ttl_s=row["ends_at"] - now,
        job_id=row["job_id"],
        kind=row["kind"],
        module_sha256=row["module_sha256"],
        input_sha256=row["input_sha256"],
        pay=Decimal(row["pay"]),
        memory_bytes=row["memory_bytes"],
        cpu_s=row["cpu_s"],
        output_bytes=row["output_bytes"],
    )
