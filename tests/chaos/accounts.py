"""Both sides' books as they are on disk, and whether they say the same."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from custom_components.qheat.const import DOMAIN
from custom_components.qheat.ledger import Ledger

CURRENCY = "EUR"


class WrongError(Exception):
    """A promise was broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What settlements add up to."""

    accepted: int
    refused: int
    earned: Decimal
    repaid: Decimal


class BackendBooks:
    """A backend's database, only read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Return what a query finds; raises sqlite3.Error."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def count(self, query: str) -> int:
        """Return the one number that a query finds."""
        [[number]] = self.rows(query)
        assert isinstance(number, int)
        return number

    def sums(self, home_id: str, cursor: str | None) -> Sums:
        """Add up a home's settlements up to a cursor."""
        rows = self.rows(
            "SELECT accepted, earned, repaid FROM settlements WHERE home_id = ?"
            " AND place <= (SELECT place FROM settlements WHERE settlement_id = ?)",
            home_id,
            cursor,
        )
        return Sums(
            accepted=sum(bool(accepted) for accepted, _, _ in rows),
            refused=sum(not accepted for accepted, _, _ in rows),
            earned=sum((Decimal(str(earned)) for _, earned, _ in rows), Decimal(0)),
            repaid=sum((Decimal(str(repaid)) for _, _, repaid in rows), Decimal(0)),
        )

    def balance(self, home_id: str) -> Decimal:
        """Return the balance that the backend keeps."""
        rows = self.rows("SELECT amount FROM balances WHERE home_id = ?", home_id)
        return sum((Decimal(str(amount)) for [amount] in rows), Decimal(0))


def read_ledger(folder: Path, entry_id: str) -> Ledger:
    """Read a home's books as its next start would; raises for what that would set aside."""
    storage = folder / ".storage"
    prefix = f"{DOMAIN}.{entry_id}"
    if list(storage.glob(f"{prefix}*damaged*")) or list(storage.glob("*.corrupt*")):
        raise WrongError("the home has set its books aside")
    changes = _data(storage / prefix)
    if changes is None:
        return Ledger(CURRENCY)
    ledger = changes["ledger"]
    volumes = {key: _data(storage / f"{prefix}.{key}") for key in ledger["accounts"]}
    return Ledger.load(ledger, CURRENCY, {k: one for k, one in volumes.items() if one is not None})


def check_books(backend: BackendBooks, home_id: str, ledger: Ledger) -> int:
    """Check that a ledger holds each settlement up to its cursors once; return how many."""
    booked = 0
    for radiator_id in ledger.radiator_ids:
        cursor = ledger.cursor(radiator_id)
        told = backend.sums(home_id, cursor)
        totals = ledger.totals(radiator_id)
        written = Sums(
            accepted=sum(totals.jobs.values()),
            refused=totals.refused,
            earned=totals.earned,
            repaid=totals.repaid,
        )
        if written != told:
            raise WrongError(f"up to {cursor} the backend settled {told}, the home has {written}")
        booked += written.accepted
    return booked


def _data(path: Path) -> Any:
    return json.loads(path.read_text())["data"] if path.exists() else None
