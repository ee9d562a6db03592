"""A radiator's tick: what the thermostat foresees reaches the engine on the engine's clock."""

from dataclasses import replace

import pytest

from custom_components.qheat.compute.engine import HeatBudget, PowerSource
from custom_components.qheat.heating import (
    HeatDemand,
    RadiatorRating,
    Reason,
    RoomControl,
    RoomReading,
    Target,
)
from custom_components.qheat.heating.setting import Preset, Setting
from custom_components.qheat.radiator import BUDGET_S, Radiator
from tests.compute.day import DaySchedule
from tests.ha.conftest import FixedEngine

NOW_S, MONOTONIC_S, ROOM_S, SPEED = 1_728_000_000.0, 500.0, 7000.0, 10.0


class QuickRoom:
    """A room whose clock runs ten times as fast."""

    speed = SPEED

    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        return RoomReading(time_s=ROOM_S, temperature_c=19.0, heat_output_w=heat_output_w)

    def save(self) -> dict[str, object]:
        return {}


class Foreseeing(RoomControl):
    """A thermostat that always says the same, and keeps what it was told."""

    told: RoomReading
    wanted: Target

    def step(self, reading: RoomReading, target: Target) -> HeatDemand:
        self.told, self.wanted = reading, target
        return HeatDemand(
            power_w=200.0,
            reason=Reason.DRAINING,
            outlook=((ROOM_S + 600.0, 200.0), (ROOM_S + 1800.0, 0.0)),
        )


@pytest.fixture
def control() -> Foreseeing:
    return Foreseeing(RadiatorRating(idle_w=20.0, rated_w=500.0, slots=6))


@pytest.fixture
def engine() -> FixedEngine:
    return FixedEngine()


@pytest.fixture
def radiator(control: Foreseeing, engine: FixedEngine) -> Radiator:
    """Return a radiator in a quick room that is to be heated."""
    return Radiator(
        radiator_id="r",
        setting=Setting(heating=True),
        room=QuickRoom(),
        control=control,
        engine=engine,
    )


@pytest.mark.parametrize(
    ("preset", "learns_routine", "upcoming"),
    [(None, True, None), (None, False, ()), (Preset.AWAY, True, ()), (Preset.ECO, True, None)],
)
def test_a_routine_is_learned_where_no_schedule_tells_and_nobody_is_away(
    control: Foreseeing, preset: Preset | None, learns_routine: bool, upcoming: tuple[()] | None
) -> None:
    Radiator(
        radiator_id="r",
        setting=Setting(heating=True, preset=preset),
        room=QuickRoom(),
        control=control,
        engine=FixedEngine(),
        learns_routine=learns_routine,
    ).tick(NOW_S, MONOTONIC_S)
    assert control.wanted.upcoming == upcoming


@pytest.mark.parametrize("left_s", [None, (30.0, float("inf"))])
def test_the_outlook_and_what_jobs_need_are_told_on_each_others_clock(
    radiator: Radiator,
    control: Foreseeing,
    engine: FixedEngine,
    left_s: tuple[float, ...] | None,
) -> None:
    engine.tell(jobs_left_s=left_s)
    radiator.schedule = DaySchedule(((7.0, 20.0),))
    radiator.tick(NOW_S, MONOTONIC_S)
    assert engine.budget == HeatBudget(
        power_w=200.0,
        expires_s=MONOTONIC_S + BUDGET_S,
        draining=True,
        outlook=((MONOTONIC_S + 60.0, 200.0), (MONOTONIC_S + 180.0, 0.0)),
    )
    scaled = None if left_s is None else (300.0, float("inf"))
    assert control.told.jobs_left_s == scaled


@pytest.mark.parametrize(
    ("source", "measured", "metered"),
    [
        (PowerSource.MEASURED, True, True),
        (PowerSource.RAPL, True, False),
        (PowerSource.ESTIMATED, False, False),
    ],
)
def test_the_thermostat_learns_from_what_a_meter_or_the_processor_has_measured(
    radiator: Radiator,
    control: Foreseeing,
    engine: FixedEngine,
    source: PowerSource,
    measured: bool,
    metered: bool,
) -> None:
    engine.tell(power_source=source)
    radiator.tick(NOW_S, MONOTONIC_S)
    assert (control.told.output_measured, control.told.output_metered) == (measured, metered)


@pytest.mark.parametrize(("told", "busy"), [(None, 3.0), (0.0, 0.0), (1.5, 1.5)])
def test_half_of_the_watts_are_half_of_the_slots_where_the_engine_does_not_know_better(
    radiator: Radiator, engine: FixedEngine, told: float | None, busy: float
) -> None:
    engine.tell(power_w=260.0, busy_slots=told)
    assert radiator.busy_slots(engine.status()) == busy
    engine.tell(power_w=None, busy_slots=None)
    assert radiator.busy_slots(engine.status()) is None


def test_an_engine_that_tells_no_watts_at_first_or_for_a_minute_is_taken_to_give_none(
    radiator: Radiator, control: Foreseeing, engine: FixedEngine
) -> None:
    told_w: list[float | None] = []
    for power_w in (None, 320.0, *[None] * 8, 0.5):
        engine.tell(power_w=power_w)
        radiator.tick(NOW_S, MONOTONIC_S + 10.0 * len(told_w))
        told_w.append(control.told.heat_output_w)
    assert told_w == [0.0, 320.0, *[None] * 6, 0.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("preset", "before", "after", "until_s"),
    [
        (None, ((7.0, 20.0), (22.0, 17.0)), ((5.0, 20.0), (22.0, 17.0)), 5 * 3600.0),
        (None, ((7.0, 20.0), (22.0, 17.0)), ((9.0, 20.0), (22.0, 17.0)), 7 * 3600.0),
        (None, (), ((5.0, 20.0), (22.0, 17.0)), 5 * 3600.0),
        (Preset.AWAY, ((7.0, 20.0), (22.0, 17.0)), ((5.0, 20.0), (22.0, 17.0)), None),
    ],
)
def test_what_is_held_ends_at_the_next_change_of_the_schedule_as_it_is_now_if_that_is_sooner(
    radiator: Radiator,
    preset: Preset | None,
    before: tuple[tuple[float, float], ...],
    after: tuple[tuple[float, float], ...],
    until_s: float | None,
) -> None:
    always = ((-48.0, 17.0),)
    radiator.schedule = DaySchedule(before or always)
    setting = replace(Setting(heating=True), setpoint_c=23.0, preset=preset)
    radiator.setting = radiator.by_hand(setting, NOW_S + 1800.0)
    radiator.schedule = DaySchedule(after)
    radiator.tick(NOW_S + 3600.0, MONOTONIC_S)
    held_s = radiator.setting.held_until_s
    assert held_s == (None if until_s is None else NOW_S + until_s)
    held = radiator.tick(NOW_S + (until_s or 86400.0) - 1, MONOTONIC_S).setting
    assert (held.follows, held.setpoint_c) == (False, 23.0)
    if until_s is not None:
        assert radiator.tick(NOW_S + until_s, MONOTONIC_S).setting.follows
