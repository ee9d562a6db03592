"""What a morning teaches about the next one's start."""

import pytest

from custom_components.qheat.heating.foresight import Now, Stride
from custom_components.qheat.heating.model import RoomModel
from custom_components.qheat.heating.rise import EARLY_K, Rise, Rises

STRIDE = Stride(RoomModel.usual(500.0), 600.0, 72)
LATE_K = 0.4


@pytest.mark.parametrize(("aired", "more_k"), [(False, LATE_K), (True, 0.0)])
def test_a_late_morning_makes_the_next_start_earlier_unless_a_window_was_open(
    aired: bool, more_k: float
) -> None:
    rises = Rises([0.0, 250.0, 500.0])
    rises.coming = Rise(at_s=25200.0, to_c=20.0, waited=True, begun=True)
    now = Now(25200.0, ([20.0 - LATE_K] * 4 + [0.0, 0.0], 0.0), lambda _, heat_w: [heat_w, 5, 0, 0])
    rises.on_the_way(now, STRIDE, 20.0 - LATE_K, 20.0, [], aired=aired)
    assert rises.margin_k == pytest.approx(EARLY_K + more_k)
