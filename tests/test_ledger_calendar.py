"""Days, months and clocks that change: a statement lists all once, and where it counts."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.ledger import History, Ledger, make_statement

from .ledger_data import ALWAYS, OFFICE, TARIFF, absorb, heat, hour, page, settlement, summed

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",  # half an hour off
    "Asia/Kathmandu",  # a quarter of an hour off
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Africa/Cairo",  # its clocks change at midnight
)
CHANGES = (
    datetime(2026, 3, 29, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 10, 25, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 4, 24, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 2, 28, 12, tzinfo=ZoneInfo("UTC")),
    datetime(2026, 12, 31, 12, tzinfo=ZoneInfo("UTC")),
)


def stated(history: History, zone: ZoneInfo, first: date, last: date) -> Mapping[str, Any]:
    return make_statement(
        history, first=first, last=last, home="Home", names={}, foreign=(), time_zone=zone
    ).data


@settings(deadline=None)
@given(
    name=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    minutes=st.lists(
        st.integers(-2000, 2000) | st.integers(-100, 100).map(lambda near: near // 10 * 10 - 330),
        min_size=1,
        max_size=20,
    ),
    cut_days=st.integers(-2, 2),
)
def test_what_a_day_lists_is_what_it_adds_up_to_and_months_add_up_to_the_whole(
    name: str, around: datetime, minutes: list[int], cut_days: int
) -> None:
    zone, ledger, history = ZoneInfo(name), Ledger("EUR"), History("EUR")
    earned: dict[str, Decimal] = {}
    for number, minute in enumerate(sorted(minutes)):
        at_s = around.timestamp() + 60 * minute
        heat(ledger, at_s, 360_000, TARIFF)
        told = settlement(
            f"s{number}",
            earned=Decimal(number + 1) / 100,
            delivered_at=at_s,
            settled_at=around.timestamp() + 200_000,
        )
        earned[told.settlement_id] = told.earned
        ledger.book(OFFICE, page(told), around.timestamp() + 300_000)
        absorb(history, ledger, zone)
    first, last = around.date() - timedelta(days=4), around.date() + timedelta(days=4)
    whole = stated(history, zone, first, last)
    listed = [one for row in whole["rows"] for one in row["settlement_ids"]]
    assert sorted(listed) == sorted(earned)
    for row in whole["rows"]:
        assert Decimal(row["earned"]) == sum(earned[one] for one in row["settlement_ids"])
        assert row["jobs"] == len(row["settlement_ids"])
    cut = around.date() + timedelta(days=cut_days)
    parts = (
        stated(history, zone, first, cut),
        stated(history, zone, cut + timedelta(days=1), last),
    )
    for figure in ("heat_kwh", "earned", "electricity_cost", "savings"):
        assert Decimal(whole["sums"][figure]) == sum(Decimal(one["sums"][figure]) for one in parts)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_day_on_which_clocks_change_has_the_heat_of_all_its_hours(day: date, hours: int) -> None:
    zone, ledger, history = ZoneInfo("Europe/Paris"), Ledger("EUR"), History("EUR")
    begin_s = datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
    for number in range(-3, hours + 3):
        heat(ledger, begin_s + 3600 * number + 100, 360_000, TARIFF)
    absorb(history, ledger, zone)
    [row] = stated(history, zone, day, day)["rows"]
    assert Decimal(row["heat_kwh"]) * 10 == hours


def test_a_statement_says_by_which_clock_its_days_are() -> None:
    data = stated(History("EUR"), ZoneInfo("Europe/Paris"), date(2026, 1, 1), date(2026, 1, 31))
    assert data["time_zone"] == "Europe/Paris"


def test_the_days_of_earlier_books_stay_and_what_is_told_again_counts_once() -> None:
    history, earlier, later = History("EUR"), Ledger("EUR"), Ledger("EUR")
    zones = [ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Kolkata")]
    told = [settlement(f"s{number}", settled_at=float(hour(number))) for number in range(60)]
    for number, one in enumerate(told):
        heat(earlier, hour(number) + 100, 1000.0)
        earlier.book(OFFICE, page(one), hour(number) + 200)
    absorb(history, earlier, zones[0])
    history.begin_anew(later, hour(59) + 300)
    booking = later.book(OFFICE, page(*told), hour(59) + 400)
    history.note(OFFICE, booking.booked, zones[0])
    for number in range(59, 400):
        heat(later, hour(number) + 1000, 1000.0)
        absorb(history, later, zones[number // 200])
    days = [day for _, _, day in history.days(*ALWAYS)]
    # But for what was made in the rest of the hour in which the books were begun.
    assert summed(history).heat_j == 400 * 1000
    assert summed(history).jobs == {"docking": 60}
    ids = [settlement_id for day in days for settlement_id in day.settlement_ids]
    assert sorted(ids) == sorted(one.settlement_id for one in told)


def test_the_days_of_all_earlier_books_stay_also_where_a_radiator_has_none_since() -> None:
    history = History("EUR")
    for number in (0, 30, 60, 90):
        ledger = Ledger("EUR")
        history.begin_anew(ledger, hour(number))
        saved = history.save()
        heat(ledger, hour(number + 1) + 100, 1000.0)
        absorb(history, ledger, UTC)
    assert summed(history).heat_j == 4 * 1000
    assert summed(History.load(saved, "EUR")).heat_j == 3 * 1000
    assert summed(History.load(saved | {"radiators": {}}, "EUR")).heat_j == 3 * 1000


def test_what_is_only_told_again_after_books_were_begun_anew_is_in_no_day_not_even_by_its_id() -> (
    None
):
    history, earlier, later = History("EUR"), Ledger("EUR"), Ledger("EUR")
    first, unwritten = settlement("s1"), settlement("s2")
    now_s = first.settled_at
    earlier.book(OFFICE, page(first), now_s)
    absorb(history, earlier, UTC)
    history.begin_anew(later, now_s)
    booking = later.book(OFFICE, page(first, unwritten), now_s)
    history.note(OFFICE, booking.booked, UTC)
    absorb(history, later, UTC)
    [(_, _, day)] = history.days(*ALWAYS)
    assert day.totals.jobs == {"docking": 1}
    assert day.settlement_ids == ("s1",)
