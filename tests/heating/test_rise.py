"""When the way to a setpoint begins, and what a morning teaches about the next one's start."""

import pytest

from custom_components.qheat.heating.foresight import Now, Stride
from custom_components.qheat.heating.model import RoomModel
from custom_components.qheat.heating.rise import EARLY_K, Rise, Rises

STRIDE = Stride(RoomModel.usual(500.0), 600.0, 72)
LATE_K = 0.4


def room_of(air_c: float, time_s: float) -> Now:
    """Return a room that is as warm all through."""
    return Now(time_s, ([air_c] * 4 + [0.0, 0.0], 0.0), lambda _, heat_w: [heat_w, 5, 0, 0])


def test_a_block_edited_to_another_temperature_is_heated_for_as_it_is_now() -> None:
    rises = Rises([0.0, 250.0, 500.0])

    def level(to_c: float, time_s: float) -> int:
        now = room_of(18.0, time_s)
        return rises.on_the_way(now, STRIDE, 18.0, 17.0, [(25200.0, to_c)], aired=False)

    assert level(23.0, 7200.0) == 2
    assert level(18.0, 7500.0) == 0
    assert level(23.0, 7800.0) == 2


@pytest.mark.parametrize(("aired", "more_k"), [(False, LATE_K), (True, 0.0)])
def test_a_late_morning_makes_the_next_start_earlier_unless_a_window_was_open(
    aired: bool, more_k: float
) -> None:
    rises = Rises([0.0, 250.0, 500.0])
    rises.coming = Rise(at_s=25200.0, to_c=20.0, waited=True, begun=True)
    rises.on_the_way(room_of(20.0 - LATE_K, 25200.0), STRIDE, 20.0 - LATE_K, 20.0, [], aired=aired)
    assert rises.margin_k == pytest.approx(EARLY_K + more_k)
