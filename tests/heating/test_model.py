import math

import pytest

from custom_components.qheat.heating.foresight import Stride
from custom_components.qheat.heating.model import AIR, RoomModel, lagged

USUAL = RoomModel.usual(500)


def test_ten_short_steps_are_one_long_step() -> None:
    inputs = [300.0, 2.0, 100.0, 80.0]
    start = [19.0, 19.5, 19.3, 18.0, 50.0, 0.0]
    x = start
    for _ in range(10):
        x = USUAL.transition(60).advance(x, inputs)
    assert x == pytest.approx(USUAL.transition(600).advance(start, inputs))


def test_a_room_without_heat_takes_the_outdoor_temperature() -> None:
    x = [20.0, 20.0, 20.0, 20.0, 0.0, 0.0]
    for _ in range(400):
        x = USUAL.transition(86400).advance(x, [0.0, 3.0, 0.0, 0.0])
    assert x[AIR] == pytest.approx(3.0, abs=0.01)


def test_a_lasting_watt_warms_more_with_time_and_never_more_than_the_loss_allows() -> None:
    warms = Stride(USUAL, 600, 200).warms
    assert warms == sorted(warms)
    assert warms[0] > 0
    assert warms[-1] < 1 / USUAL.loss_w_k


def test_the_case_gives_off_what_went_in_but_later() -> None:
    emitted_w, mean_w = lagged(0.0, 100.0, 400.0)
    assert emitted_w == pytest.approx(100 * (1 - math.exp(-1)))
    assert 0 < mean_w < emitted_w
