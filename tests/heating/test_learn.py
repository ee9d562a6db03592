import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from custom_components.qheat.heating import learn
from custom_components.qheat.heating.balance import balance
from custom_components.qheat.heating.history import RECORD_S, RECORDS_A_DAY, Day, History, Record
from custom_components.qheat.heating.learn import Snapshot, foresight_k, refit
from custom_components.qheat.heating.model import SENSOR, SLOW, STATES, RoomModel

USUAL = RoomModel.usual(500)
STEADY = [20.0] * STATES


def week_of(model: RoomModel, days: int = 7) -> tuple[list[Record], list[Day]]:
    """Let a room of known parameters live through some days of switched heat."""
    chance = random.Random(2)
    step = model.transition(RECORD_S)
    x = [18.0, 18.0, 18.0, 18.0, 0.0, 0.0]
    history = History({})
    for index in range(days * RECORDS_A_DAY):
        day, hour = divmod(index * RECORD_S / 3600, 24)
        outdoor_c = 3 + 4 * math.sin(day) + 3 * math.sin(hour / 24 * 6.28)
        heat_w = 450.0 if x[1] < 20 and 6 < hour < 22 else 40.0
        sun_w_m2 = max(0.0, 300 * math.sin((hour - 6) / 12 * 3.14)) * (day % 3)
        inputs = [heat_w, outdoor_c, sun_w_m2, 80.0]
        x = step.advance(x, inputs)
        history.measured(round(x[SENSOR] + chance.gauss(0, 0.04), 1))
        history.tick(index * RECORD_S, RECORD_S, inputs, x, model.slow_j_k)
    return list(history.records), list(history.days)


def seen(records: Sequence[Record], days: Sequence[Day]) -> Snapshot:
    """Return what a usual room is learned from."""
    return Snapshot(
        records=tuple(records), days=tuple(days), noise_k=0.05, usual=USUAL, model=USUAL
    )


def day_of(measured: Callable[[int], bool], known: Callable[[int], bool] = lambda _: True) -> int:
    """Return how many days are to be learned from after one with such readings of the room."""
    history = History({})
    for index in range(RECORDS_A_DAY):
        if measured(index):
            history.measured(20.0)
        inputs = [100.0, 3.0, 50.0, 80.0]
        history.tick(index * RECORD_S, RECORD_S, inputs, STEADY, 1e6, outdoor_known=known(index))
    return len(history.days)


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_the_loss_of_an_unusual_room_is_learned(factor: float) -> None:
    truth = replace(USUAL, loss_w_k=USUAL.loss_w_k * factor, sun_m2=1.0)
    records, days = week_of(truth, days=14)
    learned = refit(seen(records, days))
    assert learned.loss_w_k == pytest.approx(truth.loss_w_k, rel=0.2)
    assert foresight_k(learned, records, 0.05) < foresight_k(USUAL, records, 0.05)


def test_with_nothing_to_learn_from_the_room_stays_as_it_was() -> None:
    assert refit(seen((), ())) is USUAL
    assert balance(USUAL, ()) == USUAL


def test_a_room_that_changes_is_learned_anew_within_weeks() -> None:
    _, before = week_of(USUAL, days=42)
    insulated = replace(USUAL, loss_w_k=0.6 * USUAL.loss_w_k)
    records, after = week_of(insulated, days=28)
    learned = refit(seen(records[-7 * RECORDS_A_DAY :], [*before[-14:], *after]))
    assert abs(learned.loss_w_k - insulated.loss_w_k) < 0.4 * abs(learned.loss_w_k - USUAL.loss_w_k)


def test_a_late_sensor_is_learned() -> None:
    records, days = week_of(replace(USUAL, sensor_lag_s=900.0))
    snapshot = seen(records, days)
    assert 600 < refit(snapshot).sensor_lag_s < 1350


@pytest.mark.parametrize("change_k", [0.2, 0.5])
def test_a_sensor_that_tells_changes_and_else_each_hour_teaches_a_room(change_k: float) -> None:
    records, days = week_of(replace(USUAL, air_fast_w_k=100.0))
    told, last_c, silent = [], -math.inf, 0
    for record in records:
        assert record.room_c is not None
        silent += 1
        if abs(record.room_c - last_c) > change_k - 0.05 or silent == 12:
            last_c, silent = record.room_c, 0
        told.append(record if silent == 0 else replace(record, room_c=None))
    snapshot = seen(told, days)
    for _ in range(4):
        snapshot = replace(snapshot, model=refit(snapshot))
    assert foresight_k(snapshot.model, records, 0.05) < 0.1 < foresight_k(USUAL, records, 0.05)


@pytest.mark.parametrize("minutes", [5, 10, 60])
@pytest.mark.parametrize("first", [0, 1, 7])
def test_a_model_is_judged_at_whatever_readings_there_are(minutes: int, first: int) -> None:
    records, _ = week_of(USUAL)
    every = minutes // 5
    told = [
        record if index % every == first % every or index == 0 else replace(record, room_c=None)
        for index, record in enumerate(records)
    ]
    wrong = replace(USUAL, loss_w_k=3 * USUAL.loss_w_k)
    assert 0.03 < foresight_k(USUAL, told, 0.05) < 0.2 < foresight_k(wrong, told, 0.05)


def test_a_day_since_the_first_reading_is_enough_to_learn_from_and_less_is_not() -> None:
    records, _ = week_of(replace(USUAL, sensor_lag_s=900.0), days=1)
    silent = [replace(records[0], room_c=None)] * 5
    learned = refit(seen([*silent, *records], ()))
    assert learned.sensor_lag_s > 1.1 * USUAL.sensor_lag_s
    assert refit(seen([*silent, *records[1:]], ())) is USUAL


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_how_much_the_air_holds_is_told_from_a_late_sensor_in_part(factor: float) -> None:
    truth = replace(USUAL, air_j_k=factor * USUAL.air_j_k)
    records, days = week_of(truth)
    snapshot = seen(records, days)
    for _ in range(3):
        snapshot = replace(snapshot, model=refit(snapshot))
    learned = math.log(snapshot.model.air_j_k / USUAL.air_j_k) / math.log(factor)
    assert 0.15 < learned < 1.2


def test_a_fit_that_a_night_did_not_complete_goes_on_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learn, "ROUNDS", 1)
    records, days = week_of(
        replace(USUAL, fast_j_k=0.3 * USUAL.fast_j_k, slow_j_k=0.3 * USUAL.slow_j_k)
    )
    snapshot = seen(records, days)
    wrong_k = []
    for _ in range(3):
        snapshot = replace(snapshot, model=refit(snapshot))
        wrong_k.append(foresight_k(snapshot.model, records, 0.05))
    assert wrong_k[2] < 0.8 * wrong_k[1] < 0.8 * 0.8 * wrong_k[0]


def test_a_fit_that_foresees_the_last_day_worse_is_not_adopted() -> None:
    records, days = week_of(replace(USUAL, air_fast_w_k=60.0, sensor_lag_s=900.0))
    last, _ = week_of(USUAL, days=1)
    records[-RECORDS_A_DAY:] = last
    snapshot = seen(records, days)
    assert refit(snapshot) is USUAL


def test_a_sun_that_is_only_forecast_does_not_hide_the_loss() -> None:
    chance = random.Random(3)
    truth = replace(USUAL, sun_m2=1.5)
    days = []
    for _ in range(42):
        warmer_k, sun = chance.gauss(17, 3), chance.uniform(0, 120)
        heat_w = truth.loss_w_k * warmer_k - truth.sun_m2 * sun - 80 + chance.gauss(0, 20)
        days.append(Day(heat_w, warmer_k, sun * chance.lognormvariate(0, 0.3)))
    learned = balance(USUAL, days)
    assert learned.loss_w_k == pytest.approx(truth.loss_w_k, rel=0.1)
    assert learned.sun_m2 == pytest.approx(truth.sun_m2, rel=0.25)


FIGURE = st.floats(-1e5, 1e5)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(Day, FIGURE, FIGURE, FIGURE), max_size=42))
@example([Day(1e5, -50.0, 0.0), Day(-1e5, 50.0, 1e5)] * 10)
def test_whatever_days_were_kept_the_room_stays_possible(days: list[Day]) -> None:
    room = balance(USUAL, days)
    assert USUAL.loss_w_k / 5 <= room.loss_w_k <= 4 * USUAL.loss_w_k
    assert USUAL.sun_m2 / 20 <= room.sun_m2 <= 6 * USUAL.sun_m2


def test_days_are_saved_and_damaged_ones_left_out() -> None:
    _, days = week_of(USUAL, days=3)
    history = History({})
    history.days.extend(days)
    saved: Any = history.save()["days"]
    damaged = [*saved, [1.0, math.nan, 2.0], [1.0], "x", [True, 1, 1], None]
    kept = list(History({"days": damaged}).days)
    assert len(kept) == len(saved)
    assert kept[0].heat_w == pytest.approx(days[0].heat_w, abs=0.01)


def test_a_day_without_readings_is_not_learned_from_and_one_with_few_is() -> None:
    assert day_of(lambda _: False) == 0
    assert day_of(lambda index: index % 6 == 0) == 1, "every half hour"


@pytest.mark.parametrize(("unknown", "days"), [(2, 1), (24, 0)])
def test_a_day_without_a_temperature_outside_is_not_learned_from(unknown: int, days: int) -> None:
    assert day_of(lambda _: True, lambda index: index >= unknown) == days


@pytest.mark.parametrize(("gap_s", "days"), [(600.0, 1), (7200.0, 0), (-7200.0, 0)])
def test_a_day_goes_on_after_a_short_restart_only(gap_s: float, days: int) -> None:
    history, whole = History({}), History({})
    x = list(STEADY)
    for index in range(RECORDS_A_DAY):
        if index == 200:
            history = History(json.loads(json.dumps(history.save())))
        for one in (history, whole):
            one.measured(20.0)
            x[SLOW] = 18.0 + index / 100
            inputs = [100.0 + index, 3.0, 50.0, 80.0]
            at_s = 1e9 + index * RECORD_S + gap_s * (index >= 200)
            one.tick(at_s if one is history else index * RECORD_S, RECORD_S, inputs, x, 1e6)
    assert list(history.days) == list(whole.days)[:days]


@pytest.mark.parametrize(
    "saved", [None, "x", [], [0.0] * 8, [0.0] * 10, [0.0, 18.0, math.nan, *[0.0] * 6], [1e9] * 9]
)
def test_a_damaged_day_begins_anew(saved: object) -> None:
    assert History({"today": saved}).save()["today"] == [0.0] * 9


def test_a_home_restarted_every_day_learns_what_its_room_loses() -> None:
    truth = replace(USUAL, loss_w_k=0.5 * USUAL.loss_w_k, sun_m2=1.0)
    records, days = week_of(truth, days=14)
    snapshot = seen(records[-200:], days)
    learned = refit(snapshot)
    assert learned.loss_w_k < 0.7 * USUAL.loss_w_k
    assert replace(learned, loss_w_k=USUAL.loss_w_k, sun_m2=USUAL.sun_m2) == USUAL


def test_a_week_is_remembered_as_it_was_and_what_is_older_is_not() -> None:
    history = History({})
    for day in range(9):
        for index in range(RECORDS_A_DAY):
            if index % 2:
                history.measured(20.0 + day)
            at_s = (day * RECORDS_A_DAY + index) * RECORD_S
            history.tick(at_s, RECORD_S, [100.0, 3.0, 50.0, 80.0 + index], STEADY, 1e6)
    records = history.records
    assert len(records) == 7 * RECORDS_A_DAY
    assert [record.room_c for record in records[:2]] == [None, 22.0]
    assert records[-1] == Record(room_c=28.0, inputs=(100.0, 3.0, 50.0, 80.0 + RECORDS_A_DAY - 1))
