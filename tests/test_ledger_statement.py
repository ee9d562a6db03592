"""Statements add up, and tell whether they were changed."""

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal, getcontext
from html.parser import HTMLParser
from typing import override

import pytest

from custom_components.qheat.compute.engine import PowerSource, Settlement
from custom_components.qheat.ledger import (
    History,
    Ledger,
    LedgerError,
    Statement,
    make_statement,
    statement_page,
)
from custom_components.qheat.ledger.statement_texts import TEXTS

from .ledger_data import (
    ALWAYS,
    OFFICE,
    TARIFF,
    absorb,
    heat,
    hour,
    page,
    read,
    settlement,
    sixty_hours,
    summed,
)

FIGURES = ("heat_kwh", "free_heat_kwh", "electricity_cost", "repaid", "earned", "savings")


def stated(
    history: History,
    first: date = ALWAYS[0],
    last: date = ALWAYS[1],
    *,
    name: str = "Office",
    home: str = "Home",
    foreign: tuple[Settlement, ...] = (),
    play_money: bool = False,
) -> Statement:
    return make_statement(
        history,
        first=first,
        last=last,
        home=home,
        names={OFFICE: name},
        foreign=foreign,
        time_zone=UTC,
        play_money=play_money,
    )


def of_ledger(ledger: Ledger) -> History:
    history = History("EUR")
    absorb(history, ledger, UTC)
    return history


def test_a_statements_rows_add_up_across_and_down() -> None:
    data = stated(sixty_hours()).data
    rows, sums = data["rows"], data["sums"]
    assert len(rows) == 6
    for row in (*rows, sums, *(one["sums"] for one in data["radiators"])):
        figures = {name: Decimal(row[name]) for name in row if name.endswith(("_kwh", "_cost"))}
        parts = ("paid_heat_kwh", "filler_heat_kwh", "own_heat_kwh", "idle_heat_kwh")
        assert figures["heat_kwh"] == sum(figures[part] for part in parts)
        sources = ("measured_kwh", "rapl_kwh", "estimated_kwh")
        assert figures["heat_kwh"] == sum(figures[source] for source in sources)
        paid = figures["electricity_cost"] - Decimal(row["repaid"])
        assert Decimal(row["savings"]) == figures["reference_cost"] - paid
        assert figures["net_heat_cost"] == paid - Decimal(row["earned"])
    for name, figure in sums.items():
        assert Decimal(figure) == sum(Decimal(row[name]) for row in rows)
        by_radiator = (Decimal(one["sums"][name]) for one in data["radiators"])
        assert Decimal(figure) == sum(by_radiator)
    assert (sums["jobs"], sums["refused"]) == (54, 6)
    ids = [one for row in rows for one in row["settlement_ids"]]
    assert sorted(ids) == sorted(f"s{number}" for number in range(60))


def test_a_statements_sums_are_those_of_the_books_but_for_the_last_digit() -> None:
    history = sixty_hours()
    sums, books = stated(history).data["sums"], summed(history)
    assert float(sums["heat_kwh"]) == pytest.approx(books.heat_j / 3.6e6, abs=4 * 6 * 0.0005)
    assert float(sums["savings"]) == pytest.approx(float(books.savings), abs=3 * 6 * 0.00005)
    assert float(sums["earned"]) == pytest.approx(float(books.earned), abs=6 * 0.00005)


def test_next_to_nothing_at_a_negative_price_is_nothing_and_not_less() -> None:
    ledger = Ledger("EUR")
    heat(ledger, hour(1), 10.0, replace(TARIFF, electricity_per_kwh=Decimal("-0.01")))
    [row] = stated(of_ledger(ledger)).data["rows"]
    assert row["electricity_cost"] == row["net_heat_cost"] == "0.0000"


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


def test_anybody_can_compute_the_hash_of_the_json_with_nothing_but_the_file() -> None:
    """As `jq -jcS .statement statement.json | sha256sum` does."""
    dollars = settlement(currency="USD")
    statement = stated(sixty_hours(), home="Café, Ågatan 7, 東京", foreign=(dollars,))
    document = json.loads(statement.json())
    plain = json.dumps(
        document["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert hashlib.sha256(plain.encode()).hexdigest() == document["sha256"] == statement.sha256


def test_foreign_money_is_listed_in_its_own_currency_and_in_no_sum() -> None:
    yen = settlement("yen", currency="JPY", earned=Decimal(120), settled_at=float(hour(5)))
    old = settlement("old", currency="JPY", settled_at=float(hour(-48)))
    kitchen = settlement("k", currency="USD", radiator_id="kitchen", settled_at=float(hour(5)))
    day = date(2026, 9, 21)
    plain = stated(sixty_hours(), day, day)
    statement = stated(sixty_hours(), day, day, foreign=(yen, old, kitchen))
    assert statement.data["sums"] == plain.data["sums"]
    assert [one["settlement_id"] for one in statement.data["foreign"]] == ["yen", "k"]
    header, *_, first, second, _ = csv.reader(statement.csv().splitlines())
    assert first[header.index("earned")] == "120"
    assert first[header.index("currency")] == "JPY"
    assert second[header.index("radiator")] == "kitchen"
    page_text = statement_page(statement, "en")
    assert "yen</code> · Earned 120 JPY · Repaid 0.05 JPY" in page_text
    assert "another currency" not in statement_page(plain, "en")


@pytest.mark.parametrize(("language", "said"), [("en", "play money"), ("fr", "monnaie fictive")])
def test_a_statement_of_play_money_says_so_and_its_hash_tells_if_that_is_struck_out(
    language: str, said: str
) -> None:
    real, play = stated(sixty_hours()), stated(sixty_hours(), play_money=True)
    assert said in statement_page(play, language)
    assert said not in statement_page(real, language)
    assert play.sha256 != real.sha256
    *_, sums, note, _ = csv.reader(play.csv().splitlines())
    assert "play money" in note[0]
    assert (sums[0], len(note)) == ("sum", len(sums))
    assert "play money" not in real.csv()


def test_the_csv_of_a_statement_adds_up_and_ends_with_the_hash_of_its_lines() -> None:
    text = stated(sixty_hours()).csv()
    header, *rows, sums, last = csv.reader(text.splitlines())
    for name in FIGURES:
        at = header.index(name)
        assert Decimal(sums[at]) == sum(Decimal(row[at]) for row in rows)
    above = text[: text.rindex("sha256,")]
    assert last == ["sha256", hashlib.sha256(above.encode()).hexdigest()]
    assert rows[0][header.index("radiator")] == "Office"


def test_radiators_of_one_name_are_told_apart_and_others_keep_their_plain_name() -> None:
    ledger = Ledger("EUR")
    for radiator_id in ("a", "b", "c"):
        ledger.book(radiator_id, page(settlement("s", radiator_id=radiator_id)), hour(1000))
    first, last = ALWAYS
    statement = make_statement(
        of_ledger(ledger),
        first=first,
        last=last,
        home="Home",
        names={"a": "Office", "b": "Office", "c": "Hall"},
        foreign=(),
        time_zone=UTC,
    )
    expected = ["Office (a)", "Office (b)", "Hall"]
    _, *rows, _, _ = csv.reader(statement.csv().splitlines())
    assert [row[1] for row in rows] == expected
    by_radiator, _, by_day = tables(statement_page(statement, "en"))
    assert [row[0] for row in by_radiator[1:-1]] == [row[1] for row in by_day[1:-1]] == expected


def test_a_strangers_text_is_no_formula_in_a_spreadsheet() -> None:
    ledger = Ledger("EUR")
    ledger.book(OFFICE, page(settlement("=1+1")), hour(1000))
    dollars = settlement("=2+2", currency="USD")
    text = stated(of_ledger(ledger), name="@Office", foreign=(dollars,)).csv()
    _, row, _, foreign, _ = csv.reader(text.splitlines())
    assert (row[1], row[-1]) == ("'@Office", "'=1+1")
    assert (foreign[1], foreign[-1]) == ("'@Office", "'=2+2")


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
    point = TEXTS.get(language, TEXTS["en"])["point"]
    by_radiator, by_source, by_day = tables(page_text)
    for texts, (header, *rows, sums) in ((1, by_radiator), (1, by_source), (2, by_day)):
        for at in range(texts, len(header)):
            figures = [Decimal(row[at].replace(point, ".")) for row in (*rows, sums)]
            assert figures[-1] == sum(figures[:-1])
    for table in (by_radiator, by_day):
        total = table[-1][table[0].index(earned)]
        assert total.replace(point, ".") == statement.data["sums"]["earned"]
    assert by_day[-1][2] == by_source[-1][1] == by_radiator[-1][1] != "0"
    assert statement.sha256 in page_text
    assert statement.csv().endswith(f"sha256,{statement.csv_sha256}\r\n")
    assert statement.csv_sha256 in page_text


def tables(page_text: str) -> list[list[list[str]]]:
    """Return the rows of each table of a page."""
    return [Cells(part).rows for part in page_text.split("<table>")[1:]]


def test_every_language_of_the_page_has_every_label() -> None:
    assert {frozenset(labels) for labels in TEXTS.values()} == {frozenset(TEXTS["en"])}


def test_the_page_says_where_watts_come_from_and_names_no_settlements_where_there_are_none() -> (
    None
):
    ledger = Ledger("EUR")
    for number, source in enumerate(PowerSource):
        for passed_s in (0, 120):
            power_w = 30_000.0 * (number + 1)
            read(ledger, hour(number) + passed_s, power_w, source=source, since_s=0)
    page_text = statement_page(stated(of_ledger(ledger)), "en")
    header, row, _ = tables(page_text)[1]
    sources = dict(zip(header, row, strict=True))
    assert sources["By a power meter"] == "1.000"
    assert sources["By the processor"] == "2.000"
    assert sources["Estimated"] == "3.000"
    assert sources["Heat (kWh)"] == "6.000"
    assert ">Settlements<" not in page_text


def test_a_strangers_text_is_no_tag_on_the_page() -> None:
    ledger = Ledger("EUR")
    ledger.book(OFFICE, page(settlement("<script>alert(1)</script>")), hour(1000))
    dollars = settlement("<iframe>", currency="USD")
    statement = stated(of_ledger(ledger), home="<img>", name="<b>Office", foreign=(dollars,))
    assert "<iframe>" not in statement_page(statement, "en")
    assert not {"script", "img", "b"} & Cells(statement_page(statement, "en")).tags
