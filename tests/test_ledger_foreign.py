"""What is settled in another currency is refused, told, and never lost."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.ledger import ForeignMoney, Ledger
from custom_components.qheat.ledger.foreign import KEPT

from .ledger_data import OFFICE, START_S, page, settlement

NOW_S = START_S + 1e6


def dollars(settlement_id: str = "s1", **changes: Any) -> Any:
    return settlement(settlement_id, **{"currency": "USD", **changes})


def saved(foreign: ForeignMoney) -> Any:
    return json.loads(json.dumps(foreign.save()))


def ids(foreign: ForeignMoney) -> list[str]:
    return [one.settlement_id for one in foreign.of(OFFICE)]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


def test_foreign_money_is_not_booked_but_kept_beside_what_is(ledger: Ledger) -> None:
    foreign = ForeignMoney()
    booking = ledger.book(OFFICE, page(dollars("a"), settlement("b"), dollars("c")), NOW_S)
    foreign.note(OFFICE, booking)
    assert ["is in USD" in fault.detail for fault in booking.faults] == [True] * 2
    assert ledger.totals(OFFICE).earned == Decimal("0.02")
    assert ids(foreign) == ["a", "c"]
    assert foreign.sums(OFFICE) == {"USD": Decimal("0.14")}


def test_foreign_money_outlives_a_restart(ledger: Ledger) -> None:
    foreign = ForeignMoney()
    foreign.note(OFFICE, ledger.book(OFFICE, page(dollars("a"), dollars("b")), NOW_S))
    again = ForeignMoney(saved(foreign))
    assert again.of(OFFICE) == foreign.of(OFFICE)
    again.note(OFFICE, ledger.book(OFFICE, page(dollars("a"), dollars("b")), NOW_S))
    assert again.sums(OFFICE) == foreign.sums(OFFICE)


def test_a_settlement_made_good_in_the_homes_currency_is_booked_and_foreign_no_more(
    ledger: Ledger,
) -> None:
    foreign = ForeignMoney()
    foreign.note(OFFICE, ledger.book(OFFICE, page(dollars("a"), dollars("b")), NOW_S))
    foreign.note(OFFICE, ledger.book(OFFICE, page(settlement("a")), NOW_S))
    assert ids(foreign) == ["b"]
    assert ledger.totals(OFFICE).earned == Decimal("0.02")
    foreign.note(OFFICE, ledger.book(OFFICE, page(dollars("b", accepted=False)), NOW_S))
    assert ids(foreign) == []


def test_what_is_booked_is_not_kept_as_foreign_when_it_is_told_again_in_dollars(
    ledger: Ledger,
) -> None:
    foreign = ForeignMoney()
    foreign.note(OFFICE, ledger.book(OFFICE, page(settlement("a")), NOW_S))
    booking = ledger.book(OFFICE, page(dollars("a")), NOW_S)
    foreign.note(OFFICE, booking)
    assert len(booking.faults) == 1
    assert ids(foreign) == []


@pytest.mark.parametrize("currency", ["<b>", "<S>", "US\n", "U$D", "usd", "USDT", "", None])
def test_a_currency_that_is_none_is_absurd_and_not_kept(ledger: Ledger, currency: Any) -> None:
    foreign = ForeignMoney()
    booking = ledger.book(OFFICE, page(dollars("a", currency=currency)), NOW_S)
    foreign.note(OFFICE, booking)
    assert "not a currency" in booking.faults[0].detail
    assert foreign.save() == {}


def test_a_flood_of_foreign_money_keeps_the_newest(ledger: Ledger) -> None:
    foreign = ForeignMoney()
    told = [dollars(f"s{n}", settled_at=START_S + n) for n in range(KEPT + 10)]
    foreign.note(OFFICE, ledger.book(OFFICE, page(*told), NOW_S))
    assert ids(foreign) == [f"s{n}" for n in range(10, KEPT + 10)]


@given(
    damage=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=9) | st.dictionaries(st.just(OFFICE) | st.text(), inner)
        ),
    )
)
def test_damaged_notes_of_foreign_money_are_left_out(damage: Any) -> None:
    foreign = ForeignMoney(damage)
    assert foreign.of(OFFICE) == ()
    foreign.note(OFFICE, Ledger("EUR").book(OFFICE, page(dollars("a")), NOW_S))
    assert ids(foreign) == ["a"]


def test_foreign_money_that_a_backend_dates_ahead_crowds_nothing_out(ledger: Ledger) -> None:
    foreign = ForeignMoney()
    ahead = (dollars(f"a{n}", settled_at=NOW_S + 1e9) for n in range(KEPT))
    foreign.note(OFFICE, ledger.book(OFFICE, page(*ahead), NOW_S))
    later = dollars("b", settled_at=NOW_S + 5)
    foreign.note(OFFICE, ledger.book(OFFICE, page(later), NOW_S + 10))
    assert "b" in ids(foreign)
