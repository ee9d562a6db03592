"""What the backend has settled: results, settlements and balances."""

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from .database import Database
from .work import Booking, CursorError, Terms

KEPT_SETTLEMENTS: Final = 50_000
KEPT_OUTPUTS: Final = 64
"""Of each kind."""

_JOULES_PER_KWH: Final = 3_600_000
_MONEY_STEP: Final = Decimal("1e-9")


class Books:
    """The settled jobs in a database; writing is done inside the caller's transaction."""

    def __init__(self, database: Database, terms: Terms, new_id: Callable[[], str]) -> None:
        self._database = database
        self._terms = terms
        self._new_id = new_id
        (self._store_id,) = database.execute("SELECT store_id FROM store").fetchone()

    def settle(
        self, lease: sqlite3.Row, output: bytes | None, energy_j: float, now: float
    ) -> Booking:
        """Book a lease's job as accepted with its `output`, or as refused (None)."""
        accepted = output is not None
        repaid = Decimal(energy_j) / _JOULES_PER_KWH * self._terms.repayment_per_kwh
        booking = Booking(
            settlement_id=self._new_id(),
            lease_id=lease["lease_id"],
            job_id=lease["job_id"],
            radiator_id=lease["radiator_id"],
            kind=lease["kind"],
            accepted=accepted,
            earned=Decimal(lease["pay"]) if accepted else Decimal(0),
            repaid=repaid.quantize(_MONEY_STEP) if accepted else Decimal(0),
            energy_j=energy_j,
            currency=self._terms.currency,
            settled_at=now,
        )
        self._write(booking)
        if output is not None:
            self._database.execute("INSERT INTO results VALUES (?, ?)", booking.job_id, output)
        self._prune(booking.kind)
        return booking

    def settlement_of(self, lease_id: str) -> Booking:
        """Return the settlement of a lease that has one."""
        return _booking(
            self._database.execute(
                "SELECT * FROM settlements WHERE lease_id = ?", lease_id
            ).fetchone()
        )

    def settlements(
        self, radiator_id: str, after: str | None, most: int
    ) -> tuple[list[Booking], str]:
        """Return a radiator's settlements behind a cursor, in order, and the cursor behind them.

        A cursor from another database starts at the first settlement: twice told is better than
        never told, and ids are unique. Raises CursorError.
        """
        start = self._place(after)
        rows = self._database.execute(
            "SELECT * FROM settlements WHERE radiator_id = ? AND place > ? ORDER BY place LIMIT ?",
            radiator_id,
            start,
            most,
        ).fetchall()
        end = rows[-1]["place"] if rows else start
        return [_booking(row) for row in rows], f"{self._store_id}.{end}"

    def balance(self) -> Decimal:
        """Return what all settlements together paid and repaid, in the currency of the terms."""
        row = self._database.execute(
            "SELECT amount FROM balances WHERE currency = ?", self._terms.currency
        ).fetchone()
        return Decimal(0) if row is None else Decimal(row["amount"])

    def output(self, job_id: str) -> bytes | None:
        """Return the accepted result of a job; None where there is none (any more)."""
        row = self._database.execute(
            "SELECT output FROM results WHERE job_id = ?", job_id
        ).fetchone()
        return None if row is None else row["output"]

    def latest_results(self, kind: str, most: int) -> list[tuple[bytes, bytes]]:
        """Return input and output of the last accepted jobs of a kind, the newest first."""
        rows = self._database.execute(
            "SELECT input, output FROM settlements JOIN jobs USING (job_id)"
            " JOIN results USING (job_id) WHERE settlements.kind = ? AND accepted = 1"
            " ORDER BY settlements.place DESC LIMIT ?",
            kind,
            most,
        )
        return [(row["input"], row["output"]) for row in rows]

    def _write(self, booking: Booking) -> None:
        self._database.execute(
            "INSERT INTO settlements VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            booking.settlement_id,
            booking.lease_id,
            booking.job_id,
            booking.radiator_id,
            booking.kind,
            booking.accepted,
            str(booking.earned),
            str(booking.repaid),
            booking.energy_j,
            booking.currency,
            booking.settled_at,
        )
        self._database.execute(
            "INSERT INTO balances VALUES (?, ?)"
            " ON CONFLICT (currency) DO UPDATE SET amount = excluded.amount",
            booking.currency,
            str(self.balance() + booking.earned + booking.repaid),
        )

    def _prune(self, kind: str) -> None:
        # One settlement was added, so at most one result and one settlement are too old.
        self._database.execute(
            "DELETE FROM results WHERE job_id IN (SELECT job_id FROM settlements"
            " WHERE kind = ? AND accepted = 1 ORDER BY place DESC LIMIT 1 OFFSET ?)",
            kind,
            KEPT_OUTPUTS,
        )
        self._database.execute(
            "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM settlements"
            " WHERE place <= (SELECT max(place) FROM settlements) - ?)",
            KEPT_SETTLEMENTS,
        )

    def _place(self, cursor: str | None) -> int:
        store_id, _, place = (cursor or f"{self._store_id}.0").partition(".")
        if not (place.isascii() and place.isdecimal() and len(place) <= 18):
            raise CursorError
        return int(place) if store_id == self._store_id else 0


def _booking(row: sqlite3.Row) -> Booking:
    return Booking(
        settlement_id=row["settlement_id"],
        lease_id=row["lease_id"],
        job_id=row["job_id"],
        radiator_id=row["radiator_id"],
        kind=row["kind"],
        accepted=bool(row["accepted"]),
        earned=Decimal(row["earned"]),
        repaid=Decimal(row["repaid"]),
        energy_j=row["energy_j"],
        currency=row["currency"],
        settled_at=row["settled_at"],
    )
