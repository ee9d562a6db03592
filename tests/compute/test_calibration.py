"""Calibration with real processes: what is fitted, and that nothing is left to burn."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.calibration import (
    OWNER,
    Calibration,
    CalibrationError,
    CalibrationFault,
    Fit,
    Level,
    fit,
    slots_to_try,
)
from custom_components.qheat.compute.computer import ComputerPower
from custom_components.qheat.compute.engine import HeatKind
from custom_components.qheat.compute.machine import Machine
from custom_components.qheat.compute.meter import PowerMeter
from custom_components.qheat.compute.rapl import Rapl
from tests.waiting import until

from .guests import machine_for
from .processes import children, runner, session_of_its_own

IDLE_W, SLOT_W = 30.0, 25.0
LEVEL_S = 9.0
"""Longer than what busy slots are a mean of, or a level would show the one before it."""


class Bench:
    """A machine on a power meter that reports twice a second."""

    def __init__(self, machine: Machine, computer: ComputerPower, meter: PowerMeter) -> None:
        self.machine = machine
        self.computer = computer
        self.meter = meter
        self.told: list[float] = []
        self.may_burn = True
        self.is_silent = False
        self.slot_w = SLOT_W
        self.total_j = 0.0

    async def count(self) -> None:
        """Report energy, not watts, to the joule."""
        while True:
            busy = self.machine.usage(OWNER).busy_slots or 0.0
            self.total_j += (IDLE_W + self.slot_w * busy) * 0.25
            self.meter.count(float(int(self.total_j)))
            await asyncio.sleep(0.25)

    async def report(self) -> None:
        while True:
            busy = self.machine.usage(OWNER).busy_slots or 0.0
            self.meter.take(None if self.is_silent else IDLE_W + self.slot_w * busy)
            await asyncio.sleep(0.25)

    def calibration(self) -> Calibration:
        return Calibration(self.machine, self.computer, may_burn=lambda: self.may_burn)


@asynccontextmanager
async def bench(folder: Path, *, counts: bool = False) -> AsyncIterator[Bench]:
    computer, meter = ComputerPower(Rapl(folder)), PowerMeter()
    short = patch("custom_components.qheat.compute.calibration.LEVEL_S", LEVEL_S)
    with session_of_its_own(), computer.metered(meter), short:
        async with machine_for() as machine:
            bench = Bench(machine, computer, meter)
            reports = asyncio.create_task(bench.count() if counts else bench.report())
            await until(lambda: meter.reading() is not None)
            try:
                yield bench
            finally:
                reports.cancel()


def burning() -> list[int]:
    return children(runner(), "worker")


async def rests(bench: Bench) -> None:
    """Wait until no worker is left, and radiators have their computer back."""
    await until(lambda: not burning())
    assert bench.computer.kept_kind is None


async def calibrated(bench: Bench) -> Fit:
    """Calibrate by two levels; again while other programs leave too little of this computer."""
    two = patch(
        "custom_components.qheat.compute.calibration.slots_to_try", lambda slots: [0, slots]
    )
    async with asyncio.timeout(240):
        while True:
            # This meter shows the mean of some seconds: the load of the last try, too.
            await until(lambda: not bench.machine.usage(OWNER).busy_slots)
            try:
                with two:
                    return await bench.calibration().run(bench.told.append)
            except CalibrationError as err:
                assert err.fault is CalibrationFault.TAKEN  # noqa: PT017 - all others are wrong


async def test_what_the_meter_shows_becomes_idle_watts_and_watts_per_slot(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        found = await calibrated(here)
        await rests(here)

    # Other programs on the computer that runs this make the load uneven.
    assert found.slot_w == pytest.approx(SLOT_W, rel=0.9)
    assert found.idle_w == pytest.approx(IDLE_W, abs=20.0)
    assert len(found.levels) == 2
    assert here.told[: len(found.levels)] == sorted(here.told[: len(found.levels)])


async def test_a_meter_that_counts_energy_will_do_if_it_moves_often(tmp_path: Path) -> None:
    with patch("custom_components.qheat.compute.counter.SHORTEST_S", 2.0):
        async with bench(tmp_path, counts=True) as here:
            found = await calibrated(here)
            await rests(here)

    assert found.slot_w == pytest.approx(SLOT_W, rel=0.9)
    assert found.idle_w == pytest.approx(IDLE_W, abs=20.0)


async def test_a_calibration_cut_off_while_slots_burn_leaves_no_load(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        task = asyncio.create_task(here.calibration().run(here.told.append))
        await until(lambda: bool(burning()))
        assert here.computer.kept_kind is HeatKind.OWN
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await rests(here)


async def test_a_meter_that_falls_silent_ends_a_calibration_and_its_load(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        task = asyncio.create_task(here.calibration().run(here.told.append))
        await until(lambda: bool(burning()))
        here.is_silent = True
        with pytest.raises(CalibrationError) as caught:
            await task
        await rests(here)

    assert caught.value.fault is CalibrationFault.NO_METER


async def test_a_room_that_gets_too_warm_ends_a_calibration_and_its_load(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        task = asyncio.create_task(here.calibration().run(here.told.append))
        await until(lambda: bool(burning()))
        here.may_burn = False
        with pytest.raises(CalibrationError) as caught:
            await task
        await rests(here)

    assert caught.value.fault is CalibrationFault.GUARDED


async def test_only_one_calibration_runs_at_a_time(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        first = asyncio.create_task(here.calibration().run(here.told.append))
        await until(lambda: bool(here.told))
        with pytest.raises(CalibrationError) as caught:
            await here.calibration().run(here.told.append)
        assert not first.done()
        first.cancel()
        await asyncio.wait([first])
        await rests(here)

    assert caught.value.fault is CalibrationFault.BUSY


async def test_nothing_burns_where_nothing_measures(tmp_path: Path) -> None:
    computer = ComputerPower(Rapl(tmp_path))
    calibration = Calibration(Machine(1), computer, may_burn=lambda: True)

    begun_s = time.monotonic()
    with pytest.raises(CalibrationError) as caught:
        await calibration.run(lambda _: None)

    assert caught.value.fault is CalibrationFault.NO_METER
    assert time.monotonic() - begun_s < 1.0


def levels(*powers_w: float) -> list[Level]:
    return [Level(busy_slots=float(n), power_w=power_w) for n, power_w in enumerate(powers_w)]


@given(
    st.floats(0.0, 1000.0),
    st.floats(1.0, 300.0),
    st.integers(1, 64),
    st.integers(0, 8),
    st.floats(-500.0, 3000.0),
)
def test_a_line_is_found_though_one_level_is_disturbed(
    idle_w: float, slot_w: float, slots: int, disturbed: int, disturbance_w: float
) -> None:
    numbers = slots_to_try(slots)
    found = [Level(busy_slots=float(n), power_w=idle_w + slot_w * n) for n in numbers]
    number = disturbed % len(found)
    spoilt = found[number]
    found[number] = Level(busy_slots=spoilt.busy_slots, power_w=spoilt.power_w + disturbance_w)

    line = fit(found, slots)

    assert line.slot_w == pytest.approx(slot_w)
    assert line.idle_w == pytest.approx(idle_w, abs=1e-6)


@pytest.mark.parametrize("powers_w", [(50.0, 50.0, 50.0), (90.0, 60.0, 30.0)])
def test_a_meter_that_shows_no_more_with_slots_busy_gives_no_line(
    powers_w: tuple[float, ...],
) -> None:
    with pytest.raises(CalibrationError) as caught:
        fit(levels(*powers_w), 4)

    assert caught.value.fault is CalibrationFault.NO_SLOPE


@given(st.integers(1, 512))
def test_the_numbers_of_slots_tried_go_from_none_to_all_and_are_few(slots: int) -> None:
    numbers = slots_to_try(slots)

    assert numbers[0] == 0
    assert numbers[-1] == slots
    assert sorted(set(numbers)) == numbers[: len(set(numbers))]
    assert 5 <= len(numbers) <= 9


def test_slots_that_other_programs_kept_from_their_load_give_no_line() -> None:
    with pytest.raises(CalibrationError) as caught:
        fit([Level(busy_slots=0.0, power_w=30.0), Level(busy_slots=0.1, power_w=90.0)], 4)

    assert caught.value.fault is CalibrationFault.TAKEN
