"""Days kept for statements, whatever happens to the ledger and the history."""

import copy
import json
from datetime import UTC, date, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.ledger import MEMORY, History, Ledger, LedgerError
from custom_components.qheat.ledger.hours import OPEN_HOURS

from .ledger_data import (
    ALWAYS,
    OFFICE,
    TARIFF,
    absorb,
    heat,
    hour,
    page,
    places,
    reloaded,
    settlement,
    sixty_hours,
    summed,
)

PARIS = ZoneInfo("Europe/Paris")
FIRST_DAY = date(2026, 9, 21)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


@pytest.fixture
def history() -> History:
    return History("EUR")


def kept(history: History) -> History:
    return History.load(json.loads(json.dumps(history.save())), "EUR")


@pytest.mark.parametrize("zones", [(PARIS,), (UTC, PARIS)], ids=["from the first", "changed"])
def test_a_day_is_a_day_of_the_tenants_calendar_also_when_the_time_zone_has_changed(
    ledger: Ledger, history: History, zones: tuple[tzinfo, ...]
) -> None:
    heat(ledger, hour(21) + 100, 1000)
    heat(ledger, hour(22) + 100, 1000)
    for zone in zones:
        absorb(history, ledger, zone)
    days = [(day, row.totals.heat_j) for _, day, row in history.days(*ALWAYS)]
    assert days == [(date(2026, 9, 21), 1000), (date(2026, 9, 22), 1000)]


def test_a_day_is_complete_although_its_hours_are_closed_one_by_one(
    ledger: Ledger, history: History
) -> None:
    for number in range(3 * OPEN_HOURS):
        heat(ledger, hour(number) + 100, 1000)
        absorb(history, ledger, PARIS)
    days = [row.totals.heat_j for _, _, row in history.days(*ALWAYS)]
    assert days[0] == 22_000
    assert set(days[1:-1]) == {24_000}
    assert sum(days) == ledger.totals(OFFICE).heat_j


def test_a_late_settlement_and_its_revocation_change_the_day_of_the_heat(
    ledger: Ledger, history: History
) -> None:
    heat(ledger, hour(1) + 100, 1000)
    heat(ledger, hour(49) + 100, 1000)
    absorb(history, ledger, UTC)
    told = settlement(delivered_at=hour(1), settled_at=hour(49))
    ledger.book(OFFICE, page(told), hour(50))
    assert absorb(history, ledger, UTC)
    assert not absorb(history, ledger, UTC)
    _, day, row = next(history.days(*ALWAYS))
    assert (day, row.totals.jobs, row.settlement_ids) == (FIRST_DAY, {"docking": 1}, ("s1",))
    ledger.book(OFFICE, page(settlement(accepted=False, settled_at=hour(50))), hour(51))
    absorb(history, ledger, UTC)
    _, day, row = next(history.days(*ALWAYS))
    assert (day, row.totals.refused, row.settlement_ids) == (FIRST_DAY, 1, ("s1",))
    assert row.totals.earned == 0


def test_a_removed_radiator_stays_in_the_history(ledger: Ledger, history: History) -> None:
    heat(ledger, hour(1), 1000)
    absorb(history, ledger, UTC)
    absorb(history, Ledger("EUR"), UTC)
    assert summed(history).heat_j == 1000


@pytest.mark.parametrize("moved", [300, 290], ids=["in one time zone", "in two"])
def test_history_is_bounded_and_keeps_the_newest(
    ledger: Ledger, history: History, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    monkeypatch.setattr("custom_components.qheat.ledger.history.KEPT_DAYS", 260)
    monkeypatch.setattr("custom_components.qheat.ledger.history.KEPT_IDS", 500)
    for number in range(300):
        heat(ledger, hour(24 * number + 12), 1000)
        ids = [f"{number}-{job}" for job in range(2)]
        told = (settlement(one, settled_at=float(hour(24 * number + 12))) for one in ids)
        ledger.book(OFFICE, page(*told), hour(24 * number + 13))
        absorb(history, ledger, UTC if number < moved else PARIS)
    rows = [row for _, _, row in history.days(*ALWAYS)]
    assert len(rows) == 260
    assert sum(len(row.settlement_ids) for row in rows) == 500
    assert rows[-1].settlement_ids == tuple(ids)
    assert rows[0].settlement_ids == ()
    assert rows[0].totals.jobs == {"docking": 2}


def test_a_long_page_of_settlements_keeps_all_its_ids_in_the_days_that_they_count_for(
    ledger: Ledger, history: History
) -> None:
    late = [
        settlement(f"s{n}", settled_at=hour(24 * 300) + n, delivered_at=hour(24 * (n % 300)))
        for n in range(2 * MEMORY)
    ]
    for number in range(300):
        heat(ledger, hour(24 * number) + 100, 1000)
        absorb(history, ledger, UTC)
    history.note(OFFICE, ledger.book(OFFICE, page(*late), hour(24 * 301)).booked, UTC)
    absorb(history, ledger, UTC)
    assert len(ledger.settlements(OFFICE)) == MEMORY
    rows = [row for _, _, row in history.days(*ALWAYS)]
    assert [len(row.settlement_ids) for row in rows] == [
        sum(row.totals.jobs.values()) for row in rows
    ]
    assert sum(len(row.settlement_ids) for row in rows) == 2 * MEMORY


def test_a_settlement_revoked_on_the_page_that_tells_of_it_is_listed_once(
    ledger: Ledger, history: History
) -> None:
    booking = ledger.book(OFFICE, page(settlement(), settlement(accepted=False)), hour(100))
    assert len(booking.booked) == 2
    history.note(OFFICE, booking.booked, UTC)
    assert listed(history) == ["s1"]


def test_a_history_in_another_currency_is_refused() -> None:
    with pytest.raises(LedgerError, match="EUR"):
        History.load(History("CHF").save(), "EUR")


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
    absorb(history, ledger, PARIS)
    saved, since_saved = history.save(), 0
    for at, name, accepted, killed, saves in events:
        heat(ledger, hour(at) + 100, 1000 / 7, TARIFF, kind=HeatKind.OWN)
        told = settlement(f"s{name}", accepted=accepted, settled_at=float(hour(at)))
        ledger.book(OFFICE, page(told), hour(1000))
        if killed:
            ledger, history = reloaded(ledger), History.load(saved, "EUR")
        absorb(history, ledger, PARIS)
        since_saved += 1
        if saves or since_saved > 10:
            saved, since_saved = history.save(), 0
    days = summed(history)
    books = ledger.running_totals(OFFICE)[-1][1]
    assert days == books
    assert kept(history).save() == history.save()


ZONES = [
    "UTC",
    "Europe/Paris",
    "America/Los_Angeles",
    "Asia/Kathmandu",  # a quarter of an hour off
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Africa/Cairo",  # its clocks change at midnight
    "Pacific/Kiritimati",  # 26 hours before the next one
    "Etc/GMT+12",
]


def listed(history: History) -> list[str]:
    return sorted(one for _, _, row in history.days(*ALWAYS) for one in row.settlement_ids)


@settings(deadline=None)
@given(
    stretches=st.lists(
        st.tuples(
            st.sampled_from(ZONES),
            st.integers(1, 100),
            st.integers(1, 3),
            st.integers(0, 200),
            st.booleans(),
            st.booleans(),
        ),
        min_size=2,
        max_size=8,
    ),
    begins_at=st.integers(0, 24 * 60),
)
@example(
    stretches=[("UTC", 100, 1, 0, False, False)] * 4 + [("Asia/Kathmandu", 1, 1, 0, False, False)],
    begins_at=0,
)
def test_the_days_add_up_to_the_ledger_whichever_time_zones_the_home_was_in(
    stretches: list[tuple[str, int, int, int, bool, bool]], begins_at: int
) -> None:
    ledger, history = Ledger("EUR"), History("EUR")
    now, saved, since_saved = begins_at, history.save(), 0
    told: list[str] = []
    for name, hours, apart, late, killed, saves in stretches:
        for _ in range(hours):
            now += apart
            heat(ledger, hour(now) + 100, 1000 / 3, TARIFF)
        for work in (now, now - late):
            told.append(f"s{len(told)}")
            one = settlement(told[-1], settled_at=hour(now) + len(told), delivered_at=hour(work))
            ledger.book(OFFICE, page(one), hour(now) + 1000)
        since_saved += hours
        if killed and since_saved < 25:
            ledger, history = reloaded(ledger), History.load(saved, "EUR")
        absorb(history, ledger, ZoneInfo(name))
        if saves or since_saved >= 25:
            saved, since_saved = history.save(), 0
        assert summed(history) == ledger.running_totals(OFFICE)[-1][1]
        assert listed(history) == sorted(told)
    assert kept(history).save() == history.save()


def test_settlements_that_the_ledger_has_forgotten_are_listed_once_in_the_next_time_zone(
    ledger: Ledger, history: History
) -> None:
    told = [settlement(f"s{n}", settled_at=hour(0) + 100.0 * n) for n in range(3 * MEMORY)]
    for at in range(0, len(told), 100):
        booking = ledger.book(OFFICE, page(*told[at : at + 100]), hour(1000))
        history.note(OFFICE, booking.booked, UTC)
        absorb(history, ledger, UTC)
    for zone in (PARIS, ZoneInfo("Pacific/Kiritimati"), UTC):
        absorb(history, ledger, zone)
        assert listed(history) == sorted(one.settlement_id for one in told)
        assert summed(history) == ledger.running_totals(OFFICE)[-1][1]


def test_a_settlement_booked_just_after_the_time_zone_changed_is_listed_once_in_the_next(
    ledger: Ledger, history: History
) -> None:
    heat(ledger, hour(25) + 100, 1000)
    absorb(history, ledger, UTC)
    booking = ledger.book(OFFICE, page(settlement("s", settled_at=hour(25) + 200.0)), hour(26))
    history.note(OFFICE, booking.booked, ZoneInfo("America/Los_Angeles"))
    for zone in (ZoneInfo("America/Los_Angeles"), UTC):
        absorb(history, ledger, zone)
        assert listed(history) == ["s"]


def test_a_copy_is_written_down_whole_and_stays_as_it_was(ledger: Ledger, history: History) -> None:
    heat(ledger, hour(12), 1000)
    for zone in (UTC, PARIS):
        absorb(history, ledger, zone)
    saved = history.save()
    copied = history.copy()
    heat(ledger, hour(40), 1000)
    absorb(history, ledger, UTC)
    assert saved["time_zone"] == str(PARIS)
    assert copied.save() == saved != history.save()


SAVED = json.loads(json.dumps(sixty_hours().save()))


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
        history = History.load(damaged, "EUR")
    except LedgerError:
        return
    assert history.save() == damaged
