"""Heat that an energy meter counts, rarely and in steps, comes out as the meter says."""

import math
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.counter import EnergyCounter
from custom_components.qheat.compute.engine import HeatKind, PowerSource
from custom_components.qheat.ledger import Ledger, LedgerError

from .ledger_data import OFFICE, START_S, TARIFF, hour, read, reloaded

KWH_J = 3_600_000


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


def test_the_meter_rules_over_the_estimate_once_it_moves(ledger: Ledger) -> None:
    for passed_s in range(0, 600, 10):
        read(ledger, passed_s, 100, source=PowerSource.ESTIMATED, counted_j=0)
    assert ledger.totals(OFFICE).heat_j == 0
    read(ledger, 600, 100, source=PowerSource.ESTIMATED, counted_j=36_000)
    totals = ledger.totals(OFFICE)
    assert totals.heat_j == 36_000
    assert totals.heat_of(PowerSource.MEASURED) == 36_000


def test_what_the_meter_counts_is_split_as_it_was_estimated(ledger: Ledger) -> None:
    dear = replace(TARIFF, electricity_per_kwh=Decimal("0.50"))
    read(ledger, 0, 300, kind=HeatKind.PAID, counted_j=0)
    read(ledger, 100, 300, kind=HeatKind.PAID, counted_j=0)
    read(ledger, 200, 100, kind=HeatKind.OWN, tariff=dear, counted_j=0)
    read(ledger, 300, 100, kind=HeatKind.OWN, tariff=dear, counted_j=60_000 * 2)
    totals = ledger.totals(OFFICE)
    assert totals.heat_of(HeatKind.PAID) == 2 * 45_000
    assert totals.heat_of(HeatKind.OWN) == 2 * 15_000
    assert totals.electricity_product == 90_000 * Decimal("0.25") + 30_000 * Decimal("0.50")


def test_a_meter_that_moves_once_an_hour_counts_in_the_hours_in_which_heat_was_made(
    ledger: Ledger,
) -> None:
    for minute in range(121):
        utc_s, power_w = hour(0) + minute * 60, 300 if minute < 60 else 600
        counted_j = KWH_J if minute == 120 else 0
        read(ledger, utc_s, power_w, counted_j=counted_j, since_s=0)
    hours = ledger.hours(OFFICE)
    assert sum(totals.heat_j for totals in hours.values()) == KWH_J
    assert hours[hour(0)].heat_j == pytest.approx(KWH_J / 3, rel=0.02)
    assert hours[hour(1)].heat_j == pytest.approx(KWH_J * 2 / 3, rel=0.02)


def test_what_nobody_estimated_counts_when_the_meter_says_so(ledger: Ledger) -> None:
    read(ledger, 0, None, kind=HeatKind.NONE, counted_j=0)
    read(ledger, 10, None, kind=HeatKind.NONE, counted_j=5000)
    read(ledger, 20, 0, kind=HeatKind.NONE, counted_j=6000)
    assert ledger.totals(OFFICE).heat_split_j == {(HeatKind.NONE, PowerSource.MEASURED): 6000}


def test_a_meter_that_falls_silent_leaves_the_estimate_and_takes_nothing_back(
    ledger: Ledger,
) -> None:
    read(ledger, 0, 100, source=PowerSource.ESTIMATED, counted_j=0)
    read(ledger, 100, 100, source=PowerSource.ESTIMATED, counted_j=50_000)
    shown_j = ledger.totals(OFFICE).heat_j
    read(ledger, 200, 100, source=PowerSource.ESTIMATED, counted_j=50_000)
    read(ledger, 300, 100, source=PowerSource.ESTIMATED, counted_j=None)
    totals = ledger.totals(OFFICE)
    assert (shown_j, totals.heat_j) == (50_000, 70_000)
    assert totals.heat_of(PowerSource.ESTIMATED) == 20_000
    # A second silence has nothing of the first to tell again.
    read(ledger, 400, 100, source=PowerSource.ESTIMATED, counted_j=50_000)
    read(ledger, 410, 100, source=PowerSource.ESTIMATED, counted_j=None)
    assert ledger.totals(OFFICE).heat_of(PowerSource.ESTIMATED) == 20_000 + 10_000 + 1000


def test_heat_is_estimated_until_a_count_begins_and_where_it_begins_anew(ledger: Ledger) -> None:
    def told(passed_s: float, counted_j: float | None) -> tuple[float, float]:
        read(ledger, passed_s, 100, source=PowerSource.ESTIMATED, counted_j=counted_j)
        totals = ledger.totals(OFFICE)
        return totals.heat_of(PowerSource.MEASURED), totals.heat_of(PowerSource.ESTIMATED)

    assert told(0, None) == (0, 0)
    assert told(100, 70_000) == (0, 10_000)
    assert told(200, 80_000) == (10_000, 10_000)
    assert told(300, 0) == (10_000, 20_000)
    assert told(400, 9000) == (19_000, 20_000)


def test_a_kill_between_two_steps_leaves_the_estimate_and_counts_nothing_twice(
    ledger: Ledger,
) -> None:
    read(ledger, 0, 100, source=PowerSource.ESTIMATED, counted_j=0)
    read(ledger, 100, 100, source=PowerSource.ESTIMATED, counted_j=0)
    shown_j = ledger.totals(OFFICE).heat_j
    after = reloaded(ledger)
    assert shown_j == 0
    assert after.totals(OFFICE).heat_split_j == {(HeatKind.PAID, PowerSource.ESTIMATED): 10_000}
    assert reloaded(after).totals(OFFICE) == after.totals(OFFICE)
    with ledger.volume(OFFICE) as volume:
        whole = volume
    again = Ledger.load(ledger.save(), "EUR", {OFFICE: whole})
    assert again.totals(OFFICE) == after.totals(OFFICE)
    read(ledger, 200, 100, source=PowerSource.ESTIMATED, counted_j=30_000)
    later = Ledger.load(ledger.save(), "EUR", {OFFICE: whole})
    assert later.totals(OFFICE) == ledger.totals(OFFICE)
    assert later.totals(OFFICE).heat_j == 30_000


@pytest.mark.parametrize("counted_j", [math.nan, math.inf, -1.0, 1e16])
def test_an_absurd_count_is_refused_and_counts_nothing(ledger: Ledger, counted_j: float) -> None:
    read(ledger, 0, 100, counted_j=0)
    with pytest.raises(LedgerError, match="counted_j"):
        read(ledger, 10, 100, counted_j=counted_j)
    assert ledger.totals(OFFICE).heat_j == 0


@pytest.mark.parametrize("absurd", [(-1.0, 0.0), (100.0, -1.0)], ids=["power", "count"])
def test_what_the_meter_counts_across_an_absurd_reading_counts_once(
    ledger: Ledger, absurd: tuple[float, float]
) -> None:
    for passed_s in range(0, 200, 10):
        if passed_s == 100:
            with pytest.raises(LedgerError):
                read(ledger, passed_s, absurd[0], counted_j=absurd[1])
        else:
            read(ledger, passed_s, 100, counted_j=0)
    read(ledger, 200, 100, counted_j=25_000)
    assert ledger.totals(OFFICE).heat_j == 25_000


@settings(deadline=None)
@given(
    ticks=st.lists(
        st.tuples(
            st.floats(0.1, 300),
            st.none() | st.floats(0, 2000),
            st.none() | st.floats(0, 50_000),
            st.sampled_from(HeatKind),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_metered_heat_is_what_was_counted_and_no_total_ever_falls(
    ticks: list[tuple[float, float | None, float | None, HeatKind, bool]],
) -> None:
    ledger, now_s, counted_j = Ledger("EUR"), 0.0, 0.0
    expected_j, before = 0.0, False
    for passed_s, power_w, grown_j, kind, is_restarted in ticks:
        now_s += passed_s
        if is_restarted:
            shown_j = ledger.totals(OFFICE).heat_j
            ledger, before = reloaded(ledger), False
            assert ledger.totals(OFFICE).heat_j >= shown_j
        if grown_j is not None:
            counted_j += grown_j
            expected_j += grown_j if before else 0.0
        before = grown_j is not None
        shown_j = ledger.totals(OFFICE).heat_j
        read(
            ledger,
            now_s,
            power_w,
            kind=kind,
            source=PowerSource.ESTIMATED,
            counted_j=None if grown_j is None else counted_j,
        )
        totals = ledger.totals(OFFICE)
        assert totals.heat_j >= shown_j
        assert totals.heat_of(PowerSource.MEASURED) == pytest.approx(expected_j, abs=0.1)
        assert sum(totals.heat_of(one) for one in HeatKind) == pytest.approx(totals.heat_j)


@pytest.mark.parametrize(
    ("step_j", "every_s", "days"),
    [
        pytest.param(3600.0, 10.0, 7, id="1 Wh, every 10 s"),
        pytest.param(36_000.0, 1.0, 7, id="0.01 kWh, at once"),
        pytest.param(1.0, 3600.0, 30, id="once an hour"),
    ],
)
def test_weeks_on_an_energy_meter_are_within_a_percent_though_the_estimate_is_far_off(
    step_j: float, every_s: float, days: int
) -> None:
    random_ = random.Random(20261125)
    ledger, saved = Ledger("EUR"), Ledger("EUR").save()
    now_s, drawn_j, told_s, power_w, offset_j = START_S, 5.0 * KWH_J, START_S, 20, 0.0
    begun_j, made = drawn_j, EnergyCounter(most_w=5000)
    while now_s < START_S + days * 86_400:
        step_s = random_.choice((10, 11.7, 30, 60, 110))
        if random_.random() < 0.05:
            power_w = random_.choice((20, 320, 320, 500))
        now_s, drawn_j = now_s + step_s, drawn_j + power_w * step_s
        if now_s - told_s >= every_s:
            told_s = now_s
            made.take((drawn_j - offset_j) // step_j * step_j, now_s)
        read(
            ledger,
            now_s,
            0.7 * power_w,
            source=PowerSource.ESTIMATED,
            counted_j=made.counted_j(now_s),
            since_s=0,
        )
        chance = random_.random()
        seldom = 1e-3 / days
        if chance < seldom:  # the meter is replaced by one that begins at zero
            offset_j = drawn_j
        elif chance < 2 * seldom:  # Home Assistant is killed
            ledger, made = Ledger.load(saved, "EUR"), EnergyCounter(most_w=5000)
        elif chance < 0.05:
            saved = ledger.save()
    heat_j = ledger.totals(OFFICE).heat_j
    assert heat_j == pytest.approx(drawn_j - begun_j, rel=0.01)
