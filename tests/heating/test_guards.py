import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating import (
    HeatDemand,
    RadiatorRating,
    RatingDoubt,
    Reason,
    RoomControl,
    RoomReading,
    Target,
)
from custom_components.qheat.heating.guards import Clock, RatingWatch, SensorWatch

RATING = RadiatorRating(idle_w=20, rated_w=500, slots=6)
COMFORT = Target(setpoint_c=20)
OFF = Target(setpoint_c=None)


def run(control: RoomControl, temperatures: list[float | None], target: Target) -> HeatDemand:
    """Feed one reading a minute and return the last demand."""
    demand = None
    for minute, temperature_c in enumerate(temperatures):
        reading = RoomReading(time_s=60.0 * minute, temperature_c=temperature_c, outdoor_c=0.0)
        demand = control.step(reading, target)
    assert demand is not None
    return demand


def test_a_room_near_freezing_is_heated_even_when_off_and_without_jobs() -> None:
    demand = run(RoomControl(RATING), [4.0], OFF)
    assert demand == HeatDemand(power_w=500, reason=Reason.FROST, own_heat=True)


def test_frost_heat_goes_on_until_the_room_is_clearly_above_the_limit() -> None:
    control = RoomControl(RATING)
    assert run(control, [4.8, 5.4], OFF).reason is Reason.FROST
    assert run(control, [5.9, 6.1], OFF).reason is Reason.OFF


def test_an_overheated_room_gets_no_heat_until_it_has_cooled() -> None:
    control = RoomControl(RATING)
    warm = Target(setpoint_c=35)
    assert run(control, [32.5, 31.5], warm).reason is Reason.TOO_WARM
    assert run(control, [30.9], warm).power_w > 0


def test_a_silent_sensor_ends_the_heat() -> None:
    demand = run(RoomControl(RATING), [15.0, *[None] * 31], COMFORT)
    assert demand == HeatDemand(power_w=0, reason=Reason.SENSOR_SILENT)


def told_once(
    minutes: int,
    room_c: float,
    outdoor_c: float | None = 0.0,
    *,
    target: Target = COMFORT,
    rating: RadiatorRating = RATING,
    measured_s: float = 0.0,
) -> list[HeatDemand]:
    """Return the demands of so many minutes in which a sensor's first reading stands."""
    control = RoomControl(rating)
    readings = [
        RoomReading(
            time_s=60.0 * minute,
            temperature_c=room_c,
            measured_s=measured_s,
            # It wobbles about where one level more or less would be lost.
            outdoor_c=None if outdoor_c is None else outdoor_c + 0.1 * (minute % 2),
        )
        for minute in range(minutes)
    ]
    return [control.step(reading, target) for reading in readings]


def test_heat_that_a_sensor_does_not_answer_goes_on_for_an_hour() -> None:
    assert told_once(60, 12.0)[-1].power_w == RATING.rated_w


@pytest.mark.parametrize(("outdoor_c", "most_w"), [(0.0, 340), (2.95, 260), (10.0, 180), (25.0, 0)])
def test_then_it_is_no_more_than_the_room_loses_and_changes_no_more(
    outdoor_c: float, most_w: float
) -> None:
    unanswered = told_once(170, 12.0, outdoor_c)[62:]
    assert {demand.power_w for demand in unanswered} == {most_w}
    assert all(power_w <= most_w for demand in unanswered for _, power_w in demand.outlook)


@pytest.mark.parametrize(("room_c", "target", "most_w"), [(12.0, COMFORT, 500), (4.0, OFF, 260)])
def test_where_nobody_knows_how_cold_it_is_outside_it_may_be_as_cold_as_it_gets(
    room_c: float, target: Target, most_w: float
) -> None:
    assert told_once(170, room_c, None, target=target)[-1].power_w == most_w


def test_a_radiator_whose_smallest_slot_is_more_than_the_room_loses_says_what_it_waits_for() -> (
    None
):
    coarse = RadiatorRating(idle_w=20, rated_w=2000, slots=1)
    assert told_once(62, 12.0, rating=coarse)[-1] == HeatDemand(
        power_w=0, reason=Reason.SENSOR_SILENT
    )


def test_a_sensor_that_dies_at_its_frost_reading_does_not_heat_without_end() -> None:
    frosty = told_once(180, 0.0, 0.0, target=OFF)
    assert frosty[0].power_w == RATING.rated_w
    assert frosty[-1].power_w <= 120
    assert frosty[-1].reason is Reason.FROST


@pytest.mark.parametrize(("setpoint_c", "outdoor_c"), [(18.0, 0.0), (None, 8.0), (12.0, 15.0)])
def test_a_steady_room_whose_sensor_has_nothing_to_tell_is_heated_up_at_once(
    setpoint_c: float | None, outdoor_c: float
) -> None:
    control = RoomControl(RATING)
    reading = RoomReading(
        time_s=0.0, temperature_c=18.0, measured_s=0.0, outdoor_c=outdoor_c, heat_output_w=20.0
    )
    for minute in range(90):
        control.step(replace(reading, time_s=60.0 * minute), Target(setpoint_c=setpoint_c))
    later = replace(reading, time_s=5400.0)
    assert control.step(later, Target(setpoint_c=21.0)).power_w == RATING.rated_w


def test_a_reading_of_three_hours_ago_ends_the_heat() -> None:
    assert told_once(180, 12.0)[-1].power_w > 0
    assert told_once(182, 12.0)[-1] == HeatDemand(power_w=0, reason=Reason.SENSOR_SILENT)


@pytest.mark.parametrize("measured_s", [-10801.0, 5.0, 1e9, math.nan, math.inf, -math.inf])
def test_a_first_reading_that_is_too_old_or_of_the_future_is_none(measured_s: float) -> None:
    [demand] = told_once(1, 12.0, measured_s=measured_s)
    assert demand.reason is Reason.SENSOR_SILENT


def test_a_sensor_that_never_spoke_starts_no_heat() -> None:
    assert run(RoomControl(RATING), [None], COMFORT).reason is Reason.SENSOR_SILENT


def test_a_sensor_that_speaks_again_brings_the_heat_back() -> None:
    assert run(RoomControl(RATING), [15.0, *[None] * 40, 15.0], COMFORT).power_w > 0


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf, -41.0, 85.0, 1e300, True, "x"])
def test_an_impossible_reading_counts_as_none(nonsense: float) -> None:
    assert run(RoomControl(RATING), [nonsense], COMFORT).reason is Reason.SENSOR_SILENT


def test_a_jump_is_not_believed_at_once_but_is_when_it_stays() -> None:
    watch = SensorWatch(RATING.rated_w)
    assert watch.accept(19.0, 60, 0) == 19.0
    assert watch.accept(3.0, 60, 0) is None
    assert watch.accept(19.1, 60, 0) == 19.1
    accepted = [watch.accept(3.0, 60, 0) for _ in range(15)]
    assert accepted[0] is None
    assert accepted[-1] == 3.0


def test_much_heat_without_the_least_change_means_a_stuck_sensor() -> None:
    control = RoomControl(RATING)
    demand = run(control, [15.0] * 500, COMFORT)
    assert demand == HeatDemand(power_w=0, reason=Reason.SENSOR_STUCK)
    assert run(control, [15.1], COMFORT).power_w > 0


@pytest.mark.parametrize("before_w", [0.0, 250.0])
def test_a_sensor_that_stuck_days_before_is_found_after_six_hours_of_much_heat(
    before_w: float,
) -> None:
    watch = SensorWatch(RATING.rated_w)
    for _ in range(3 * 1440):
        watch.accept(15.0, 60, before_w)
    found = []
    for _ in range(420):
        # A minute without jobs now and then is no rest.
        for heat_w in (*[500.0] * 29, 0.0):
            watch.accept(15.0, 2, heat_w)
        found.append(watch.is_stuck)
    assert found.index(True) == 359


@pytest.mark.parametrize("share", [0.5, 0.85])
def test_a_room_held_at_part_power_for_days_has_no_stuck_sensor(share: float) -> None:
    watch = SensorWatch(RATING.rated_w)
    for minute in range(3 * 1440):
        # Warmed up for an hour of every day, then held.
        watch.accept(20.0, 60, 500.0 if minute % 1440 < 60 else 500.0 * share)
        assert not watch.is_stuck


def test_a_clock_that_repeats_or_runs_backwards_gives_no_negative_time() -> None:
    clock = Clock()
    times = [100.0, 100.0, 50.0, 60.0, math.nan, 70.0]
    assert [clock.elapsed_s(time_s) for time_s in times] == [0, 0, 0, 10, 0, 10]


@given(
    st.lists(
        st.tuples(
            st.floats() | st.floats(0, 1e6),
            st.none() | st.floats() | st.floats(0, 35),
            st.none() | st.floats(),
            st.none() | st.floats(),
            st.none() | st.floats() | st.floats(0, 35),
        ),
        max_size=30,
    )
)
def test_no_input_makes_a_demand_outside_the_rating(
    steps: list[tuple[float, float | None, float | None, float | None, float | None]],
) -> None:
    control = RoomControl(RATING)
    for time_s, room_c, outdoor_c, heat_w, setpoint_c in steps:
        reading = RoomReading(
            time_s=time_s, temperature_c=room_c, outdoor_c=outdoor_c, heat_output_w=heat_w
        )
        demand = control.step(reading, Target(setpoint_c=setpoint_c))
        assert 0 <= demand.power_w <= RATING.rated_w
        if demand.reason in {Reason.SENSOR_SILENT, Reason.SENSOR_STUCK, Reason.TOO_WARM}:
            assert demand.power_w == 0


@pytest.mark.parametrize(("idle_w", "rated_w", "slots"), [(1, 500, 7), (0, 120.3, 3), (10, 120, 5)])
@pytest.mark.parametrize("divisible", [False, True])
def test_all_slots_give_the_rated_power_whatever_rounding_makes_of_their_sum(
    idle_w: float, rated_w: float, slots: int, *, divisible: bool
) -> None:
    rating = RadiatorRating(
        idle_w=idle_w, rated_w=rated_w, slots=slots, pausable=True, divisible=divisible
    )
    assert run(RoomControl(rating), [12.0], COMFORT).power_w == pytest.approx(rated_w)


@pytest.mark.parametrize(
    ("idle_w", "rated_w", "slots"), [(20, 20, 6), (-1, 500, 6), (20, 500, 0), (20, math.nan, 6)]
)
def test_a_rating_that_no_radiator_can_have_is_refused(
    idle_w: float, rated_w: float, slots: int
) -> None:
    with pytest.raises(ValueError, match="rating"):
        RadiatorRating(idle_w=idle_w, rated_w=rated_w, slots=slots)


def judged(shares: list[float | None], asked_w: float = 500) -> RatingDoubt | None:
    """Return the verdict on a 500 W radiator that gave these shares of it, one a minute."""
    watch = RatingWatch(500)
    for share in shares:
        watch.see(60, asked_w, None if share is None else 500 * share, metered=True)
    return watch.doubt


@pytest.mark.parametrize(
    ("share", "doubt"),
    [
        (0.0, RatingDoubt.WEAKER),
        (0.7, RatingDoubt.WEAKER),
        (0.8, None),
        (1.0, None),
        (1.2, None),
        (1.3, RatingDoubt.STRONGER),
    ],
)
def test_an_hour_of_full_demand_shows_whether_a_radiator_keeps_its_rating(
    share: float, doubt: RatingDoubt | None
) -> None:
    assert judged([share] * 60) is None
    assert judged([share] * 66) is doubt


def test_a_radiator_is_judged_on_full_demand_only() -> None:
    assert judged([0.5] * 600, asked_w=400) is None


def test_what_no_meter_measured_is_no_evidence_of_the_rating() -> None:
    assert judged([None] * 600) is None
    assert judged([*[0.5] * 30, None] * 20) is RatingDoubt.WEAKER
    assert judged([0.5, 0.5, None] * 200) is None


def test_the_first_minutes_of_full_demand_do_not_count_against_a_radiator() -> None:
    assert judged([*[0.2] * 5, *[1.0] * 20] * 4) is None


def test_a_doubt_of_the_rating_ends_with_an_hour_as_it_should_be() -> None:
    assert judged([*[0.5] * 70, *[1.0] * 30]) is RatingDoubt.WEAKER
    assert judged([*[0.5] * 66, *[1.0] * 60]) is None


def test_a_clock_that_jumps_is_no_hour_of_evidence() -> None:
    control = RoomControl(RATING)
    for time_s in (0.0, 60.0, 7200.0):
        reading = RoomReading(
            time_s=time_s,
            temperature_c=12.0,
            measured_s=0.0,
            outdoor_c=0.0,
            heat_output_w=1.4 * RATING.rated_w,
            output_measured=True,
            output_metered=True,
        )
        demand = control.step(reading, COMFORT)
    assert demand.power_w == RATING.rated_w
    assert control.rating_doubt is None


def test_a_processor_that_measures_itself_makes_no_doubt_of_the_rating() -> None:
    watch = RatingWatch(500)
    for _ in range(66):
        watch.see(60.0, 500, 250.0, metered=False)
    assert (watch.share, watch.doubt) == (0.5, None)


@pytest.mark.parametrize(
    ("rated_w", "measured_w", "share"),
    [
        pytest.param(500, 20.0, 0.5, id="as before"),
        pytest.param(250, 20.0, 1.0, id="the rating was corrected"),
        pytest.param(200, 20.0, 1.0, id="and more than that"),
        pytest.param(500, None, 1.0, id="the meter was taken away"),
    ],
)
def test_a_weak_radiator_is_known_after_a_restart_unless_something_was_done_about_it(
    rated_w: float, measured_w: float | None, share: float
) -> None:
    watch = RatingWatch(500)
    for _ in range(66):
        watch.see(60.0, 500, 250.0, metered=True)
    # Restarted once more before a meter, or the machine, has answered.
    unseen = RatingWatch(500, watch.save())
    unseen.see(5.0, 0.0, None, metered=True)
    again = RatingWatch(rated_w, unseen.save())
    again.see(5.0, 0.0, measured_w, metered=True)
    assert again.share == share


@pytest.mark.parametrize(("minutes", "share"), [(0, 0.25), (0.1, 0.26), (30, 0.8)])
def test_a_weak_radiator_counts_as_stronger_once_more_has_come_of_it_for_minutes(
    minutes: float, share: float
) -> None:
    watch = RatingWatch(1000, 250.0)
    for _ in range(60):
        watch.see(60.0, 800.0, 250.0, metered=True)
    watch.see(60.0 * minutes, 800.0, 800.0, metered=True)
    assert watch.share == pytest.approx(share, abs=0.01)


def test_a_room_tells_that_its_metered_radiator_is_weaker_than_rated() -> None:
    control = RoomControl(RATING)
    for minute in range(120):
        reading = RoomReading(
            time_s=60.0 * minute,
            temperature_c=15.0 + minute / 1000,
            heat_output_w=250.0,
            output_measured=minute > 1,
            output_metered=True,
        )
        control.step(reading, COMFORT)
    assert control.rating_doubt is RatingDoubt.WEAKER
