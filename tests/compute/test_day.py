"""The normal life of a day: heat comes and goes, and no work is lost."""

from pathlib import Path

import pytest

from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.heating import Reason

from .day import live

DAY = ((6.5, 20.0), (9.0, 17.0), (17.0, 20.0), (22.5, 17.0))
"""Warm in the morning and in the evening."""


def test_no_work_is_lost_in_the_normal_life_of_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes_to_hours = 60.0, 3 * 3600.0
    seen = live(tmp_path, monkeypatch, setpoints=DAY, lengths_s=minutes_to_hours, hours=(6.0, 31.0))
    engines = [one.state.engine for one in seen]
    assert engines[-1].work_lost_s == 0
    assert {engine.problem for engine in engines} == {None}
    # It was a day: begun jobs outlast the night, heat is paid for, and the room has its warmth.
    night = [one.state.engine for one in seen if 23.5 < one.hour < 27.25]
    assert all(engine.jobs_paused > 0 and engine.jobs_running == 0 for engine in night)
    assert {engine.heat_kind for engine in engines} == {HeatKind.PAID, HeatKind.NONE}
    assert min(one.room_c for one in seen if 17.5 < one.hour < 22.25) > 19.7


def test_jobs_that_end_soon_run_out_at_the_end_of_a_heating_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = live(tmp_path, monkeypatch, setpoints=DAY, lengths_s=(240.0, 280.0), hours=(21.0, 23.0))
    draining = [one for one in seen if one.state.demand.reason is Reason.DRAINING]
    assert 0 < len(draining) * 15.0 <= 300.0
    last = seen[-1].state.engine
    assert (last.jobs_running, last.jobs_paused, last.work_lost_s) == (0, 0, 0)
    jobs = [one.state.engine.jobs_running + one.state.engine.jobs_paused for one in draining]
    assert jobs == sorted(jobs, reverse=True)
