import math

import pytest

from custom_components.qheat.heating import (
    DEMO_ROOMS,
    RadiatorRating,
    Reason,
    RoomControl,
    RoomReading,
    SimulatedRoom,
    Target,
)

RATING = RadiatorRating(idle_w=20, rated_w=1000, slots=2)


def simulate(
    control: RoomControl, room: SimulatedRoom, target: Target, *, hours: float, step_s: float
) -> list[float]:
    """Run a control in a room and return the temperature after every step."""
    temperatures = []
    for _ in range(int(hours * 3600 / step_s)):
        reading = RoomReading(
            time_s=room.time_s, temperature_c=room.temperature_c, outdoor_c=room.outdoor_c
        )
        room.advance(step_s, control.step(reading, target).power_w)
        temperatures.append(room.temperature_c)
    return temperatures


@pytest.mark.parametrize("step_s", [5, 60, 300, 600])
def test_a_room_reaches_its_setpoint_and_stays_there(step_s: float) -> None:
    room = SimulatedRoom(DEMO_ROOMS["living_room"])
    temperatures = simulate(
        RoomControl(RATING), room, Target(setpoint_c=20), hours=48, step_s=step_s
    )
    settled = temperatures[len(temperatures) // 2 :]
    assert max(abs(room_c - 20) for room_c in settled) < 0.7
    assert abs(sum(settled) / len(settled) - 20) < 0.25


def test_a_room_that_is_off_gets_no_heat() -> None:
    reading = RoomReading(time_s=0, temperature_c=15.0)
    demand = RoomControl(RATING).step(reading, Target(setpoint_c=None))
    assert (demand.power_w, demand.reason) == (0, Reason.OFF)


def test_below_the_comfort_floor_heat_needs_no_job() -> None:
    target = Target(setpoint_c=20, comfort_floor_c=16)
    control = RoomControl(RATING)
    assert control.step(RoomReading(time_s=0, temperature_c=15.0), target).own_heat
    assert not control.step(RoomReading(time_s=60, temperature_c=16.5), target).own_heat


@pytest.mark.parametrize(
    "saved", [{}, {"integral_w": math.nan}, {"integral_w": "12"}, {"integral_w": [1]}, {"x": 1}]
)
def test_damaged_saved_values_do_not_stop_the_heat(saved: dict[str, object]) -> None:
    control = RoomControl(RATING, saved)
    demand = control.step(RoomReading(time_s=0, temperature_c=15.0), Target(setpoint_c=20))
    assert demand.power_w > 0
