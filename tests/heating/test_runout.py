"""Jobs that end soon may run out when a heating period is over, and never against a guard."""

import dataclasses
from typing import Any

import pytest

from custom_components.qheat.heating import HeatDemand, RadiatorRating, Reason
from custom_components.qheat.heating.runout import RUN_OUT_S, SOON_S, RunOut

RATING = RadiatorRating(idle_w=20.0, rated_w=620.0, slots=6, pausable=True, divisible=True)
NO_HEAT_FOR_HOURS = ((7 * 3600.0, 0.0), (8 * 3600.0, 320.0))
HEATED = HeatDemand(power_w=270.0, reason=Reason.HEATING, outlook=((3600.0, 270.0),))
OVER = HeatDemand(power_w=0.0, reason=Reason.IDLE, outlook=NO_HEAT_FOR_HOURS)


def after_heating(demand: HeatDemand = OVER, **changes: Any) -> HeatDemand:
    """Heat two and a half slots to 20 °C, and return what is made of the demand after that."""
    run_out = RunOut(RATING)
    facts: dict[str, Any] = {
        "time_s": 0.0,
        "elapsed_s": 5.0,
        "setpoint_c": 20.0,
        "room_c": 20.0,
        "jobs_left_s": (200.0, 100.0),
        "by_hand": False,
    }
    assert run_out.extend(HEATED, **facts) == HEATED
    return run_out.extend(demand, **facts | {"setpoint_c": 17.0} | changes)


def test_as_many_slots_stay_as_have_jobs_that_end_soon_and_none_is_begun() -> None:
    demand = after_heating()
    assert demand == dataclasses.replace(OVER, power_w=220.0, reason=Reason.DRAINING)


@pytest.mark.parametrize(
    ("left_s", "power_w"),
    [
        ((200.0, 9000.0, 100.0), 120.0),  # the second one would get the second slot
        ((9000.0, 100.0), 0.0),
        ((100.0,) * 6, 320.0),  # no more than ran before
        ((float("inf"),), 0.0),
        ((float("nan"),), 0.0),
        ((), 0.0),
        (None, 0.0),
    ],
)
def test_slots_are_kept_for_the_first_jobs_alone_that_end_soon(
    left_s: tuple[float, ...] | None, power_w: float
) -> None:
    assert after_heating(jobs_left_s=left_s).power_w == power_w


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.IDLE])
def test_nothing_runs_out_where_heat_ends_for_another_reason_than_warmth(reason: Reason) -> None:
    demand = dataclasses.replace(OVER, reason=reason)
    assert after_heating(demand) == demand


def test_nothing_runs_out_into_a_room_that_is_too_warm_or_that_nobody_knows() -> None:
    assert after_heating(room_c=20.31) == OVER
    assert after_heating(room_c=None) == OVER


def test_who_turns_the_dial_down_sees_the_watts_go_at_once() -> None:
    assert after_heating(by_hand=True) == OVER


def test_jobs_wait_where_heat_is_wanted_again_soon_or_nobody_knows_when() -> None:
    soon = dataclasses.replace(OVER, outlook=((SOON_S - 60.0, 0.0), (SOON_S, 320.0)))
    assert after_heating(soon) == soon
    unknown = dataclasses.replace(OVER, outlook=())
    assert after_heating(unknown) == unknown


def test_it_ends_after_some_minutes_whatever_the_jobs_say() -> None:
    run_out = RunOut(RATING)
    facts: dict[str, Any] = {"setpoint_c": 20.0, "room_c": 20.0, "by_hand": False}
    facts["jobs_left_s"] = (1.0,)  # for ever
    run_out.extend(HEATED, time_s=0.0, elapsed_s=5.0, **facts)
    watts = [
        run_out.extend(OVER, time_s=5.0 * tick, elapsed_s=5.0, **facts).power_w
        for tick in range(1, 100)
    ]
    assert sum(power_w > 0 for power_w in watts) * 5.0 <= RUN_OUT_S
    assert watts == sorted(watts, reverse=True)
    assert watts[0] == 120.0
    assert watts[-1] == 0.0


def test_a_radiator_that_never_heated_lets_nothing_run() -> None:
    facts: dict[str, Any] = {"setpoint_c": 17.0, "room_c": 16.0, "by_hand": False}
    demand = RunOut(RATING).extend(OVER, time_s=0.0, elapsed_s=5.0, jobs_left_s=(1.0, 1.0), **facts)
    assert demand == OVER
