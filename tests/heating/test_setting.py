"""The tenant's setting: presets, setpoints by hand, and what a restart brings back."""

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.heating.setting import (
    DEFAULT_PRESETS,
    LASTING,
    MAX_SETPOINT_C,
    MIN_SETPOINT_C,
    Preset,
    Setting,
)

setpoints = st.floats(MIN_SETPOINT_C, MAX_SETPOINT_C)


@given(setpoints, st.sampled_from(Preset), st.booleans())
def test_what_was_set_is_there_after_a_restart(
    setpoint_c: float, preset: Preset, heating: bool
) -> None:
    setting = (
        Setting()
        .with_heating(heating)
        .with_setpoint(setpoint_c, DEFAULT_PRESETS)
        .with_preset(preset, DEFAULT_PRESETS)
    )
    assert Setting.load(json.loads(json.dumps(setting.save()))) == setting


@given(setpoints, st.lists(st.sampled_from(Preset), min_size=1))
def test_leaving_any_run_of_presets_brings_the_setpoint_by_hand_back(
    setpoint_c: float, presets: list[Preset]
) -> None:
    setting = Setting().with_setpoint(setpoint_c, {})
    for preset in presets:
        setting = setting.with_preset(preset, DEFAULT_PRESETS)
        assert setting.setpoint_c == DEFAULT_PRESETS[preset]
    assert setting.with_preset(None, DEFAULT_PRESETS).setpoint_c == setpoint_c


@given(setpoints, st.sampled_from([None, *Preset]), st.floats(0, 1e10))
def test_a_setting_by_hand_gives_way_to_the_schedule_at_its_next_change_unless_it_lasts(
    setpoint_c: float, preset: Preset | None, until_s: float
) -> None:
    setting = Setting().with_setpoint(25, {}).with_preset(preset, DEFAULT_PRESETS).held(until_s)
    assert Setting.load(json.loads(json.dumps(setting.save()))) == setting
    assert setting.scheduled(until_s - 1, setpoint_c) == setting
    after = setting.scheduled(until_s, setpoint_c)
    if preset in LASTING:
        assert after == setting
    else:
        assert (after.setpoint_c, after.follows, after.preset) == (setpoint_c, True, None)


@pytest.mark.parametrize("value", [None, "20", True, nan, inf, [], {}])
def test_a_saved_setpoint_that_makes_no_sense_becomes_the_default(value: object) -> None:
    assert Setting.load({"setpoint_c": value, "manual_c": value}) == Setting()


@pytest.mark.parametrize(("saved_c", "loaded_c"), [(-300.0, 5.0), (1e300, 30.0), (21, 21.0)])
def test_a_saved_setpoint_is_kept_within_the_thermostats_range(
    saved_c: float, loaded_c: float
) -> None:
    assert Setting.load({"setpoint_c": saved_c}).setpoint_c == loaded_c


def test_a_setpoint_by_hand_takes_the_name_of_its_preset_but_says_nothing_of_who_is_away() -> None:
    named = {
        preset: Setting().with_setpoint(setpoint_c, DEFAULT_PRESETS).preset
        for preset, setpoint_c in DEFAULT_PRESETS.items()
    }
    assert named == {preset: None if preset in LASTING else preset for preset in Preset}


@pytest.mark.parametrize("saved", [{"preset": "sauna"}, {"preset": 3}, {"heating": "yes"}, {}])
def test_unknown_presets_and_modes_are_none_and_off(saved: dict[str, object]) -> None:
    assert Setting.load(saved) == Setting()
