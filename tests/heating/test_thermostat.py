import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.heating import (
    RadiatorRating,
    Reason,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
    comfort,
    refit,
)
from custom_components.qheat.heating.habits import Habits
from custom_components.qheat.heating.learn import MOST_SPREADS, SPREADS
from custom_components.qheat.heating.model import SLOW
from custom_components.qheat.heating.plan import Prices, Problem, best_level

RATING = RadiatorRating(idle_w=20, rated_w=500, slots=6)
PAUSABLE = RadiatorRating(idle_w=20, rated_w=500, slots=6, pausable=True)
DIVISIBLE = RadiatorRating(idle_w=20, rated_w=1000, slots=2, pausable=True, divisible=True)
LIVING_ROOM = RoomParameters.from_area(20.0, loss_w_k_m2=0.75)
NIGHT, MORNING = Target(setpoint_c=17), 7 * 3600.0


def simulate(
    control: RoomControl, room: SimulatedRoom, target: Target, *, hours: float, step_s: float
) -> list[tuple[float, float, Reason]]:
    """Run a control in a room and return temperature, power and reason of every step."""
    result = []
    for _ in range(int(hours * 3600 / step_s)):
        reading = RoomReading(
            time_s=room.time_s, temperature_c=room.temperature_c, outdoor_c=room.outdoor_c
        )
        demand = control.step(reading, target)
        room.advance(step_s, demand.power_w)
        result.append((room.temperature_c, demand.power_w, demand.reason))
    return result


@pytest.mark.parametrize("step_s", [5, 60, 300, 600])
@pytest.mark.parametrize("rating", [RATING, PAUSABLE, DIVISIBLE])
def test_a_room_reaches_its_setpoint_and_stays_there(rating: RadiatorRating, step_s: float) -> None:
    room = SimulatedRoom(LIVING_ROOM)
    result = simulate(RoomControl(rating), room, Target(setpoint_c=20), hours=30, step_s=step_s)
    settled = [room_c for room_c, _, _ in result[len(result) // 2 :]]
    assert max(abs(room_c - 20) for room_c in settled) < 0.7
    assert abs(sum(settled) / len(settled) - 20) < 0.25


def test_a_room_whose_jobs_pause_is_held_a_trifle_above_its_setpoint() -> None:
    for rating in (PAUSABLE, DIVISIBLE):
        room = SimulatedRoom(LIVING_ROOM)
        result = simulate(RoomControl(rating), room, Target(setpoint_c=20), hours=48, step_s=60)
        held = [room_c for room_c, _, _ in result[len(result) // 2 :]]
        assert 20.03 < sum(held) / len(held) < 20.1


@pytest.mark.parametrize("every_s", [60, 120, 300, 600])
@pytest.mark.parametrize("rating", [RATING, PAUSABLE])
def test_five_minutes_are_planned_where_jobs_pause_and_readings_come_often(
    rating: RadiatorRating, every_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps_s = set()

    def watched(problem: Problem, prices: Prices) -> int:
        steps_s.add(problem.grid.step_s)
        return best_level(problem, prices)

    monkeypatch.setattr(comfort, "best_level", watched)
    control, room = RoomControl(rating), SimulatedRoom(LIVING_ROOM)
    for minute in range(240):
        if minute == 60:
            steps_s.clear()
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=room.temperature_c,
            measured_s=room.time_s // every_s * every_s,
        )
        room.advance(60, control.step(reading, Target(setpoint_c=20)).power_w)
    assert steps_s == ({300.0} if rating.pausable and every_s <= 120 else {600.0})


def test_a_leap_that_a_slow_sensor_reports_once_counts_when_it_is_believed() -> None:
    control = RoomControl(PAUSABLE)
    for minute in range(40):
        room_c, measured_s = (22.5, minute * 60.0) if minute < 30 else (18.0, 1800.0)
        reading = RoomReading(
            time_s=minute * 60.0, temperature_c=room_c, measured_s=measured_s, outdoor_c=5.0
        )
        control.step(reading, Target(setpoint_c=20))
        # 4.5 K in a minute and a half may be: 3 K, and 1 K for each minute.
        assert control.window_open == (minute >= 31), minute


def test_a_room_that_stays_cold_does_not_count_as_aired_for_hours() -> None:
    control = RoomControl(RATING)
    for minute in range(1440 + 100):
        room_c = 20.0 if minute < 1440 else max(14.0, 20.0 - 0.6 * (minute - 1440))
        reading = RoomReading(
            time_s=minute * 60.0,
            temperature_c=room_c,
            measured_s=minute // 10 * 600.0,
            outdoor_c=5.0,
            heat_output_w=200.0,
        )
        demand = control.step(reading, Target(setpoint_c=20))
    assert not control.window_open
    assert demand.power_w == RATING.rated_w


def test_parts_of_a_slot_are_asked_for_only_where_slots_can_be_divided() -> None:
    for rating in (RATING, PAUSABLE, DIVISIBLE):
        room = SimulatedRoom(LIVING_ROOM)
        result = simulate(RoomControl(rating), room, Target(setpoint_c=20), hours=12, step_s=60)
        asked_w = {power_w for _, power_w, _ in result if power_w > 0}
        slots = {(power_w - rating.idle_w) / rating.slot_w for power_w in asked_w}
        parts = [busy for busy in slots if abs(busy - round(busy)) > 1e-6]
        assert bool(parts) == rating.divisible


def test_an_unknown_room_is_nearly_warm_on_its_first_morning_and_not_hours_before() -> None:
    room = SimulatedRoom(LIVING_ROOM, start_s=0.0, start_c=17.5)
    target = Target(setpoint_c=17, upcoming=((MORNING, 20.0), (22.5 * 3600, 17.0)))
    result = simulate(RoomControl(DIVISIBLE), room, target, hours=7, step_s=60)
    assert result[-1][0] > 19.4
    assert result[60][0] < 18.5
    assert Reason.PREHEATING in {reason for _, _, reason in result}


def test_the_next_start_is_foreseen_hours_before_it_comes() -> None:
    room, control = SimulatedRoom(LIVING_ROOM, start_s=0.0, start_c=17.5), RoomControl(RATING)
    rises = ((MORNING, 20.0), (22.5 * 3600, 17.0), (MORNING + 86400, 20.0))
    foreseen, begun_s = [], math.nan
    for _ in range(24 * 60):
        reading = RoomReading(time_s=room.time_s, temperature_c=room.temperature_c, outdoor_c=3)
        now_c = 20.0 if MORNING <= room.time_s < 22.5 * 3600 else 17.0
        upcoming = tuple(rise for rise in rises if rise[0] > room.time_s)
        demand = control.step(reading, Target(setpoint_c=now_c, upcoming=upcoming))
        if demand.reason is Reason.PREHEATING and math.isnan(begun_s):
            begun_s = room.time_s
        assert control.next_start_s is None or control.next_start_s >= room.time_s - 300
        foreseen.append((room.time_s, control.next_start_s))
        room.advance(60, demand.power_w)
    assert begun_s < MORNING
    early = [start_s for time_s, start_s in foreseen if 1800 < time_s < begun_s - 900]
    assert all(abs((start_s or 0) - begun_s) < 5400 for start_s in early)
    # Once it has begun the next one is tomorrow's.
    later = [(start_s or 0) / 3600 for time_s, start_s in foreseen if begun_s + 600 < time_s]
    assert all(22 < start_h < 24 + 7 for start_h in later)
    assert all(start_h > 26 for start_h in later[-8 * 60 :])


def test_a_setpoint_that_never_rises_has_no_next_start() -> None:
    control = RoomControl(RATING)
    for minute in range(20):
        reading = RoomReading(time_s=minute * 60.0, temperature_c=20.0)
        control.step(reading, Target(setpoint_c=20.0, upcoming=((9000.0, 17.0),)))
        assert control.next_start_s is None


def test_a_change_whose_time_has_passed_is_not_heated_for() -> None:
    reading = RoomReading(time_s=7200.0, temperature_c=18.0, outdoor_c=0.0)
    target = Target(setpoint_c=17.0, upcoming=((7199.0, 23.0),))
    control = RoomControl(PAUSABLE)
    assert control.step(reading, target).power_w == 0
    assert control.step(replace(reading, time_s=7260.0), target).power_w == 0


def test_what_is_learned_is_told_in_figures_that_a_person_can_use() -> None:
    learned = RoomControl(RATING).learned
    assert learned.heat_loss_w_k == pytest.approx(20.0)
    assert 48 < learned.time_constant_h < 96
    assert learned.gains_w == pytest.approx(80.0)
    assert learned.days == 0


def test_a_radiator_turned_off_and_on_again_heats_at_once() -> None:
    control = RoomControl(PAUSABLE)
    powers_w = []
    for minute, setpoint_c in enumerate((20, 20, None, 20)):
        reading = RoomReading(time_s=60.0 * minute, temperature_c=15.0)
        powers_w.append(control.step(reading, Target(setpoint_c=setpoint_c)).power_w)
    assert powers_w == [500, 500, 0, 500]


def test_below_the_comfort_floor_heat_needs_no_job() -> None:
    target = Target(setpoint_c=20, comfort_floor_c=16)
    control = RoomControl(RATING)
    for minute in range(3):
        demand = control.step(RoomReading(time_s=60.0 * minute, temperature_c=15.0), target)
    assert demand.own_heat
    for minute in range(3, 9):
        demand = control.step(RoomReading(time_s=60.0 * minute, temperature_c=16.2), target)
    assert demand.own_heat, "a sensor's noise does not end it"
    for minute in range(9, 15):
        demand = control.step(RoomReading(time_s=60.0 * minute, temperature_c=16.5), target)
    assert not demand.own_heat
    demand = control.step(RoomReading(time_s=900.0, temperature_c=16.2), target)
    assert not demand.own_heat


def test_the_last_instant_before_midnight_belongs_to_a_half_hour() -> None:
    habits = Habits(20.0, {})
    assert habits.at(-1e-20) == habits.at(0.0)


@pytest.mark.parametrize("found_w", [-1e6, 1e6])
def test_the_strongest_habit_that_can_be_learned_outlives_a_restart(found_w: float) -> None:
    habits = Habits(16.7332, {})
    habits.learn(0.0, 1800.0, found_w, 0.0)
    again = Habits(16.7332, json.loads(json.dumps(habits.save())))
    assert again.at(0.0) == habits.at(0.0)


def test_habits_follow_the_clock_on_the_wall_also_where_it_changes_during_a_restart() -> None:
    habits_w = [float(half_hour) for half_hour in range(48)]
    control = RoomControl(RATING, {"habits_w": habits_w})

    def saved(control: RoomControl, wall_ahead_s: float) -> dict[str, Any]:
        reading = RoomReading(time_s=0.0, temperature_c=20.0, wall_ahead_s=wall_ahead_s)
        control.step(reading, Target(setpoint_c=20))
        return control.save()

    in_winter = saved(control, 3600.0)
    assert in_winter["habits_w"] == habits_w
    in_summer = [*habits_w[2:], *habits_w[:2]]
    assert saved(RoomControl(RATING, in_winter), 7200.0)["habits_w"] == in_summer
    assert saved(control, 7200.0)["habits_w"] == in_summer
    assert saved(control, 3600.0)["habits_w"] == habits_w


def test_what_was_learned_outlives_a_restart() -> None:
    control, room = RoomControl(RATING, {"margin_k": 0.7}), SimulatedRoom(LIVING_ROOM)
    simulate(control, room, Target(setpoint_c=20), hours=49, step_s=600)
    assert control.needs_refit()
    control.adopt(refit(control.snapshot()))
    assert not control.needs_refit()
    saved = control.save()
    again = RoomControl(RATING, json.loads(json.dumps(saved)))
    assert again.model == control.model
    assert again.save() == saved
    assert saved["margin_k"] == 0.7


def test_when_the_sun_comes_in_is_known_after_a_restart() -> None:
    control = RoomControl(RATING)
    for minute in range(24 * 60):
        time_s = 60.0 * minute
        forecast = tuple((time_s + 3600.0 * hour, 5.0, 400.0) for hour in range(3))
        reading = RoomReading(time_s=time_s, temperature_c=20 + minute % 60 / 20, forecast=forecast)
        control.step(reading, Target(setpoint_c=20))
    again = RoomControl(RATING, json.loads(json.dumps(control.save())))
    learned, kept = (
        [one._comfort.habits.sun_share(1800.0 * half_hour) for half_hour in range(48)]
        for one in (control, again)
    )
    assert max(learned) - min(learned) > 0.01
    assert kept == pytest.approx(learned, abs=0.001)


def test_a_home_reloaded_three_times_a_day_learns_from_its_days() -> None:
    control, room = RoomControl(RATING), SimulatedRoom(LIVING_ROOM)
    fits = 0
    for _ in range(10):
        simulate(control, room, Target(setpoint_c=20), hours=8, step_s=300)
        fits += control.needs_refit()
        control = RoomControl(RATING, json.loads(json.dumps(control.save())))
    assert control.learned.days == fits == 3


@pytest.mark.parametrize(("gap_s", "goes_on"), [(120.0, True), (840.0, True), (1800.0, False)])
def test_how_warm_the_walls_are_is_known_after_a_short_restart_only(
    gap_s: float, goes_on: bool
) -> None:
    control, room = RoomControl(PAUSABLE), SimulatedRoom(LIVING_ROOM, start_s=0.0, start_c=19.0)
    simulate(control, room, Target(setpoint_c=20), hours=22, step_s=60)
    simulate(control, room, NIGHT, hours=2, step_s=60)
    again = RoomControl(PAUSABLE, json.loads(json.dumps(control.save())))
    room.advance(gap_s, 0.0)
    walls_c = []
    for one in (control, again):
        simulate(one, SimulatedRoom(LIVING_ROOM, room.save()), NIGHT, hours=0.1, step_s=60)
        saved: Any = one.save()["estimate"]
        walls_c.append(saved[1][SLOW])
    assert (walls_c[1] == pytest.approx(walls_c[0], abs=0.05)) == goes_on


def test_a_room_that_has_cooled_meanwhile_is_estimated_anew() -> None:
    control, room = RoomControl(PAUSABLE), SimulatedRoom(LIVING_ROOM, start_c=19.0)
    simulate(control, room, Target(setpoint_c=20), hours=6, step_s=60)
    again = RoomControl(PAUSABLE, control.save())
    again.step(RoomReading(time_s=room.time_s + 60, temperature_c=15.0), NIGHT)
    saved: Any = again.save()["estimate"]
    assert saved[1][:4] == [15.0] * 4


@pytest.mark.parametrize("reloaded", [False, True])
@pytest.mark.parametrize(("told_minutes", "days"), [(60, 0), (0, 4)])
def test_days_teach_a_home_without_a_sensor_outside_and_none_whose_sensor_has_died(
    told_minutes: int, days: int, reloaded: bool
) -> None:
    control, room = RoomControl(RATING), SimulatedRoom(LIVING_ROOM)
    for minute in range(0, 5 * 1440, 5):
        if reloaded and minute % 1000 == 500:
            control = RoomControl(RATING, json.loads(json.dumps(control.save())))
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=room.temperature_c,
            outdoor_c=26.0 if minute < told_minutes else None,
        )
        room.advance(300.0, control.step(reading, Target(setpoint_c=20)).power_w)
        if control.needs_refit():
            control.adopt(refit(control.snapshot()))
    assert control.learned.days == days
    assert days or control.learned.heat_loss_w_k == pytest.approx(20.0, rel=0.16)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_strangest_room_that_can_be_learned_outlives_a_restart(sign: int) -> None:
    control = RoomControl(RATING)
    usual = control.model
    balanced = {"loss_w_k": 0.2 if sign < 0 else 4.0, "sun_m2": 0.05 if sign < 0 else 6.0}
    farthest = {
        name: getattr(usual, name) * balanced.get(name, 1) * math.exp(sign * MOST_SPREADS * spread)
        for name, spread in SPREADS.items()
    }
    control.adopt(replace(usual, **farthest))
    again = RoomControl(RATING, json.loads(json.dumps(control.save())))
    assert again.model == control.model


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@settings(deadline=None, max_examples=30)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "model": JSON | st.dictionaries(st.sampled_from(["loss_w_k", "air_j_k"]), JSON),
            "habits_w": JSON | st.lists(JSON, min_size=48, max_size=48),
            "today": JSON | st.lists(JSON, min_size=9, max_size=9),
            "days": JSON | st.lists(st.lists(JSON, min_size=3, max_size=3)),
            "outdoor": JSON | st.lists(JSON, min_size=2, max_size=2),
            "margin_k": JSON,
            "most_w": JSON,
            "wall_ahead_s": JSON,
            "habits_sun": JSON | st.lists(JSON, min_size=48, max_size=48),
            "estimate": JSON
            | st.lists(st.lists(st.floats(0.0, 40.0), min_size=6, max_size=6), min_size=7).map(
                lambda rows: [[0.0, 0.0], *rows]
            ),
        },
    )
)
def test_damaged_saved_values_do_not_stop_the_heat(saved: dict[str, object]) -> None:
    control = RoomControl(RATING, saved)
    for minute in range(3):
        reading = RoomReading(time_s=60.0 * minute, temperature_c=15.0)
        demand = control.step(reading, Target(setpoint_c=20))
    assert demand.power_w > 0
    json.dumps(control.save(), allow_nan=False)
