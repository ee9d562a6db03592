"""Settlements are booked once, whatever the backend does."""

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.engine import Settlement
from custom_components.qheat.ledger import Ledger, LedgerError, Totals
from custom_components.qheat.ledger.booking import MAX_ENERGY_J, MEMORY, MOST
from custom_components.qheat.ledger.money import MAX_HEAT_J

from .ledger_data import OFFICE, START_S, page, read, reloaded, settlement

NOW_S = START_S + 100_000


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


def test_an_accepted_settlement_pays_and_makes_heat_free(ledger: Ledger) -> None:
    for minute in range(61):
        read(ledger, minute * 60, 1000)
    booking = ledger.book(OFFICE, page(settlement(), cursor="c1"), NOW_S)
    assert [one.settlement_id for one in booking.booked] == ["s1"]
    totals = ledger.totals(OFFICE)
    assert totals.earned == Decimal("0.02")
    assert totals.repaid == Decimal("0.05")
    assert totals.free_heat_j == 720_000
    assert totals.jobs == {"docking": 1}
    assert totals.net_heat_cost == Decimal("0.18")
    assert totals.savings == Decimal("-0.10")
    assert totals.subsidy == Decimal("0.28")
    assert totals.effective_cop is not None
    assert round(totals.effective_cop, 4) == Decimal("1.3889")
    assert ledger.cursor(OFFICE) == "c1"


def test_heat_is_free_when_settlements_bring_all_that_it_costs(ledger: Ledger) -> None:
    read(ledger, 0, 1000)
    read(ledger, 100, 1000)
    ledger.book(OFFICE, page(settlement(earned=Decimal(1))), NOW_S)
    totals = ledger.totals(OFFICE)
    assert totals.subsidy is not None
    assert totals.subsidy >= 1
    assert totals.effective_cop is None
    assert totals.free_heat_j == totals.heat_j == 100_000


def test_a_settlement_that_repays_nothing_makes_no_heat_free(ledger: Ledger) -> None:
    read(ledger, 0, 1000)
    read(ledger, 100, 1000)
    ledger.book(OFFICE, page(settlement(repaid=Decimal(0))), NOW_S)
    assert ledger.totals(OFFICE).free_heat_j == 0


def test_a_refused_settlement_counts_as_refused_and_pays_nothing(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(settlement(accepted=False)), NOW_S)
    assert ledger.totals(OFFICE) == Totals(refused=1)


def test_a_repeated_settlement_is_booked_once(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(settlement(), settlement()), NOW_S)
    booking = reloaded(ledger).book(OFFICE, page(settlement()), NOW_S)
    assert (booking.booked, booking.faults) == ((), ())
    assert ledger.totals(OFFICE).jobs == {"docking": 1}


def test_a_revoked_settlement_is_reversed_for_good(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(settlement(), settlement("s2")), NOW_S)
    booking = ledger.book(OFFICE, page(settlement(accepted=False)), NOW_S)
    assert [(one.settlement_id, one.accepted) for one in booking.booked] == [("s1", False)]
    ledger.book(OFFICE, page(settlement(), settlement(accepted=False)), NOW_S)
    expected = Ledger("EUR")
    expected.book(OFFICE, page(settlement("s1", accepted=False), settlement("s2")), NOW_S)
    assert ledger.totals(OFFICE) == expected.totals(OFFICE)


def test_a_revocation_dated_long_ago_is_remembered_as_long_as_what_it_revokes(
    ledger: Ledger,
) -> None:
    told = [settlement(f"s{n}", settled_at=START_S + n) for n in range(MEMORY)]
    ledger.book(OFFICE, page(*told), NOW_S)
    revoked = settlement("s9", accepted=False, settled_at=0.0)
    ledger.book(OFFICE, page(revoked, settlement("new", settled_at=START_S + MEMORY)), NOW_S)
    ledger.book(OFFICE, page(*told), NOW_S)
    assert ledger.totals(OFFICE).jobs == {"docking": MEMORY}


@pytest.mark.parametrize(("newer", "earned"), [(MEMORY - 1, "0"), (MEMORY, "0.02")])
def test_a_payment_is_revoked_while_it_is_among_the_settlements_remembered(
    ledger: Ledger, newer: int, earned: str
) -> None:
    ledger.book(OFFICE, page(settlement()), NOW_S)
    told = (
        settlement(f"n{n}", earned=Decimal(0), settled_at=START_S + 61 + n) for n in range(newer)
    )
    ledger.book(OFFICE, page(*told), NOW_S)
    ledger.book(OFFICE, page(settlement(accepted=False, settled_at=NOW_S)), NOW_S)
    totals = ledger.totals(OFFICE)
    assert (totals.earned, totals.refused) == (Decimal(earned), 1)


def test_free_heat_shown_never_falls_and_catches_up_after_a_revocation(ledger: Ledger) -> None:
    for minute in range(61):
        read(ledger, minute * 60, 1000)
    ledger.book(OFFICE, page(settlement(energy_j=1000.0)), NOW_S)
    ledger.book(OFFICE, page(settlement(accepted=False)), NOW_S)
    assert reloaded(ledger).totals(OFFICE).free_heat_j == 1000
    ledger.book(OFFICE, page(settlement("s2", energy_j=900.0)), NOW_S)
    assert ledger.totals(OFFICE).free_heat_j == 1000
    ledger.book(OFFICE, page(settlement("s3", energy_j=900.0)), NOW_S)
    assert ledger.totals(OFFICE).free_heat_j == 1800


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"currency": "USD"}, "is in USD, not in EUR"),
        ({"radiator_id": "kitchen"}, "is another radiator's"),
        ({"earned": Decimal(-1)}, "earned amount"),
        ({"earned": Decimal("NaN")}, "earned amount"),
        ({"earned": Decimal("1E+999999")}, "earned amount"),
        ({"earned": Decimal("1E-999999")}, "earned amount"),
        ({"earned": Decimal("0.0000000000000001")}, "earned amount"),
        ({"earned": 0.5}, "earned amount"),
        ({"repaid": Decimal("Infinity")}, "repaid amount"),
        ({"energy_j": math.nan}, "settlement energy"),
        ({"energy_j": 1e30}, "settlement energy"),
        ({"energy_j": -1.0}, "settlement energy"),
        ({"energy_j": 10**400}, "settlement energy"),
        ({"settled_at": math.inf}, "settlement time"),
        ({"settlement_id": ""}, "settlement id"),
        ({"settlement_id": "s" * 1000}, "settlement id"),
        ({"settlement_id": None}, "settlement id"),
        ({"job_kind": "a\nb"}, "job kind"),
    ],
)
def test_a_bad_settlement_is_a_fault_and_the_rest_is_booked(
    ledger: Ledger, changes: dict[str, Any], why: str
) -> None:
    bad = replace(settlement("bad"), **changes)
    booking = ledger.book(OFFICE, page(settlement("a"), bad, settlement("b"), cursor="c9"), NOW_S)
    [fault] = booking.faults
    assert why in fault.detail
    assert len(fault.detail) < 200
    assert ledger.totals(OFFICE).jobs == {"docking": 2}
    assert ledger.totals(OFFICE).earned == Decimal("0.04")
    assert ledger.cursor(OFFICE) == "c9"
    mended = ledger.book(OFFICE, page(settlement("bad")), NOW_S)
    assert len(mended.booked) == 1


def test_a_settlement_that_comes_back_with_other_amounts_is_a_fault(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(settlement()), NOW_S)
    booking = ledger.book(OFFICE, page(settlement(earned=Decimal(9))), NOW_S)
    [fault] = booking.faults
    assert "was booked with other amounts" in fault.detail
    assert ledger.totals(OFFICE).earned == Decimal("0.02")


def test_a_backend_that_forgets_the_cursor_and_tells_all_again_pays_nothing_twice(
    ledger: Ledger,
) -> None:
    told = [settlement(f"s{n}", settled_at=START_S + n) for n in range(5 * MEMORY)]
    for at in range(0, len(told), 100):
        ledger.book(OFFICE, page(*told[at : at + 100]), NOW_S)
    before = ledger.totals(OFFICE)
    assert before.jobs == {"docking": 5 * MEMORY}
    booking = reloaded(ledger).book(OFFICE, page(*reversed(told)), NOW_S)
    assert not booking.booked
    assert len(booking.faults) == 4 * MEMORY
    assert all("is older than the ledger's memory" in fault.detail for fault in booking.faults)
    assert ledger.totals(OFFICE) == before
    assert len(ledger.save()["accounts"][OFFICE]["settled"]) == MEMORY


def test_a_batch_settled_at_one_moment_is_booked_whole_over_many_pages(ledger: Ledger) -> None:
    told = [settlement(f"s{n}") for n in range(5 * MEMORY)]
    for at in range(0, len(told), 100):
        assert not ledger.book(OFFICE, page(*told[at : at + 100]), NOW_S).faults
    ledger.book(OFFICE, page(settlement("newer", settled_at=START_S + 61)), NOW_S)
    ledger.book(OFFICE, page(*told), NOW_S)
    assert ledger.totals(OFFICE).jobs == {"docking": 5 * MEMORY + 1}
    assert len(ledger.settlements(OFFICE)) == MEMORY


def test_a_batch_without_end_fills_no_memory(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(*(settlement(f"s{n}") for n in range(2 * MOST))), NOW_S)
    assert len(ledger.settlements(OFFICE)) == MOST


def test_settlements_dated_far_ahead_keep_no_later_ones_from_being_booked(ledger: Ledger) -> None:
    ahead = [settlement(f"a{n}", settled_at=NOW_S + 1e9) for n in range(2 * MEMORY)]
    ledger.book(OFFICE, page(*ahead), NOW_S)
    booking = ledger.book(OFFICE, page(settlement("b", settled_at=NOW_S + 5)), NOW_S + 10)
    assert len(booking.booked) == 1


def test_settlements_dated_far_ahead_do_not_crowd_out_the_memory_of_later_ones(
    ledger: Ledger,
) -> None:
    ahead = [settlement(f"a{n}", settled_at=NOW_S + 1e9) for n in range(2 * MEMORY)]
    ledger.book(OFFICE, page(*ahead), NOW_S)
    ledger.book(OFFICE, page(settlement("b", settled_at=NOW_S + 5)), NOW_S + 10)
    ledger.book(OFFICE, page(settlement("c", settled_at=NOW_S + 15)), NOW_S + 20)
    booking = ledger.book(OFFICE, page(settlement("b", accepted=False)), NOW_S + 30)
    assert [(one.settlement_id, one.accepted) for one in booking.booked] == [("b", False)]


def test_settlements_dated_ahead_without_end_fill_no_memory(ledger: Ledger) -> None:
    ahead = [settlement(f"a{n}", settled_at=NOW_S + 1 + n) for n in range(2 * MOST)]
    ledger.book(OFFICE, page(*ahead), NOW_S)
    assert len(ledger.settlements(OFFICE)) == MOST
    booking = ledger.book(OFFICE, page(settlement("b", settled_at=NOW_S + 1)), NOW_S + 2)
    assert len(booking.booked) == 1


def test_work_that_a_backend_dates_ahead_counts_now(ledger: Ledger) -> None:
    ledger.book(OFFICE, page(settlement(settled_at=NOW_S + 1e9)), NOW_S)
    [hour_s] = ledger.hours(OFFICE)
    assert hour_s <= NOW_S


@settings(deadline=None, max_examples=40)
@given(
    ahead_s=st.integers(-3600, 3600),
    every_s=st.integers(1, 30),
    sizes=st.lists(st.sampled_from([1, 10, 100, 200]), min_size=4, max_size=8),
    replays=st.lists(
        st.tuples(st.integers(1, 7), st.sampled_from([10, 100, 500])), min_size=1, max_size=4
    ),
)
@example(ahead_s=60, every_s=10, sizes=[100] * 6, replays=[(5, 500)])
def test_a_backend_whose_clock_is_another_and_that_tells_all_again_pays_nothing_twice(
    ahead_s: int, every_s: int, sizes: list[int], replays: list[tuple[int, int]]
) -> None:
    ledger, told, now_s = Ledger("EUR"), list[Settlement](), START_S
    for number, size in enumerate(sizes):
        fresh: list[Settlement] = []
        for _ in range(size):
            now_s += every_s
            one = f"s{len(told) + len(fresh)}"
            fresh.append(settlement(one, settled_at=now_s + ahead_s))
        told += fresh
        assert not ledger.book(OFFICE, page(*fresh), now_s + 0.5).faults
        for after, page_size in replays:
            for at in range(0, len(told) if after == number else 0, page_size):
                booking = ledger.book(OFFICE, page(*told[at : at + page_size]), now_s + 0.5)
                assert not booking.booked
    assert ledger.totals(OFFICE).jobs == {"docking": len(told)}


def test_a_clock_far_behind_books_nothing_and_the_cursor_stays(ledger: Ledger) -> None:
    told = [settlement(f"s{n}", settled_at=START_S + n) for n in range(2 * MEMORY)]
    ledger.book(OFFICE, page(*told, cursor="c1"), NOW_S)
    with pytest.raises(LedgerError, match="clock"):
        ledger.book(OFFICE, page(settlement("new"), cursor="c2"), 0.0)
    assert ledger.cursor(OFFICE) == "c1"
    assert ledger.totals(OFFICE).jobs == {"docking": 2 * MEMORY}


@pytest.mark.parametrize("cursor", ["", "c" * 100_000, "a\0b", 7])
def test_an_absurd_cursor_is_refused_with_the_page(ledger: Ledger, cursor: Any) -> None:
    with pytest.raises(LedgerError, match="cursor"):
        ledger.book(OFFICE, page(settlement(), cursor=cursor), NOW_S)
    assert ledger.totals(OFFICE) == Totals()


def test_a_backend_that_invents_kinds_of_job_fills_no_memory(ledger: Ledger) -> None:
    told = [settlement(f"s{n}", job_kind=f"kind{n}") for n in range(200)]
    ledger.book(OFFICE, page(*told), NOW_S)
    jobs = ledger.totals(OFFICE).jobs
    assert sum(jobs.values()) == 200
    assert len(jobs) <= 65
    ledger.book(OFFICE, page(*(replace(one, accepted=False) for one in told)), NOW_S)
    assert ledger.totals(OFFICE) == Totals(refused=200)


def test_a_backend_that_repays_without_end_leaves_books_that_can_be_read(ledger: Ledger) -> None:
    count = math.ceil(MAX_HEAT_J / MAX_ENERGY_J)
    told = [settlement(f"s{n}", energy_j=MAX_ENERGY_J) for n in range(count)]
    booking = ledger.book(OFFICE, page(*told), NOW_S)
    [fault] = booking.faults
    assert "more than a radiator can draw" in fault.detail
    assert len(booking.booked) == count - 1
    assert reloaded(ledger).totals(OFFICE) == ledger.totals(OFFICE)
