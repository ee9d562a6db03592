"""The heat of the hours to come is foreseen: when it ends, and when it begins again."""

import itertools

from custom_components.qheat.heating import (
    HeatDemand,
    RadiatorRating,
    Reason,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
)
from custom_components.qheat.heating.foresight import outlook_of

RATING = RadiatorRating(idle_w=20, rated_w=1000, slots=6, pausable=True, divisible=True)
HOUR_S = 3600.0


def after(
    hours: float,
    target: Target,
    *,
    start_c: float = 20.0,
    left_s: tuple[float, ...] | None = None,
    sensor: bool = True,
) -> tuple[HeatDemand, float]:
    """Control a room from noon on; return the last demand, and when that was."""
    control = RoomControl(RATING)
    room = SimulatedRoom(RoomParameters.from_area(18.0), start_s=12 * HOUR_S, start_c=start_c)
    for minute in itertools.count():
        room_c = room.temperature_c if sensor or minute == 0 else None
        reading = RoomReading(
            time_s=room.time_s, temperature_c=room_c, outdoor_c=2.0, jobs_left_s=left_s
        )
        demand = control.step(reading, target)
        if minute >= hours * 60:
            return demand, room.time_s
        room.advance(60.0, demand.power_w)
    raise AssertionError


def wanted_w(demand: HeatDemand, at_s: float) -> float:
    return next(power_w for until_s, power_w in demand.outlook if until_s > at_s)


def test_heat_is_foreseen_to_end_when_the_setpoint_falls_and_to_begin_before_it_rises() -> None:
    falls_s, rises_s = 16.25 * HOUR_S, 22 * HOUR_S
    target = Target(setpoint_c=20.0, upcoming=((falls_s, 16.0), (rises_s, 20.0)))
    demand, now_s = after(3.0, target)
    assert demand.reason is Reason.HEATING
    assert wanted_w(demand, now_s) == demand.power_w
    assert wanted_w(demand, falls_s - 60) > RATING.idle_w
    assert all(wanted_w(demand, falls_s + hour * HOUR_S) == 0 for hour in (0.01, 0.5, 1, 2))
    assert wanted_w(demand, rises_s + 60) > RATING.idle_w
    times_s = [until_s for until_s, _ in demand.outlook]
    assert times_s == sorted(set(times_s))


def test_a_setpoint_that_rises_ends_no_heat_and_one_that_falls_does() -> None:
    changes = [(900.0, 21.0), (4500.0, 19.0)]
    outlook = outlook_of(0.0, [100.0, 200.0, 300.0], 1800.0, changes, 20.0)
    assert outlook == [(1800.0, 100.0), (3600.0, 200.0), (4500.0, 300.0), (5400.0, 0.0)]


def test_heat_that_holds_a_room_is_foreseen_as_about_what_is_given() -> None:
    demand, now_s = after(6.0, Target(setpoint_c=20.0))
    foreseen_w = wanted_w(demand, now_s + HOUR_S)
    assert abs(foreseen_w - demand.power_w) < 120


def test_in_a_warm_room_heat_is_foreseen_for_when_it_has_cooled() -> None:
    demand, now_s = after(0.2, Target(setpoint_c=18.0), start_c=19.0)
    assert demand.reason is Reason.IDLE
    assert wanted_w(demand, now_s) == 0
    assert max(power_w for _, power_w in demand.outlook) > RATING.idle_w


def test_nothing_is_foreseen_for_a_radiator_that_is_off_or_whose_sensor_is_silent() -> None:
    assert after(1.0, Target(setpoint_c=None))[0].outlook == ()
    assert after(1.0, Target(setpoint_c=20.0), sensor=False)[0].outlook == ()


def test_jobs_run_out_after_a_fall_that_was_foreseen_and_not_after_one_by_hand() -> None:
    def reasons(*, foreseen: bool) -> set[Reason]:
        control = RoomControl(RATING)
        room = SimulatedRoom(RoomParameters.from_area(18.0), start_s=12 * HOUR_S, start_c=20.0)
        falls_s, seen = 15 * HOUR_S + 30, set()
        for _ in range(200):
            fallen = room.time_s >= falls_s
            upcoming = () if fallen or not foreseen else ((falls_s, 16.0),)
            target = Target(setpoint_c=16.0 if fallen else 20.0, upcoming=upcoming)
            reading = RoomReading(
                time_s=room.time_s, temperature_c=room.temperature_c, jobs_left_s=(120.0,)
            )
            demand = control.step(reading, target)
            seen.add(demand.reason)
            room.advance(60.0, demand.power_w)
        return seen

    assert Reason.DRAINING in reasons(foreseen=True)
    assert Reason.DRAINING not in reasons(foreseen=False)


def test_a_heating_period_is_long_over_when_a_radiator_is_turned_on_again() -> None:
    control, reasons = RoomControl(RATING), []
    for minute in range(245):
        setpoint_c = None if 120 <= minute < 240 else 20.0
        reading = RoomReading(
            time_s=60.0 * minute,
            temperature_c=20.0 if minute < 119 else 20.25,
            outdoor_c=15.0,
            jobs_left_s=(120.0,),
        )
        reasons.append(control.step(reading, Target(setpoint_c=setpoint_c, upcoming=())).reason)
    assert reasons[119:121] == [Reason.HEATING, Reason.OFF]
    assert reasons[-5:] == [Reason.IDLE] * 5
