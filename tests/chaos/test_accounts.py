"""The fault test's own judgement: what is lost or booked twice is found out."""

from dataclasses import asdict
from pathlib import Path

import pytest

from custom_components.qheat.backend.store import Store
from custom_components.qheat.backend.work import HOME
from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.compute.messages import read_settlements
from custom_components.qheat.ledger import Ledger

from ..backend.test_store import NOW, ask, open_store
from ..backend.tiny import deliver
from .accounts import BackendBooks, WrongError, check_books


def settled(store: Store) -> SettlementPage:
    """Return three settlements as a home hears of them."""
    for number in range(3):
        (lease,) = store.pull(ask(str(number)), NOW)
        deliver(store, lease.lease_id, f"input {number}".encode(), 100.0, NOW + 60)
    told, cursor = store.books.settlements(HOME, "r1", None, 10)
    message = [asdict(one) | {"earned": str(one.earned), "repaid": str(one.repaid)} for one in told]
    return read_settlements({"settlements": message, "cursor": cursor}, "r1")


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_settlement_behind_the_cursor_that_is_not_in_the_books_is_found_out(
    tmp_path: Path, kept: int
) -> None:
    store, ledger = open_store(tmp_path), Ledger("EUR")
    page = settled(store)
    ledger.book("r1", SettlementPage(settlements=page.settlements[:kept], cursor=page.cursor), NOW)
    with pytest.raises(WrongError):
        check_books(BackendBooks(tmp_path / "jobs.db"), HOME, ledger)
    store.close()


def test_books_that_hold_each_settlement_once_are_right(tmp_path: Path) -> None:
    store, ledger = open_store(tmp_path), Ledger("EUR")
    page = settled(store)
    books = BackendBooks(tmp_path / "jobs.db")
    for _ in range(2):
        ledger.book("r1", page, NOW + 60)
        assert check_books(books, HOME, ledger) == 3
    assert books.balance(HOME) == ledger.totals("r1").earned + ledger.totals("r1").repaid
    store.close()
