"""Heat and money by the hour in which the heat was made."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.ledger import Ledger, Tariff, Totals
from custom_components.qheat.ledger.hours import OPEN_HOURS

from .ledger_data import OFFICE, heat, hour, page, read, reloaded, settlement


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


def test_heat_counts_in_its_hour_and_splits_where_the_hour_changes(ledger: Ledger) -> None:
    heat(ledger, hour(1) + 100, 1000)
    heat(ledger, hour(2) + 5, 1000)
    by_hour = ledger.hours(OFFICE)
    assert {at: totals.heat_j for at, totals in by_hour.items()} == {hour(1): 1500, hour(2): 500}


def test_prices_may_change_from_one_reading_to_the_next(ledger: Ledger) -> None:
    prices = [Decimal(price) for price in ("0.30", "0.10", "-0.05")]
    for number, price in enumerate(prices):
        tariff = Tariff(
            currency="EUR",
            electricity_per_kwh=price,
            reference_per_kwh=Decimal("0.12"),
            reference_efficiency=Decimal(1),
        )
        heat(ledger, hour(number) + 100, 360_000, tariff)
    costs = [totals.electricity_cost for totals in ledger.hours(OFFICE).values()]
    assert costs == [Decimal("0.030"), Decimal("0.010"), Decimal("-0.005")]
    assert ledger.totals(OFFICE).electricity_cost == Decimal("0.035")


def test_a_settlement_days_late_counts_in_the_hour_of_its_heat(ledger: Ledger) -> None:
    for number in range(100):
        heat(ledger, hour(number) + 100, 1_000_000)
    late = settlement(settled_at=hour(99) + 1, delivered_at=hour(2) + 1800)
    reloaded(ledger).book(OFFICE, page(late), hour(99) + 2)
    ledger.book(OFFICE, page(late), hour(99) + 2)
    assert ledger.hours(OFFICE)[hour(2)].earned == Decimal("0.02")
    earned = [totals.earned for _, totals in ledger.running_totals(OFFICE)]
    assert earned == [Decimal(0)] * 2 + [Decimal("0.02")] * 98


def test_a_revocation_is_taken_out_of_the_hour_that_was_paid(ledger: Ledger) -> None:
    heat(ledger, hour(5) + 100, 1_000_000)
    ledger.book(OFFICE, page(settlement(delivered_at=hour(1), settled_at=hour(3))), hour(9))
    ledger.book(
        OFFICE, page(settlement(accepted=False, delivered_at=hour(8), settled_at=hour(8))), hour(9)
    )
    assert ledger.hours(OFFICE)[hour(1)] == Totals(refused=1)
    assert hour(8) not in ledger.hours(OFFICE)


@pytest.mark.parametrize("delivered_at", [hour(4), 1e10])
def test_work_delivered_after_its_settlement_counts_when_it_was_settled(
    ledger: Ledger, delivered_at: float
) -> None:
    told = settlement(delivered_at=delivered_at, settled_at=hour(3) + 1)
    ledger.book(OFFICE, page(told), hour(9))
    assert list(ledger.hours(OFFICE)) == [hour(3)]


def test_what_is_too_late_for_its_hour_counts_in_the_first_that_is_still_open(
    ledger: Ledger,
) -> None:
    for number in range(10, OPEN_HOURS + 20):
        heat(ledger, hour(number) + 100, 1000)
    assert ledger.closed_until_s(OFFICE) == hour(20)
    ledger.book(OFFICE, page(settlement(delivered_at=hour(0), settled_at=hour(0))), hour(300))
    by_hour = ledger.hours(OFFICE)
    assert (min(by_hour), len(by_hour)) == (hour(20), OPEN_HOURS)
    assert by_hour[hour(20 + 50)].jobs == {"docking": 1}
    assert ledger.totals(OFFICE).heat_j == 1000 * (OPEN_HOURS + 10)


@settings(deadline=None)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 3 * OPEN_HOURS), st.booleans(), st.booleans()), max_size=40
    )
)
def test_hours_and_what_is_closed_always_add_up_to_the_totals(
    events: list[tuple[int, bool, bool]],
) -> None:
    ledger = Ledger("EUR")
    for number in range(OPEN_HOURS - 10):
        read(ledger, number * 100, 1000 / 3)
    for number, (at, pays, accepted) in enumerate(events):
        if pays:
            told = settlement(f"s{number % 7}", accepted=accepted, settled_at=float(hour(at)))
            ledger.book(OFFICE, page(told), hour(1000))
        else:
            heat(ledger, hour(at) + 100, 1000 / 7)
    again = reloaded(ledger)
    assert again.save() == ledger.save()
    assert again.totals(OFFICE) == ledger.totals(OFFICE)
    running = ledger.running_totals(OFFICE)
    totals = ledger.totals(OFFICE)
    assert running[-1][1].heat_split_j == totals.heat_split_j
    assert running[-1][1].electricity_product == totals.electricity_product
    assert running[-1][1].net_heat_cost == totals.net_heat_cost
    assert len(running) <= OPEN_HOURS
