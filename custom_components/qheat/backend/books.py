"""What the backend has settled: results, settlements and balances."""

import sqlite3
from collections.abc import Callable
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Final

from .database import Database
from .work import Refusal, Result, Settlement, Terms

KEPT_SETTLEMENTS: Final = 50_000
KEPT_OUTPUTS: Final = 64
"""Of each kind of the catalogue's jobs."""

_BEFORE_THE_FIRST: Final = "0"
_JOULES_PER_KWH: Final = 3_600_000
_MONEY_STEP: Final = Decimal("1e-9")


class Books:
    """The settled jobs in a database; writing is done inside the caller's transaction."""

    def __init__(self, database: Database, terms: Terms, new_id: Callable[[], str]) -> None:
        self._database = database
        self._terms = terms
        self._new_id = new_id

    def settle(self, lease: sqlite3.Row, refusal: Refusal | None, now: float) -> None:
        """Book the result that a lease has delivered, as accepted or as refused."""
        accepted, energy_j = refusal is None, lease["energy_j"]
        own_rate = lease["repayment_per_kwh"]
        rate = self._terms.repayment_per_kwh if own_rate is None else Decimal(own_rate)
        repaid = Decimal(energy_j) / _JOULES_PER_KWH * rate
        settlement = Settlement(
            settlement_id=self._new_id(),
            lease_id=lease["lease_id"],
            job_id=lease["job_id"],
            radiator_id=lease["radiator_id"],
            kind=lease["kind"],
            module_sha256=lease["module_sha256"],
            input_sha256=lease["input_sha256"],
            output_sha256=lease["output_sha256"],
            fuel=lease["fuel"],
            accepted=accepted,
            reason=refusal,
            earned=Decimal(lease["pay"]) if accepted else Decimal(0),
            repaid=repaid.quantize(_MONEY_STEP) if accepted else Decimal(0),
            energy_j=energy_j,
            currency=self._terms.currency,
            settled_at=max(now, self._last_at(lease["home_id"], lease["radiator_id"])),
        )
        self._write(lease["home_id"], settlement)
        self._prune(lease)

    def settlement_of(self, lease_id: str) -> Settlement | None:
        """Return the settlement of a lease; None if it has none yet."""
        row = self._database.execute(
            "SELECT * FROM settlements WHERE lease_id = ?", lease_id
        ).fetchone()
        return None if row is None else _settlement(row)

    def settlements(
        self, home_id: str, radiator_id: str, after: str | None, most: int
    ) -> tuple[list[Settlement], str]:
        """Return a radiator's settlements behind a cursor, in order, and the cursor behind them.

        A cursor is the id of the last settlement told: a place would be given again after a backup
        is restored. Behind one that is not known here, also another backend's, all are told: twice
        told is better than never told.
        """
        rows = self._database.execute(
            "SELECT * FROM settlements WHERE home_id = :home_id AND radiator_id = :radiator_id"
            " AND place > coalesce((SELECT place FROM settlements WHERE settlement_id = :after"
            " AND home_id = :home_id AND radiator_id = :radiator_id), 0)"
            " ORDER BY place LIMIT :most",
            home_id=home_id,
            radiator_id=radiator_id,
            after=after,
            most=most,
        ).fetchall()
        cursor = rows[-1]["settlement_id"] if rows else after or _BEFORE_THE_FIRST
        return [_settlement(row) for row in rows], cursor

    def balance(self, home_id: str) -> Decimal:
        """Return what all of a home's settlements paid and repaid, in the terms' currency."""
        row = self._database.execute(
            "SELECT amount FROM balances WHERE home_id = ? AND currency = ?",
            home_id,
            self._terms.currency,
        ).fetchone()
        return Decimal(0) if row is None else Decimal(row["amount"])

    def output(self, job_id: str) -> bytes | None:
        """Return the accepted result of a job; None where there is none (any more)."""
        row = self._database.execute(
            "SELECT output FROM results JOIN jobs USING (job_id)"
            " WHERE job_id = ? AND state = 'settled'",
            job_id,
        ).fetchone()
        return None if row is None else row["output"]

    def latest_results(self, kind: str, most: int) -> list[Result]:
        """Return what the last `most` accepted jobs of a kind gave, the newest first."""
        rows = self._database.execute(
            "SELECT body, output, settled_at FROM settlements"
            " JOIN results USING (job_id, output_sha256) JOIN blobs ON sha256 = input_sha256"
            " WHERE kind = ? AND accepted = 1 ORDER BY place DESC LIMIT ?",
            kind,
            most,
        )
        return [
            Result(input_data=row["body"], output=row["output"], settled_at=row["settled_at"])
            for row in rows
        ]

    def _last_at(self, home_id: str, radiator_id: str) -> float:
        """Return when a radiator's last settlement was made (epoch seconds).

        With the clock turned back the next one is dated no earlier: a home takes what is dated
        before all that it remembers for booked long ago.
        """
        row = self._database.execute(
            "SELECT settled_at FROM settlements WHERE home_id = ? AND radiator_id = ?"
            " ORDER BY place DESC LIMIT 1",
            home_id,
            radiator_id,
        ).fetchone()
        return 0.0 if row is None else float(row["settled_at"])

    def _write(self, home_id: str, settlement: Settlement) -> None:
        self._database.insert("settlements", **asdict(settlement), home_id=home_id)
        self._database.execute(
            "INSERT INTO balances VALUES (?, ?, ?)"
            " ON CONFLICT (home_id, currency) DO UPDATE SET amount = excluded.amount",
            home_id,
            settlement.currency,
            str(self.balance(home_id) + settlement.earned + settlement.repaid),
        )

    def _prune(self, lease: sqlite3.Row) -> None:
        # One settlement was added, so at most one result and one settlement are too old.
        if lease["number"] is not None:
            self._database.execute(
                "DELETE FROM results WHERE job_id IN (SELECT job_id FROM settlements"
                " JOIN jobs USING (job_id) WHERE settlements.kind = ? AND accepted = 1"
                " AND number IS NOT NULL ORDER BY settlements.place DESC LIMIT 1 OFFSET ?)",
                lease["kind"],
                KEPT_OUTPUTS,
            )
        (newest,) = self._database.execute("SELECT max(place) FROM settlements").fetchone()
        # A job that was refused long ago may have been settled only now.
        self._database.execute(
            "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM settlements WHERE place <= :old)"
            " AND NOT EXISTS (SELECT 1 FROM settlements AS newer"
            " WHERE newer.job_id = jobs.job_id AND newer.place > :old)"
            # The plus keeps SQLite from looking through all jobs of these states instead.
            " AND +state IN ('settled', 'withdrawn')",
            old=newest - KEPT_SETTLEMENTS,
        )


def _settlement(row: sqlite3.Row) -> Settlement:
    """Return what `_write` wrote: columns have the names of the fields."""
    values = {field.name: row[field.name] for field in fields(Settlement)}
    values |= {name: Decimal(row[name]) for name in ("earned", "repaid")}
    values["accepted"] = bool(row["accepted"])
    if row["reason"] is not None:
        values["reason"] = Refusal(row["reason"])
    return Settlement(**values)
