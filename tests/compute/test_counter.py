"""Meters that count energy, and all that such meters do in a home."""

from dataclasses import dataclass
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.counter import (
    BURST_S,
    FRESH_S,
    LONGEST_S,
    MOST_J,
    SHORTEST_S,
    EnergyCounter,
)

KWH_J = 3.6e6
MOST_W = 5000.0


def counter(*shown: tuple[float, float | None], most_w: float = MOST_W) -> EnergyCounter:
    """Return a counter that was shown joules (None: nothing) at these seconds."""
    made = EnergyCounter(most_w=most_w)
    for at_s, total_j in shown:
        made.take(total_j, at_s)
    return made


def test_steps_are_counted_from_the_first_one_on() -> None:
    made = counter((0, 7 * KWH_J))
    assert made.counted_j(5) is None
    made.take(7 * KWH_J + 500, 10)  # nobody saw when this one began
    assert made.counted_j(10) == 0
    made.take(7 * KWH_J + 3500, 20)
    made.take(7 * KWH_J + 6500, 30)
    assert made.counted_j(30) == 6000


@pytest.mark.parametrize("fall_to_j", [0.0, 10.0, 0.89 * KWH_J])
def test_a_meter_that_resets_adds_nothing_takes_nothing_and_counts_on(fall_to_j: float) -> None:
    made = counter((0, KWH_J - 2000), (10, KWH_J - 1000), (20, KWH_J))
    made.take(fall_to_j, 30)
    assert made.counted_j(30) is None
    made.take(fall_to_j + 1000, 40)
    assert made.counted_j(40) == 1000
    made.take(fall_to_j + 2000, 50)
    assert made.counted_j(50) == 2000


def test_another_last_reset_begins_anew_though_the_total_has_grown() -> None:
    made = EnergyCounter(most_w=MOST_W)
    for at_s, total_j, cycle in ((0, 0, "Mon"), (10, 10, "Mon"), (20, 20, "Tue"), (30, 30, "Tue")):
        made.take(total_j, at_s, cycle)
    assert made.counted_j(30) == 0
    made.take(45, 40, "Tue")
    assert made.counted_j(40) == 15


def test_a_replaced_meter_with_a_higher_total_adds_nothing() -> None:
    made = counter((0, 0), (10, 1000), (20, 2000), (30, 900 * KWH_J))
    assert made.counted_j(30) is None
    made.take(900 * KWH_J + 1000, 40)
    assert made.counted_j(40) == 1000


@pytest.mark.parametrize(
    "nonsense", [None, -1.0, float("nan"), float("inf"), -float("inf"), 1.01 * MOST_J]
)
def test_what_was_drawn_while_a_meter_showed_nonsense_is_not_counted(
    nonsense: float | None,
) -> None:
    made = counter((0, 0), (10, 1000), (20, 2000), (30, nonsense))
    assert made.counted_j(30) is None
    assert made.reading(30) is None
    made.take(9000, 60)
    made.take(10_000, 70)
    made.take(12_000, 80)
    assert made.counted_j(80) == 3000


def test_a_total_told_twice_or_late_counts_once() -> None:
    made = counter((0, 90_000), (10, 100_000))
    for at_s, total_j in (
        (20, 103_000),
        (21, 103_000),
        (22, 101_000),
        (23, 103_000),
        (30, 104_000),
    ):
        made.take(total_j, at_s)
    assert made.counted_j(30) == 4000


def test_a_report_from_the_past_counts_nothing() -> None:
    made = counter((0, 0), (100, 1000), (50, 3000))
    assert made.counted_j(100) == 0


def test_a_glitch_to_zero_and_back_adds_nothing() -> None:
    made = counter((0, 0), (10, 1000), (20, 50_000), (30, 0), (40, 50_000), (50, 51_000))
    assert made.counted_j(50) == 49_000 + 1000


def test_a_meter_that_moves_once_an_hour_counts_and_one_that_stands_still_does_not() -> None:
    hourly = [(3600.0 * hour, 0.3 * KWH_J * hour) for hour in range(5)]
    made = counter(*hourly)
    assert made.counted_j(4 * 3600) == pytest.approx(3 * 0.3 * KWH_J)
    assert made.reading(4 * 3600) is None
    assert made.counted_j(4 * 3600 + LONGEST_S + 1) is None
    made.take(1.3 * KWH_J, 4 * 3600 + LONGEST_S + 1)
    assert made.counted_j(4 * 3600 + LONGEST_S + 1) is None


def test_watts_are_the_mean_between_steps_and_go_when_no_more_come() -> None:
    made = counter(*((10.0 * number, 3000.0 * number) for number in range(10)))
    reading = made.reading(90)
    assert reading is not None
    assert reading.power_w == 300
    assert (reading.since_s, reading.at_s) == (70, 90)
    assert made.reading(90 + 2 * 20) == reading
    assert made.reading(90 + 2 * 20 + 1) is None


def test_watts_between_rare_steps_go_after_a_minute_and_a_half_at_the_latest() -> None:
    made = counter(*((80.0 * number, 24_000.0 * number) for number in range(4)))
    assert made.reading(240 + FRESH_S) is not None
    assert made.reading(240 + FRESH_S + 1) is None


def test_what_a_meter_had_held_back_counts_but_shows_no_watts_that_cannot_be() -> None:
    made = counter(*((10.0 * number, 5000.0 * number) for number in range(4)), most_w=1000)
    made.take(15_000 + BURST_S * 1000, 31)
    assert made.counted_j(31) == 40_000
    assert made.reading(31) is None


@given(interval_s=st.floats(FRESH_S + 1, LONGEST_S), power_w=st.floats(1, 400))
def test_steps_that_are_rare_are_counted_but_show_no_watts(
    interval_s: float, power_w: float
) -> None:
    shown = [(number * interval_s, number * interval_s * power_w) for number in range(4)]
    made = counter(*shown)
    assert made.reading(shown[-1][0]) is None
    assert made.counted_j(shown[-1][0]) == pytest.approx(2 * interval_s * power_w)


def test_steps_close_together_still_tell_watts() -> None:
    made = counter(*((0.1 * number, 30.0 * number) for number in range(1000)))
    reading = made.reading(100)
    assert reading is not None
    assert reading.power_w == pytest.approx(300)
    assert reading.at_s - reading.since_s >= SHORTEST_S


@dataclass
class Meter:
    """A real meter: it shows what was drawn since its last reset, in steps of its last digit."""

    step_j: float
    first_j: float
    drawn_j: float = 0.0
    offset_j: float = 0.0

    @property
    def shown_j(self) -> float:
        """What it shows."""
        total_j = self.first_j + self.drawn_j - self.offset_j
        return floor(total_j / self.step_j) * self.step_j


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("draw"), st.floats(0.1, 7000), st.floats(0, MOST_W)),
        st.tuples(st.just("tell again")),
        st.tuples(st.just("dip"), st.floats(0.91, 1)),
        st.tuples(st.just("nothing")),
        st.tuples(st.just("reset")),
    ),
    max_size=40,
)


@given(
    events=EVENTS,
    step_j=st.sampled_from([1.0, 360.0, 3600.0, 36_000.0, 360_000.0]),
    first_j=st.floats(0, 1e10),
)
def test_no_meter_makes_more_heat_than_was_drawn_whatever_it_does(
    events: list[tuple[Any, ...]], step_j: float, first_j: float
) -> None:
    meter, made, now_s = Meter(step_j, first_j), EnergyCounter(most_w=MOST_W), 0.0
    made.take(meter.shown_j, now_s)
    known_j = 0.0
    for event in events:
        match event:
            case ("draw", passed_s, power_w):
                now_s += passed_s
                meter.drawn_j += passed_s * power_w
                made.take(meter.shown_j, now_s)
            case ("tell again",):
                made.take(meter.shown_j, now_s)
            case ("dip", share):
                made.take(meter.shown_j * share, now_s)
            case ("nothing",):
                made.take(None, now_s)
            case ("reset",):
                meter.offset_j = meter.first_j + meter.drawn_j
                made.take(meter.shown_j, now_s)
        counted_j = made.counted_j(now_s)
        if counted_j is not None:
            assert counted_j >= known_j
            known_j = counted_j
        reading = made.reading(now_s)
        assert reading is None or 0 <= reading.power_w <= MOST_W
    # What a meter shows at its steps is what was drawn but for the rest behind its last digit.
    assert known_j <= meter.drawn_j + step_j + 1e-5


@given(
    draws=st.lists(
        st.tuples(st.floats(0.1, 1500), st.floats(50, MOST_W / 2)), min_size=2, max_size=40
    ),
    step_j=st.sampled_from([1.0, 3600.0, 36_000.0]),
)
def test_a_meter_that_is_never_disturbed_is_followed_to_its_last_digit(
    draws: list[tuple[float, float]], step_j: float
) -> None:
    meter, made, now_s = Meter(step_j, 0.0), EnergyCounter(most_w=MOST_W), 0.0
    made.take(0.0, now_s)
    first_j = None
    for passed_s, power_w in draws:
        now_s += passed_s
        meter.drawn_j += passed_s * power_w
        # A step that comes early has the rest of what was drawn before it.
        made.take(meter.shown_j, now_s)
        if first_j is None and meter.shown_j > 0:
            first_j = meter.shown_j
        if (counted_j := made.counted_j(now_s)) is not None and first_j is not None:
            assert counted_j == pytest.approx(meter.shown_j - first_j)


@given(
    shown=st.lists(
        st.tuples(st.floats(allow_nan=True), st.floats(-1e4, 1e4), st.integers(0, 2)), max_size=50
    )
)
def test_garbage_never_counts_faster_than_the_machine_can_draw(
    shown: list[tuple[float, float, int]],
) -> None:
    made, now_s, most_j, before_j = EnergyCounter(most_w=MOST_W), 0.0, 0.0, 0.0
    for total_j, passed_s, cycle in shown:
        now_s += passed_s
        made.take(total_j, now_s, cycle)
        most_j += MOST_W * max(abs(passed_s), BURST_S)
        counted_j = made.counted_j(now_s)
        if counted_j is not None:
            assert before_j <= counted_j <= most_j
            before_j = counted_j
