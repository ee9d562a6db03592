import math

import pytest

from custom_components.qheat.heating import RoomParameters, SimulatedRoom

LIVING_ROOM = RoomParameters.from_area(20.0, loss_w_k_m2=0.75)


def test_the_living_room_holds_twenty_degrees_with_about_240_watts() -> None:
    room = SimulatedRoom(LIVING_ROOM)
    temperatures = []
    for _ in range(28 * 24):
        room.advance(3600, 240)
        temperatures.append(room.temperature_c)
    assert 19.5 < sum(temperatures[-24:]) / 24 < 21.5


def test_one_large_step_is_as_good_as_many_small_ones() -> None:
    large, small = SimulatedRoom(LIVING_ROOM), SimulatedRoom(LIVING_ROOM)
    large.advance(7200, 500)
    for _ in range(1440):
        small.advance(5, 500)
    assert large.temperature_c == pytest.approx(small.temperature_c, abs=0.1)


@pytest.mark.parametrize("dt_s", [math.nan, -5.0, math.inf, 1e18])
def test_an_absurd_step_leaves_a_possible_room(dt_s: float) -> None:
    room = SimulatedRoom(LIVING_ROOM)
    room.advance(dt_s, 1000)
    assert 10 < room.temperature_c < 100


def test_a_room_goes_on_where_it_was_saved() -> None:
    room = SimulatedRoom(LIVING_ROOM)
    room.advance(5000, 700)
    again = SimulatedRoom(LIVING_ROOM, room.save())
    room.advance(5000, 700)
    again.advance(5000, 700)
    assert (again.time_s, again.temperature_c) == (room.time_s, room.temperature_c)


def test_damaged_saved_values_are_replaced_by_the_start() -> None:
    room = SimulatedRoom(LIVING_ROOM, {"time_s": "x", "air_c": math.nan, "structure_c": 1e9})
    assert (room.time_s, room.temperature_c) == (6 * 3600, 17)
