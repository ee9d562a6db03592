"""When the way to a setpoint begins, and what a morning teaches about the next one's start."""

import pytest

from custom_components.qheat.heating.foresight import Now, Stride
from custom_components.qheat.heating.model import RoomModel
from custom_components.qheat.heating.rise import EARLY_K, Rise, Rises

STRIDE = Stride(RoomModel.usual(500.0), 600.0, 72)
LATE_K = 0.15


def room_of(air_c: float, time_s: float) -> Now:
    """Return a room that is as warm all through, though its sensor is late to tell."""
    x = [air_c - 1.0, air_c, air_c, air_c, 0.0, 0.0]
    return Now(time_s, (x, 0.0), lambda _, heat_w: [heat_w, 5, 0, 0])


def test_a_block_edited_to_another_temperature_is_heated_for_as_it_is_now() -> None:
    rises = Rises([0.0, 250.0, 500.0])

    def level(to_c: float, time_s: float) -> int:
        now = room_of(18.0, time_s)
        return rises.on_the_way(now, STRIDE, 17.0, [(25200.0, to_c)], aired=False)

    assert level(23.0, 7200.0) == 2
    assert level(18.0, 7500.0) == 0
    assert level(23.0, 7800.0) == 2


def margin_after(late_k: float, *, given: float = 1.0, aired: bool = False) -> float:
    """Return the margin that a morning leaves which got a share of the heat asked for."""
    rises = Rises([0.0, 250.0, 500.0])
    rises.ahead = [Rise(at_s=25200.0, to_c=20.0, waited=True, begun=True)]
    rises.heated(3.6e6, given * 3.6e6)
    rises.on_the_way(room_of(20.0 - late_k, 25200.0), STRIDE, 20.0, [], aired=aired)
    return rises.margin_k


@pytest.mark.parametrize(("aired", "more_k"), [(False, LATE_K), (True, 0.0)])
def test_a_late_morning_makes_the_next_start_earlier_unless_a_window_was_open(
    aired: bool, more_k: float
) -> None:
    assert margin_after(LATE_K, aired=aired) == pytest.approx(EARLY_K + more_k)


@pytest.mark.parametrize(("given", "more_k"), [(0.0, 0.0), (0.6, 0.0), (0.75, LATE_K)])
def test_a_morning_without_jobs_does_not_make_the_next_start_earlier(
    given: float, more_k: float
) -> None:
    assert margin_after(LATE_K, given=given) == pytest.approx(EARLY_K + more_k)


def test_a_single_morning_moves_the_next_start_a_little_only() -> None:
    assert margin_after(1.5) == pytest.approx(EARLY_K + 0.2)


def test_the_second_step_of_a_morning_is_heated_for_before_the_first_has_come() -> None:
    rises = Rises([0.0, 250.0, 500.0])
    steps = [(25200.0, 18.0), (26100.0, 22.0), (79200.0, 17.0), (111600.0, 25.0)]
    now = room_of(18.0, 18000.0)
    assert rises.on_the_way(now, STRIDE, 17.0, steps[:1], aired=False) == 0
    rises.foresee_start(now, STRIDE, 17.0, steps[:1])
    assert rises.next_start_s is not None
    assert rises.next_start_s > 21600
    rises.foresee_start(now, STRIDE, 17.0, steps)
    assert rises.next_start_s < 21600
    assert rises.on_the_way(now, STRIDE, 17.0, steps, aired=False) == 2
    assert rises.coming == Rise(26100.0, 22.0, begun=True)
    # It goes on when the first step has come.
    warmer = room_of(19.0, 24600.0)
    assert rises.on_the_way(warmer, STRIDE, 18.0, steps[1:], aired=False) > 0


def test_a_room_that_is_warm_hours_ahead_after_a_wrong_reading_is_not_held_so_all_night() -> None:
    rises = Rises([0.0, 500.0, 1000.0])

    def level(air_c: float, time_s: float) -> int:
        now = room_of(air_c, time_s)
        return rises.on_the_way(now, STRIDE, 17.0, [(25200.0, 20.0)], aired=False)

    assert level(12.0, 0.0) == 2
    assert level(20.0, 600.0) == 0
    assert rises.coming == Rise(25200.0, 20.0, waited=True)
    # In the last hours it is held until it is wanted.
    assert level(17.0, 15600.0) == 1
    assert level(20.0, 16200.0) == 0
    assert rises.coming.arrived
