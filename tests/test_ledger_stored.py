"""A saved ledger comes back whole, or not at all."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.ledger import Ledger, LedgerError

from .ledger_data import OFFICE, START_S, page, places, read, reloaded, settlement


def filled() -> Ledger:
    ledger = Ledger("EUR")
    for tick in range(5):
        read(ledger, tick * 10, 123.4)
    ledger.book(
        OFFICE, page(settlement(), settlement("s2", accepted=False), cursor="c"), START_S + 100
    )
    return ledger


def test_a_saved_ledger_comes_back_as_it_was() -> None:
    ledger = filled()
    again = reloaded(ledger)
    assert again.save() == ledger.save()
    assert again.totals(OFFICE) == ledger.totals(OFFICE)
    assert again.cursor(OFFICE) == "c"
    assert again.radiator_ids == (OFFICE,)


def test_a_restart_is_a_gap_that_makes_no_heat() -> None:
    ledger = filled()
    again = reloaded(ledger)
    read(again, 50, 1000)
    assert again.totals(OFFICE).heat_j == ledger.totals(OFFICE).heat_j


def test_what_was_saved_does_not_change_with_the_ledger() -> None:
    ledger = filled()
    saved = ledger.save()
    before = copy.deepcopy(saved)
    read(ledger, 50, 1000)
    ledger.book(OFFICE, page(settlement("s3"), cursor="d"), START_S + 200)
    assert saved == before


SAVED = json.loads(json.dumps(filled().save()))
PLACES = list(places(SAVED))
COLLECTIONS = {"accounts", "settled", "hours", 0, 7}  # 0 and 7: heat and jobs by kind
FIELDS = [path for path in PLACES if path[-2:-1] == () or path[-2] not in COLLECTIONS]
ODD_VALUES: list[Any] = [
    None, "", "x", "NaN", "-1", "1E+999999", "9" * 5000, -1, -0.5, float("nan"), float("inf"),
    1e300, 10**400, True, [], {}, [[]], {"a": 1},
]  # fmt: skip


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: ".".join(map(str, path)))
def test_a_value_that_is_missing_is_an_error_not_a_zero(path: tuple[Any, ...]) -> None:
    damaged = copy.deepcopy(SAVED)
    parent = damaged
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    with pytest.raises(LedgerError):
        Ledger.load(damaged, "EUR")


@settings(deadline=None)
@given(path=st.sampled_from(PLACES), value=st.sampled_from(ODD_VALUES))
def test_a_damaged_value_is_an_error_or_reads_as_what_it_says(
    path: tuple[Any, ...], value: Any
) -> None:
    damaged = copy.deepcopy(SAVED)
    parent = damaged
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with suppress(LedgerError):
        assert Ledger.load(damaged, "EUR").save() == damaged


@pytest.mark.parametrize(
    "data", [None, [], "ledger", 1, {}, {"version": 2}, SAVED | {"version": 2}, SAVED | {"more": 1}]
)
def test_what_is_no_ledger_of_this_version_is_refused(data: Any) -> None:
    with pytest.raises(LedgerError):
        Ledger.load(data, "EUR")


@pytest.mark.parametrize("path", [("hours", 0, 0), ("closed_until_s",)])
def test_an_hour_that_no_calendar_has_is_refused(path: tuple[Any, ...]) -> None:
    damaged = copy.deepcopy(SAVED)
    parent = damaged["accounts"][OFFICE]
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = 3600 * 10**9
    with pytest.raises(LedgerError, match="hour"):
        Ledger.load(damaged, "EUR")


def test_a_settlement_saved_twice_is_refused() -> None:
    damaged = copy.deepcopy(SAVED)
    damaged["accounts"][OFFICE]["settled"] *= 2
    with pytest.raises(LedgerError, match="twice"):
        Ledger.load(damaged, "EUR")
