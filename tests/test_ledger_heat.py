"""Power over time becomes heat and costs."""

import math
import random
from decimal import Decimal, getcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.engine import HeatKind, PowerSource
from custom_components.qheat.ledger import MAX_GAP_S, Ledger, LedgerError, Moment, Tariff
from custom_components.qheat.ledger.account import MAX_POWER_W

from .ledger_data import OFFICE, START_S, TARIFF, read, reloaded


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("EUR")


def test_an_hour_at_a_kilowatt_is_a_kilowatt_hour_at_its_price(ledger: Ledger) -> None:
    for minute in range(61):
        read(ledger, minute * 60, 1000)
    totals = ledger.totals(OFFICE)
    assert totals.heat_j == 3_600_000
    assert totals.electricity_cost == Decimal("0.25")
    assert totals.reference_cost == Decimal("0.1")
    assert totals.savings == Decimal("-0.15")
    assert totals.net_heat_cost == Decimal("0.25")
    assert totals.subsidy == 0
    assert totals.effective_cop == 1


def test_a_ramp_counts_its_mean_power(ledger: Ledger) -> None:
    read(ledger, 0, 0)
    read(ledger, 100, 300)
    assert ledger.totals(OFFICE).heat_j == 15_000


def test_each_reading_lends_its_kind_and_source_to_half_of_the_time_around_it(
    ledger: Ledger,
) -> None:
    read(ledger, 0, 100, kind=HeatKind.PAID, source=PowerSource.MEASURED)
    read(ledger, 10, 100, kind=HeatKind.OWN, source=PowerSource.ESTIMATED)
    read(ledger, 20, 100, kind=HeatKind.OWN, source=PowerSource.MEASURED)
    totals = ledger.totals(OFFICE)
    assert totals.heat_split_j == {
        (HeatKind.PAID, PowerSource.MEASURED): 500,
        (HeatKind.OWN, PowerSource.ESTIMATED): 1000,
        (HeatKind.OWN, PowerSource.MEASURED): 500,
    }
    assert totals.heat_of(HeatKind.OWN) == 1500
    assert totals.heat_of(PowerSource.MEASURED) == 1000
    assert totals.heat_of(HeatKind.FILLER) == 0


def test_no_heat_is_invented_over_a_gap(ledger: Ledger) -> None:
    read(ledger, 0, 500)
    read(ledger, MAX_GAP_S + 1, 500)
    assert ledger.totals(OFFICE).heat_j == 0
    read(ledger, 2 * MAX_GAP_S + 1, 500)
    assert ledger.totals(OFFICE).heat_j == 500 * MAX_GAP_S


def test_unknown_power_counts_nothing_on_either_side(ledger: Ledger) -> None:
    for passed_s, power_w in ((0, 500), (10, None), (20, 500), (30, 500)):
        read(ledger, passed_s, power_w)
    assert ledger.totals(OFFICE).heat_j == 5000


def test_heat_without_a_known_price_is_counted_and_said_to_be_unpriced(ledger: Ledger) -> None:
    read(ledger, 0, 100, tariff=None)
    read(ledger, 10, 100)
    totals = ledger.totals(OFFICE)
    assert (totals.heat_j, totals.unpriced_heat_j) == (1000, 500)
    assert totals.electricity_product == Decimal("0.25") * 500


@pytest.mark.parametrize("jump_s", [-1e6, -30.0, 30.0, 1e6])
def test_setting_the_clock_makes_no_heat_and_loses_none(ledger: Ledger, jump_s: float) -> None:
    for tick in range(11):
        read(ledger, tick * 10, 100, since_s=START_S + (jump_s if tick > 5 else 0.0))
    assert ledger.totals(OFFICE).heat_j == 10_000


def test_a_steady_clock_that_runs_backwards_makes_no_heat(ledger: Ledger) -> None:
    for passed_s in (100, 50, 50, 60):
        read(ledger, passed_s, 100)
    assert ledger.totals(OFFICE).heat_j == 1000


@pytest.mark.parametrize("power_w", [math.nan, math.inf, -math.inf, -0.1, MAX_POWER_W * 1.01])
def test_a_power_that_no_radiator_has_is_refused_and_counts_as_unknown(
    ledger: Ledger, power_w: float
) -> None:
    read(ledger, 0, 100)
    with pytest.raises(LedgerError, match="power_w"):
        read(ledger, 10, power_w)
    read(ledger, 20, 100)
    assert ledger.totals(OFFICE).heat_j == 0


@pytest.mark.parametrize(
    ("utc_s", "steady_s"), [(math.nan, 0), (-1, 0), (1e300, 0), (0, math.nan), (0, math.inf)]
)
def test_a_moment_that_is_no_time_is_refused(utc_s: float, steady_s: float) -> None:
    with pytest.raises(LedgerError):
        Moment(utc_s=utc_s, steady_s=steady_s)


def test_a_second_currency_is_refused_not_converted(ledger: Ledger) -> None:
    francs = Tariff(
        currency="CHF",
        electricity_per_kwh=Decimal("0.25"),
        reference_per_kwh=Decimal("0.1"),
        reference_efficiency=Decimal(1),
    )
    with pytest.raises(LedgerError, match=r"CHF.*EUR"):
        read(ledger, 0, 100, tariff=francs)


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "Euro"},
        {"currency": "eur"},
        {"electricity_per_kwh": 0.25},
        {"electricity_per_kwh": Decimal("NaN")},
        {"electricity_per_kwh": Decimal("sNaN")},
        {"reference_per_kwh": Decimal("Infinity")},
        {"reference_per_kwh": Decimal("1E+999999")},
        {"reference_efficiency": Decimal(0)},
        {"reference_efficiency": Decimal(-1)},
    ],
)
def test_an_absurd_tariff_is_refused(change: dict[str, object]) -> None:
    fields = {
        "currency": "EUR",
        "electricity_per_kwh": Decimal("0.25"),
        "reference_per_kwh": Decimal("0.1"),
        "reference_efficiency": Decimal(1),
    }
    with pytest.raises(LedgerError):
        Tariff(**(fields | change))  # type: ignore[arg-type]


def test_a_negative_price_lowers_the_cost_and_leaves_the_subsidy_undefined(ledger: Ledger) -> None:
    cheap = Tariff(
        currency="EUR",
        electricity_per_kwh=Decimal("-0.02"),
        reference_per_kwh=Decimal("0.1"),
        reference_efficiency=Decimal(3),
    )
    read(ledger, 0, 1000, tariff=cheap)
    read(ledger, 100, 1000, tariff=cheap)
    totals = ledger.totals(OFFICE)
    assert totals.electricity_cost < 0
    assert totals.savings > totals.reference_cost
    assert totals.subsidy is None
    assert totals.effective_cop is None


def test_somebody_elses_decimal_settings_change_no_cent(ledger: Ledger) -> None:
    getcontext().prec = 3
    try:
        for tick in range(1001):
            read(ledger, tick * 10, 333)
        saved = reloaded(ledger).totals(OFFICE)
    finally:
        getcontext().prec = 28
    assert saved.electricity_cost == Decimal("0.23125")
    assert saved.net_heat_cost == Decimal("0.23125")


type Ticks = list[tuple[float, float | None, HeatKind]]

TICKS = st.lists(
    st.tuples(
        st.floats(-10, 3 * MAX_GAP_S),
        st.none() | st.floats(0, MAX_POWER_W),
        st.sampled_from(HeatKind),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(ticks=TICKS)
def test_heat_is_the_sum_of_the_trapezoids_between_known_readings(ticks: Ticks) -> None:
    ledger = Ledger("EUR")
    now_s, expected_j, before_w = 0.0, 0.0, None
    for step_s, power_w, kind in ticks:
        before_s, now_s = now_s, now_s + step_s
        passed_s = now_s - before_s
        shown_j = ledger.totals(OFFICE).heat_j
        read(ledger, now_s, power_w, kind=kind)
        assert ledger.totals(OFFICE).heat_j >= shown_j
        if 0 < passed_s <= MAX_GAP_S and before_w is not None and power_w is not None:
            expected_j += (before_w + power_w) / 2 * passed_s
        before_w = power_w
    totals = ledger.totals(OFFICE)
    assert totals.heat_j == pytest.approx(expected_j, rel=1e-9, abs=0.1)
    assert sum(totals.heat_of(kind) for kind in HeatKind) == totals.heat_j
    assert sum(totals.heat_of(source) for source in PowerSource) == totals.heat_j
    assert float(totals.electricity_cost) == pytest.approx(totals.heat_j / 3.6e6 * 0.25)
    assert reloaded(ledger).totals(OFFICE) == totals


def test_a_week_of_irregular_ticks_gaps_and_restarts_is_within_a_percent_of_a_meter() -> None:
    random_ = random.Random(20261123)
    ledger, saved = Ledger("EUR"), Ledger("EUR").save()
    now_s, next_save_s, power_w, meter_j = 0.0, 0.0, 0.0, 0.0
    shown_j = 0.0
    while now_s < 7 * 86_400:
        step_s = random_.choice((10, 11.7, 30, 30, 60, 110))
        # The power moves in steps at any time between two readings, as jobs come and go.
        change_s, next_w = random_.uniform(0, step_s), random_.choice((4, 60, 150, 320, 320, 500))
        meter_j += power_w * change_s + next_w * (step_s - change_s)
        now_s, power_w = now_s + step_s, next_w
        read(ledger, now_s, power_w)
        if now_s >= next_save_s:
            saved, next_save_s = ledger.save(), now_s + 120
            assert ledger.totals(OFFICE).heat_j >= shown_j
            shown_j = ledger.totals(OFFICE).heat_j
        if random_.random() < 1e-3:
            ledger = Ledger.load(saved, "EUR")
            meter_j += power_w * 20
            now_s += 20
        elif random_.random() < 5e-4:
            # Nobody reads for hours: the dead-man's switch has long ended the heat.
            meter_j += power_w * 90
            now_s += random_.uniform(600, 20_000)
    assert ledger.totals(OFFICE).heat_j == pytest.approx(meter_j, rel=0.01)


@given(
    steps=st.lists(
        st.tuples(
            st.floats(1, 2 * MAX_GAP_S),
            st.sampled_from([None, 0.0, 400.0, 5000.0, 1 / 3]),
            st.sampled_from([HeatKind.PAID, HeatKind.PAID, HeatKind.OWN]),
            st.sampled_from([TARIFF, TARIFF, TARIFF, None]),
            st.sampled_from([None, None, None, 1e5, 2e5]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_looking_in_between_changes_no_account(
    steps: list[tuple[float, float | None, HeatKind, Tariff | None, float | None, bool]],
) -> None:
    watched, unwatched = Ledger("EUR"), Ledger("EUR")
    passed_s = 0.0
    for step_s, power_w, kind, tariff, counted_j, looks in steps:
        passed_s += step_s
        for ledger in (watched, unwatched):
            read(ledger, passed_s, power_w, kind=kind, tariff=tariff, counted_j=counted_j)
        if looks:
            watched.totals(OFFICE)
            watched.save()
    # What is saved may differ in the zeros behind an amount, so it is compared when it is read.
    for one, other in ((watched, unwatched), (reloaded(watched), reloaded(unwatched))):
        assert one.totals(OFFICE) == other.totals(OFFICE)
        assert one.hours(OFFICE) == other.hours(OFFICE)
