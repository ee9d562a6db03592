"""Core-hours by kind of job: they add up to the cores that were at work, and to no more."""

import json
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.ledger import MAX_GAP_S, MAX_JOB_KINDS, OTHER_JOBS
from custom_components.qheat.work_today import CoreTime, Today, all_work

from .ledger_data import OFFICE

DAY = date(2026, 11, 23)

STEPS = st.lists(
    st.tuples(
        st.floats(-10, 2 * MAX_GAP_S),
        st.none() | st.floats(0, 512),
        st.dictionaries(
            st.text(max_size=80), st.floats(allow_nan=True, allow_infinity=True), max_size=4
        ),
    ),
    max_size=30,
)


@given(steps=STEPS)
def test_whatever_kinds_there_are_their_core_hours_add_up_to_the_cores_at_work(
    steps: list[tuple[float, float | None, dict[str, float]]],
) -> None:
    time, now_s, expected_s, before = CoreTime(), 0.0, 0.0, None
    for step_s, cores, by_kind in steps:
        now_s += step_s
        time.record(OFFICE, DAY, now_s, cores, by_kind)
        if before is not None and cores is not None and 0 < now_s - before[0] <= MAX_GAP_S:
            expected_s += (now_s - before[0]) * (before[1] + cores) / 2
        before = None if cores is None else (now_s, cores)
    core_h = time.core_h(OFFICE, DAY)
    assert sum(core_h.values()) * 3600 == pytest.approx(expected_s, rel=1e-9, abs=1e-6)
    assert all(kind.isprintable() and len(kind) <= 64 for kind in core_h)
    again = CoreTime(json.loads(json.dumps(time.save())))
    assert again.core_h(OFFICE, DAY) == core_h


def test_cores_that_cool_down_after_the_last_job_are_of_its_kind() -> None:
    time = CoreTime()
    for now_s, by_kind in ((0, {"docking": 2.0}), (60, {}), (120, {"": math.nan})):
        time.record(OFFICE, DAY, now_s, 3.0, by_kind)
    assert time.core_h(OFFICE, DAY) == {"docking": pytest.approx(0.1)}


def test_a_thousand_kinds_are_not_kept_apart() -> None:
    time = CoreTime()
    for number in range(1000):
        time.record(OFFICE, DAY, 60.0 * number, 1.0, {f"kind {number}": 1.0})
    core_h = time.core_h(OFFICE, DAY)
    assert len(core_h) == MAX_JOB_KINDS + 1
    assert core_h[OTHER_JOBS] > 10


def test_the_work_of_a_home_is_that_of_its_radiators_by_kind() -> None:
    home = all_work(
        [
            Today(jobs={"docking": 2}, refused=1, core_h={"docking": 1.46}),
            Today(jobs={"docking": 1, "prices": 4}, core_h={"docking": 0.08, "prices": 0.3}),
        ]
    )
    assert home.kinds() == {
        "docking": {"jobs": 3, "core_hours": 1.5},
        "prices": {"jobs": 4, "core_hours": 0.3},
    }
    assert home.refused == 1
