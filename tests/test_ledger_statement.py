"""Statements add up, and tell whether they were changed."""

import csv
import hashlib
import json
from datetime import UTC, date
from decimal import Decimal, getcontext
from html.parser import HTMLParser
from typing import override

import pytest

from custom_components.qheat.ledger import (
    History,
    Ledger,
    LedgerError,
    Statement,
    is_unchanged,
    make_statement,
    statement_page,
)
from custom_components.qheat.ledger.statement_page import LABELS

from .ledger_data import ALWAYS, OFFICE, hour, page, settlement, sixty_hours, summed

FIGURES = ("heat_kwh", "free_heat_kwh", "electricity_cost", "repaid", "earned", "savings")


def stated(history: History, first: date = ALWAYS[0], last: date = ALWAYS[1]) -> Statement:
    return make_statement(history, first=first, last=last, home="Home", names={OFFICE: "Office"})


def test_a_statements_rows_add_up_across_and_down() -> None:
    data = stated(sixty_hours()).data
    rows, sums = data["rows"], data["sums"]
    assert len(rows) == 6
    for row in (*rows, sums, *(one["sums"] for one in data["radiators"])):
        figures = {name: Decimal(row[name]) for name in row if name.endswith(("_kwh", "_cost"))}
        parts = ("paid_heat_kwh", "filler_heat_kwh", "own_heat_kwh", "idle_heat_kwh")
        assert figures["heat_kwh"] == sum(figures[part] for part in parts)
        paid = figures["electricity_cost"] - Decimal(row["repaid"])
        assert Decimal(row["savings"]) == figures["reference_cost"] - paid
        assert figures["net_heat_cost"] == paid - Decimal(row["earned"])
    for name in FIGURES:
        assert Decimal(sums[name]) == sum(Decimal(row[name]) for row in rows)
        by_radiator = (Decimal(one["sums"][name]) for one in data["radiators"])
        assert Decimal(sums[name]) == sum(by_radiator)
    assert (sums["jobs"], sums["refused"]) == (54, 6)
    assert sum(len(row["settlement_ids"]) for row in rows) == 60


def test_a_statements_sums_are_those_of_the_books_but_for_the_last_digit() -> None:
    history = sixty_hours()
    sums, books = stated(history).data["sums"], summed(history)
    assert float(sums["heat_kwh"]) == pytest.approx(books.heat_j / 3.6e6, abs=4 * 6 * 0.0005)
    assert float(sums["savings"]) == pytest.approx(float(books.savings), abs=3 * 6 * 0.00005)
    assert float(sums["earned"]) == pytest.approx(float(books.earned), abs=6 * 0.00005)


def test_a_statement_has_the_days_of_its_span_and_no_other() -> None:
    statement = stated(sixty_hours(), date(2026, 9, 22), date(2026, 9, 22))
    assert {row["day"] for row in statement.data["rows"]} == {"2026-09-22"}
    empty = stated(sixty_hours(), date(2025, 1, 1), date(2025, 1, 31))
    assert empty.data["rows"] == []
    assert empty.data["sums"]["heat_kwh"] == "0"
    with pytest.raises(LedgerError):
        stated(sixty_hours(), date(2026, 9, 23), date(2026, 9, 22))


def test_the_same_books_give_the_same_statement_under_any_decimal_settings() -> None:
    expected = stated(sixty_hours())
    getcontext().prec = 3
    try:
        assert stated(sixty_hours()) == expected
    finally:
        getcontext().prec = 28


def test_the_json_of_a_statement_tells_whether_a_figure_was_changed() -> None:
    text = stated(sixty_hours()).json()
    assert is_unchanged(text)
    assert is_unchanged(json.dumps(json.loads(text)))
    document = json.loads(text)
    document["statement"]["rows"][0]["earned"] = "9.000000"
    assert not is_unchanged(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "1", '{"sha256": 1}', "[" * 100_000])
def test_what_is_no_statement_is_not_unchanged(text: str) -> None:
    assert not is_unchanged(text)


def test_the_csv_of_a_statement_adds_up_and_ends_with_the_hash_of_its_lines() -> None:
    text = stated(sixty_hours()).csv()
    header, *rows, sums, last = csv.reader(text.splitlines())
    for name in FIGURES:
        at = header.index(name)
        assert Decimal(sums[at]) == sum(Decimal(row[at]) for row in rows)
    above = text[: text.rindex("sha256,")]
    assert last == ["sha256", hashlib.sha256(above.encode()).hexdigest()]
    assert rows[0][header.index("radiator")] == "Office"


def test_a_strangers_text_is_no_formula_in_a_spreadsheet() -> None:
    ledger, history = Ledger("EUR"), History("EUR")
    ledger.book(OFFICE, page(settlement("=1+1")), hour(1000))
    history.absorb(ledger, UTC)
    text = make_statement(
        history, first=ALWAYS[0], last=ALWAYS[1], home="Home", names={OFFICE: "@Office"}
    ).csv()
    _, row, *_ = csv.reader(text.splitlines())
    assert (row[1], row[-1]) == ("'@Office", "'=1+1")


class Cells(HTMLParser):
    """The texts of a page's table cells, row by row, and all of its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in {"td", "th"}
        if self._in_cell:
            self.rows[-1].append("")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    @override
    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize(
    ("language", "earned"), [("en", "Earned"), ("fr", "Gagné"), ("xx", "Earned")]
)
def test_the_page_of_a_statement_adds_up_in_the_tenants_language(
    language: str, earned: str
) -> None:
    statement = stated(sixty_hours())
    page_text = statement_page(statement, language)
    header, *rows, sums = Cells(page_text).rows
    for at in range(2, len(header)):
        assert Decimal(sums[at]) == sum(Decimal(row[at]) for row in rows)
    assert sums[header.index(earned)] == statement.data["sums"]["earned"]
    assert statement.sha256 in page_text


def test_every_language_of_the_page_has_every_label() -> None:
    assert {frozenset(labels) for labels in LABELS.values()} == {frozenset(LABELS["en"])}


def test_a_strangers_text_is_no_tag_on_the_page() -> None:
    ledger, history = Ledger("EUR"), History("EUR")
    ledger.book(OFFICE, page(settlement("<script>alert(1)</script>")), hour(1000))
    history.absorb(ledger, UTC)
    statement = make_statement(
        history, first=ALWAYS[0], last=ALWAYS[1], home="<img>", names={OFFICE: "<b>Office"}
    )
    assert not {"script", "img", "b"} & Cells(statement_page(statement, "en")).tags
