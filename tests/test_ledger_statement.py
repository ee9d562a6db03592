"""Days kept for statements, and statements that add up."""

import copy
import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal, getcontext
from html.parser import HTMLParser
from typing import Any, override
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import (
    History,
    Ledger,
    LedgerError,
    Statement,
    Totals,
    is_unchanged,
    make_statement,
    statement_page,
)
from custom_components.qheat.ledger.history import KEPT_DAYS, KEPT_IDS
from custom_components.qheat.ledger.hours import OPEN_HOURS
from custom_components.qheat.ledger.statement_page import LABELS

from .ledger_data import OFFICE, TARIFF, heat, hour, page, reloaded, settlement

PARIS = ZoneInfo("Europe/Paris")
FIRST_DAY = date(2026, 9, 21)
ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


@pytest.fixture
def history() -> History:
    return History("EUR")


def kept(history: History) -> History:
    return History.load(json.loads(json.dumps(history.save())))


def summed(history: History) -> Totals:
    return sum((day.totals for _, _, day in history.days(*ALWAYS)), Totals())


def stated(history: History, first: date = ALWAYS[0], last: date = ALWAYS[1]) -> Statement:
    return make_statement(history, first=first, last=last, home="Home", names={OFFICE: "Office"})


def test_a_day_is_a_day_of_the_tenants_calendar(ledger: Ledger, history: History) -> None:
    heat(ledger, hour(21) + 100, 1000)
    heat(ledger, hour(22) + 100, 1000)
    history.absorb(ledger, PARIS)
    days = [(day, row.totals.heat_j) for _, day, row in history.days(*ALWAYS)]
    assert days == [(date(2026, 9, 21), 1000), (date(2026, 9, 22), 1000)]


def test_a_day_is_complete_although_its_hours_are_closed_one_by_one(
    ledger: Ledger, history: History
) -> None:
    for number in range(3 * OPEN_HOURS):
        heat(ledger, hour(number) + 100, 1000)
        history.absorb(ledger, PARIS)
    days = [row.totals.heat_j for _, _, row in history.days(*ALWAYS)]
    assert days[0] == 22_000
    assert set(days[1:-1]) == {24_000}
    assert sum(days) == ledger.total().heat_j


def test_a_late_settlement_and_its_revocation_change_the_day_of_the_heat(
    ledger: Ledger, history: History
) -> None:
    heat(ledger, hour(1) + 100, 1000)
    heat(ledger, hour(49) + 100, 1000)
    history.absorb(ledger, UTC)
    told = settlement(delivered_at=hour(1), settled_at=hour(49))
    ledger.book(OFFICE, page(told), hour(50))
    assert history.absorb(ledger, UTC)
    assert not history.absorb(ledger, UTC)
    _, day, row = next(history.days(*ALWAYS))
    assert (day, row.totals.jobs, row.settlement_ids) == (FIRST_DAY, {"docking": 1}, ("s1",))
    ledger.book(OFFICE, page(settlement(accepted=False, settled_at=hour(50))), hour(51))
    history.absorb(ledger, UTC)
    _, day, row = next(history.days(*ALWAYS))
    assert (day, row.totals.refused, row.settlement_ids) == (FIRST_DAY, 1, ("s1",))
    assert row.totals.earned == 0


def test_a_removed_radiator_stays_in_the_history(ledger: Ledger, history: History) -> None:
    heat(ledger, hour(1), 1000)
    history.absorb(ledger, UTC)
    history.absorb(Ledger("EUR"), UTC)
    assert summed(history).heat_j == 1000


def test_history_is_bounded_and_keeps_the_newest(ledger: Ledger, history: History) -> None:
    for number in range(KEPT_DAYS + 50):
        heat(ledger, hour(24 * number + 12), 1000)
        ids = [f"{number}-{job}" for job in range(10)]
        told = (settlement(one, settled_at=float(hour(24 * number + 12))) for one in ids)
        ledger.book(OFFICE, page(*told), hour(24 * number + 13))
        history.absorb(ledger, UTC)
    rows = [row for _, _, row in history.days(*ALWAYS)]
    assert len(rows) == KEPT_DAYS
    assert sum(len(row.settlement_ids) for row in rows) == KEPT_IDS
    assert rows[-1].settlement_ids == tuple(ids)
    assert rows[0].settlement_ids == ()
    assert rows[0].totals.jobs == {"docking": 10}


def test_a_history_in_another_currency_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="EUR"):
        History("CHF").absorb(ledger, UTC)


type Event = tuple[int, int, bool, bool, bool]


@settings(deadline=None)
@given(
    events=st.lists(
        st.tuples(
            st.integers(0, 3 * OPEN_HOURS),
            st.integers(0, 9),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_the_days_add_up_to_the_ledger_whatever_is_late_revoked_or_killed(
    events: list[Event],
) -> None:
    ledger, history = Ledger("EUR"), History("EUR")
    for number in range(0, 2 * OPEN_HOURS, 2):
        heat(ledger, hour(number) + 100, 1000 / 3, TARIFF)
    history.absorb(ledger, PARIS)
    saved, since_saved = history.save(), 0
    for at, name, accepted, killed, saves in events:
        heat(ledger, hour(at) + 100, 1000 / 7, TARIFF, kind=HeatKind.OWN)
        told = settlement(f"s{name}", accepted=accepted, settled_at=float(hour(at)))
        ledger.book(OFFICE, page(told), hour(1000))
        if killed:
            ledger, history = reloaded(ledger), History.load(saved)
        history.absorb(ledger, PARIS)
        since_saved += 1
        if saves or since_saved > 10:
            saved, since_saved = history.save(), 0
    days = summed(history)
    books = ledger.running_totals(OFFICE)[-1][1]
    assert days == books
    assert kept(history).save() == history.save()


def filled() -> History:
    ledger, history = Ledger("EUR"), History("EUR")
    for number in range(60):
        for radiator_id, kind in ((OFFICE, HeatKind.PAID), ("bedroom", HeatKind.OWN)):
            heat(
                ledger, hour(number) + 100, 700_001 / 3, TARIFF, kind=kind, radiator_id=radiator_id
            )
        told = settlement(
            f"s{number}",
            accepted=number % 10 != 0,
            earned=Decimal("0.0033333333"),
            repaid=Decimal("0.0141421356"),
            energy_j=200_000.0,
            settled_at=float(hour(number)),
        )
        ledger.book(OFFICE, page(told), hour(number) + 10)
        history.absorb(ledger, UTC)
    return history


FIGURES = ("heat_kwh", "free_heat_kwh", "electricity_cost", "repaid", "earned", "savings")


def test_a_statements_rows_add_up_across_and_down() -> None:
    data = stated(filled()).data
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
    history = filled()
    sums, books = stated(history).data["sums"], summed(history)
    assert float(sums["heat_kwh"]) == pytest.approx(books.heat_j / 3.6e6, abs=4 * 6 * 0.0005)
    assert float(sums["savings"]) == pytest.approx(float(books.savings), abs=3 * 6 * 0.00005)
    assert float(sums["earned"]) == pytest.approx(float(books.earned), abs=6 * 0.00005)


def test_a_statement_has_the_days_of_its_span_and_no_other() -> None:
    statement = stated(filled(), date(2026, 9, 22), date(2026, 9, 22))
    assert {row["day"] for row in statement.data["rows"]} == {"2026-09-22"}
    empty = stated(filled(), date(2025, 1, 1), date(2025, 1, 31))
    assert empty.data["rows"] == []
    assert empty.data["sums"]["heat_kwh"] == "0"
    with pytest.raises(LedgerError):
        stated(filled(), date(2026, 9, 23), date(2026, 9, 22))


def test_the_same_books_give_the_same_statement_under_any_decimal_settings() -> None:
    expected = stated(filled())
    getcontext().prec = 3
    try:
        assert stated(filled()) == expected
    finally:
        getcontext().prec = 28


def test_the_json_of_a_statement_tells_whether_a_figure_was_changed() -> None:
    text = stated(filled()).json()
    assert is_unchanged(text)
    assert is_unchanged(json.dumps(json.loads(text)))
    document = json.loads(text)
    document["statement"]["rows"][0]["earned"] = "9.000000"
    assert not is_unchanged(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "1", '{"sha256": 1}', "[" * 100_000])
def test_what_is_no_statement_is_not_unchanged(text: str) -> None:
    assert not is_unchanged(text)


def test_the_csv_of_a_statement_adds_up_and_ends_with_the_hash_of_its_lines() -> None:
    text = stated(filled()).csv()
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
    statement = stated(filled())
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


SAVED = json.loads(json.dumps(filled().save()))


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield (*path, key)
            yield from places(data[key], (*path, key))


@settings(deadline=None)
@given(
    path=st.sampled_from(list(places(SAVED))),
    value=st.sampled_from([None, "", "x", -1, float("nan"), 10**400, True, [], {}, "9" * 5000]),
)
def test_a_damaged_history_is_an_error_or_reads_as_what_it_says(
    path: tuple[Any, ...], value: Any
) -> None:
    damaged = copy.deepcopy(SAVED)
    parent = damaged
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    try:
        history = History.load(damaged)
    except LedgerError:
        return
    assert history.save() == damaged
