"""How much heat comes of what is asked for."""

from itertools import pairwise

import pytest

from custom_components.qheat.heating.given import Given

LEVELS_W = [0.0, 150.0, 200.0, 250.0]


def given(asked_w: float, given_w: float) -> Given:
    """Return what is known after two hours of the same."""
    found = Given(idle_w=100.0)
    for _ in range(1440):
        found.see(5.0, asked_w, given_w)
    return found


@pytest.mark.parametrize("asked_w", LEVELS_W)
def test_a_radiator_that_obeys_gives_what_its_levels_say(asked_w: float) -> None:
    assert given(asked_w, asked_w).likely_w(LEVELS_W) == LEVELS_W


def test_a_machine_at_rest_gives_its_idle_power_and_no_more_beyond_its_levels() -> None:
    assert given(0, 100).likely_w(LEVELS_W) == pytest.approx([100, 150, 200, 250], abs=0.1)


@pytest.mark.parametrize("shown_w", [120, 330])
def test_a_level_in_use_is_taken_for_what_comes_of_it(shown_w: float) -> None:
    assert given(200, shown_w).likely_w(LEVELS_W)[2] == pytest.approx(shown_w, abs=0.1)


@pytest.mark.parametrize("shown_w", [0, 100])
def test_without_jobs_more_slots_are_still_taken_for_more_heat(shown_w: float) -> None:
    likely_w = given(250, shown_w).likely_w(LEVELS_W)
    assert all(0 <= less_w < more_w for less_w, more_w in pairwise(likely_w))


def test_what_a_late_meter_shows_after_a_change_is_not_held_against_the_new_level() -> None:
    found = given(150, 150)
    for _ in range(35):
        found.see(5.0, 250, 150)

    assert found.likely_w(LEVELS_W) == LEVELS_W
