"""Credit becomes money exactly once."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.compute.boinc.credit import Book, Tariff, key_of
from custom_components.qheat.compute.engine import SettlementPage

from .credited import MACHINE, PROJECT, TARIFF, URL, Ledger


def test_credit_from_before_is_not_paid() -> None:
    ledger = Ledger()
    page = ledger.ask(1_000_000)
    assert page.settlements == ()
    ledger.book(page)
    assert ledger.ask(1_000_000).cursor == ledger.cursor


def test_credit_is_paid_once_however_late_it_comes_and_however_often_it_is_asked() -> None:
    ledger = Ledger()
    for total in (100, 100, 140, 140, 140, 141):
        ledger.book(ledger.ask(total))
    assert ledger.earned == Decimal("10.25")


def test_a_page_that_was_not_stored_comes_again() -> None:
    ledger = Ledger()
    ledger.book(ledger.ask(0))
    assert ledger.ask(8) == ledger.ask(8)
    ledger.book(ledger.ask(20))
    assert ledger.earned == Decimal(5)


def test_credit_taken_back_is_taken_back() -> None:
    ledger = Ledger()
    for total in (0, 10, 20, 30, 14):
        ledger.book(ledger.ask(total))
    assert ledger.earned == Decimal("3.50")
    ledger.book(ledger.ask(30))
    assert ledger.earned == Decimal("7.50")


def test_what_falls_below_all_that_is_remembered_is_made_up_before_anything_is_paid() -> None:
    ledger = Ledger()
    for total in (100, 110, 60, 90, 100, 104):
        ledger.book(ledger.ask(total))
    assert ledger.earned == Decimal(1)


def test_science_that_pays_nothing_gives_no_settlement_and_a_rate_is_not_paid_backwards() -> None:
    ledger = Ledger()
    free = Tariff(rates={}, currency="EUR")
    for total in (0, 10, 20):
        page = ledger.ask(total, free)
        assert page.settlements == ()
        ledger.book(page)
    ledger.book(ledger.ask(24))
    assert ledger.earned == Decimal(1)
    ledger.book(ledger.ask(15))
    assert ledger.earned == Decimal(0)


def test_unpaid_credit_taken_back_takes_nothing_and_what_is_left_of_it_stays_unpaid() -> None:
    ledger = Ledger()
    for total, rates in ((0, TARIFF.rates), (10, TARIFF.rates), (20, {}), (15, TARIFF.rates)):
        ledger.book(ledger.ask(total, replace(TARIFF, rates=rates)))
        assert ledger.earned == (Decimal("2.5") if total else 0)


@pytest.mark.parametrize("now", [Decimal("2.5"), Decimal(0)])
def test_what_is_left_of_credit_taken_back_stays_paid_as_it_was(now: Decimal) -> None:
    ledger = Ledger()
    for total in (0, 1000):
        ledger.book(ledger.ask(total))
    changed = Tariff(rates={address_of(URL): now}, currency="EUR")
    ledger.book(ledger.ask(999, changed))
    assert ledger.earned == Decimal("249.75")
    ledger.book(ledger.ask(1000, changed))
    assert ledger.earned == Decimal("249.75") + now


def test_another_host_number_begins_anew() -> None:
    ledger = Ledger()
    ledger.book(ledger.ask(10))
    ledger.book(ledger.ask_all([replace(PROJECT, host_id=6, credit=Decimal(500))]))
    assert ledger.earned == 0
    ledger.book(ledger.ask_all([replace(PROJECT, host_id=6, credit=Decimal(504))]))
    assert ledger.earned == 1


HTTP = replace(PROJECT, url=URL.replace("https", "http"))


def test_a_project_that_a_client_moves_to_https_and_back_is_paid_on_once() -> None:
    ledger = Ledger()
    ledger.book(ledger.ask_all([replace(HTTP, credit=Decimal(10))]))
    for project, total in ((PROJECT, 20), (PROJECT, 30), (HTTP, 30), (HTTP, 34)):
        ledger.book(ledger.ask_all([replace(project, credit=Decimal(total))]))
    assert ledger.earned == Decimal(6)


def test_a_project_that_a_client_has_by_http_and_by_https_is_paid_once() -> None:
    ledger = Ledger()
    for total in (10, 14):
        both = [replace(project, credit=Decimal(total)) for project in (HTTP, PROJECT)]
        ledger.book(ledger.ask_all(both))
    assert ledger.earned == Decimal(1)


def test_what_a_new_project_gave_since_it_was_first_seen_is_paid() -> None:
    book = Book(None, radiator_id="hall", machine=MACHINE, tariff=TARIFF, settled_at=0.0)
    new = replace(PROJECT, credit=Decimal(40))
    (settlement,) = book.page([new], {key_of(new): Decimal(30)}).settlements
    assert settlement.earned == Decimal("2.5")


def test_a_project_without_a_good_total_changes_nothing() -> None:
    ledger = Ledger()
    ledger.book(ledger.ask(10))
    before = ledger.cursor
    for project in (replace(PROJECT, credit=None), replace(PROJECT, host_id=0)):
        assert ledger.ask_all([project]).cursor == before


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "[]", "{}", "1", "[2,0,{}]", "[1,0,{}]", '[3,0,{},"m"]'),
        *(
            '[2,0,{"a":[]},"m"]',
            '[2,0,{"a":[[0]]},"m"]',
            '[2,0,{"a":[[0,"nan"]]},"m"]',
        ),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Book(cursor, radiator_id="hall", machine=MACHINE, tariff=TARIFF, settled_at=0.0)


@given(st.text(max_size=60))
def test_any_cursor_is_read_or_refused(cursor: str) -> None:
    try:
        Book(cursor, radiator_id="hall", machine=MACHINE, tariff=TARIFF, settled_at=0.0)
    except ValueError:
        return


TOTALS = st.lists(st.integers(0, 50), min_size=1, max_size=30)


@given(TOTALS, st.data())
def test_any_history_of_totals_pays_what_was_credited(
    totals: list[int], data: st.DataObject
) -> None:
    ledger = Ledger()
    for total in totals:
        page = ledger.ask(total)
        if data.draw(st.booleans()) or ledger.cursor is None:
            ledger.book(page)
    ledger.book(ledger.ask(totals[-1]))
    assert ledger.earned == max(totals[-1] - totals[0], 0) * Decimal("0.25")


def test_a_machine_that_comes_back_to_a_radiator_is_not_paid_for_what_it_earned_elsewhere() -> None:
    def booked(after: str | None, machine: str, credit: int) -> SettlementPage:
        book = Book(after, radiator_id="hall", machine=machine, tariff=TARIFF, settled_at=0.0)
        return book.page([replace(PROJECT, credit=Decimal(credit))], {})

    begun = booked(None, "first", 1000)
    [paid] = (page := booked(begun.cursor, "first", 1100)).settlements
    away = booked(page.cursor, "second", 5)
    back = booked(away.cursor, "first", 2100)
    assert back.settlements == ()
    [later] = booked(back.cursor, "first", 2110).settlements
    assert later.earned == Decimal("2.5")
    assert later.settlement_id != paid.settlement_id
