"""What this computer draws, and how its radiators share that."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import override

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.computer import ComputerPower, InUseError, MeteredEngine
from custom_components.qheat.compute.engine import (
    Engine,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerSource,
    SettlementPage,
)
from custom_components.qheat.compute.meter import FRESH_S, MOST_W, PowerMeter
from custom_components.qheat.compute.rapl import Rapl
from tests.waiting import until

BUDGET = HeatBudget(power_w=300.0, expires_s=1e9, own_heat=True)


class Estimating(Engine):
    """An engine that estimates what it is told to."""

    def __init__(self, power_w: float | None) -> None:
        self.budget: HeatBudget | None = None
        self.now = EngineStatus(
            power_w=power_w,
            power_source=PowerSource.ESTIMATED,
            heat_kind=HeatKind.PAID,
            jobs_running=1,
            jobs_paused=0,
            jobs_queued=0,
            work_lost_s=0.0,
            lease_left_s=None,
            problem=None,
        )

    @override
    async def start(self) -> None: ...

    @override
    async def stop(self) -> None: ...

    @override
    def set_budget(self, budget: HeatBudget) -> None:
        self.budget = budget

    @override
    def status(self) -> EngineStatus:
        return self.now

    @override
    async def settlements(self, after: str | None) -> SettlementPage:
        return SettlementPage(settlements=(), cursor=after)


@pytest.fixture
def computer(tmp_path: Path) -> ComputerPower:
    return ComputerPower(Rapl(tmp_path))


async def joined(computer: ComputerPower, *powers_w: float | None) -> list[MeteredEngine]:
    members = [MeteredEngine(Estimating(power_w), computer) for power_w in powers_w]
    for member in members:
        await member.start()
    return members


@pytest.mark.parametrize(
    "power_w", [None, -1.0, float("nan"), float("inf"), -float("inf"), MOST_W * 1.001]
)
def test_a_meter_shows_nothing_after_a_reading_that_cannot_be(power_w: float | None) -> None:
    meter = PowerMeter()
    meter.take(50.0)
    meter.take(power_w)
    assert meter.reading() is None


def test_a_meter_that_falls_silent_shows_nothing() -> None:
    now_s = 100.0
    meter = PowerMeter(clock=lambda: now_s)
    meter.take(50.0)
    now_s += FRESH_S
    reading = meter.reading()
    assert reading is not None
    assert reading.power_w == 50.0
    now_s += 0.1
    assert meter.reading() is None


async def test_watts_are_estimated_while_nothing_measures_them(computer: ComputerPower) -> None:
    (member,) = await joined(computer, 120.0)
    status = member.status()
    assert (status.power_w, status.power_source) == (120.0, PowerSource.ESTIMATED)


async def test_a_meter_wins_over_the_estimate_and_an_older_one_over_a_newer(
    computer: ComputerPower,
) -> None:
    (member,) = await joined(computer, None)
    with ExitStack() as stack:
        meters = [PowerMeter(), PowerMeter()]
        for meter in meters:
            stack.enter_context(computer.metered(meter))
        meters[1].take(70.0)
        assert member.status().power_w == 70.0
        meters[0].take(80.0)
        status = member.status()
        assert (status.power_w, status.power_source) == (80.0, PowerSource.MEASURED)
    assert member.status().power_w is None


@given(
    estimates_w=st.lists(st.floats(0.5, 1e4), min_size=1, max_size=5),
    measured_w=st.floats(0, MOST_W),
)
async def test_the_shares_of_radiators_add_up_to_what_is_measured(
    estimates_w: list[float], measured_w: float
) -> None:
    computer = ComputerPower(Rapl(Path("/nowhere")))
    members = await joined(computer, *estimates_w)
    meter = PowerMeter()
    with computer.metered(meter):
        meter.take(measured_w)
        shares_w = [member.status().power_w or 0.0 for member in members]
    assert sum(shares_w) == pytest.approx(measured_w)
    for estimate_w, share_w in zip(estimates_w, shares_w, strict=True):
        assert share_w == pytest.approx(measured_w * estimate_w / sum(estimates_w))


@pytest.mark.parametrize("other_w", [None, 0.0])
async def test_what_cannot_be_shared_is_estimated(
    computer: ComputerPower, other_w: float | None
) -> None:
    one, other = await joined(computer, 0.0, other_w)
    meter = PowerMeter()
    with computer.metered(meter):
        meter.take(500.0)
        assert one.status().power_source is PowerSource.ESTIMATED
        await other.stop()
        assert one.status().power_w == 500.0
        await other.stop()


async def test_rapl_is_read_when_it_says_though_no_thread_was_free_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late_s: list[float] = []

    class Watched(Rapl):
        @override
        def power_w(self, now_s: float) -> float | None:
            late_s.append(time.monotonic() - now_s)
            return None

    async def wait_for_a_thread[**P, T](
        work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        await asyncio.sleep(0.5)
        return work(*args, **kwargs)

    monkeypatch.setattr(asyncio, "to_thread", wait_for_a_thread)
    watch = asyncio.create_task(ComputerPower(Watched()).watch_rapl())
    await until(lambda: late_s)
    watch.cancel()
    assert late_s[0] < 0.4


async def test_who_keeps_the_computer_has_it_alone_until_it_is_given_back(
    computer: ComputerPower,
) -> None:
    engine = Estimating(120.0)
    member = MeteredEngine(engine, computer)
    await member.start()
    member.set_budget(BUDGET)
    with computer.kept():
        assert engine.budget is not None
        assert engine.budget.power_w == 0.0
        member.set_budget(BUDGET)
        assert engine.budget == replace(BUDGET, power_w=0.0, own_heat=False)
        assert member.status().heat_kind is HeatKind.NONE
        assert member.status().problem is EngineProblem.MACHINE_BUSY
        engine.now = replace(engine.now, problem=EngineProblem.BACKEND_UNREACHABLE)
        assert member.status().problem is EngineProblem.BACKEND_UNREACHABLE
        engine.now = replace(engine.now, problem=None)
        with pytest.raises(InUseError), computer.kept():
            pass
        assert computer.kept_kind is HeatKind.NONE
    assert member.status().heat_kind is HeatKind.PAID
    assert member.status().problem is None
    member.set_budget(BUDGET)
    assert engine.budget == BUDGET


@given(steps=st.lists(st.tuples(st.floats(1, 1e4), st.floats(0, 500), st.floats(0, 500))))
async def test_what_an_energy_meter_counts_is_dealt_out_whole(
    steps: list[tuple[float, float, float]],
) -> None:
    computer, total_j = ComputerPower(Rapl(Path("/nowhere"))), 0.0
    engines = [Estimating(0.0), Estimating(0.0)]
    members = [MeteredEngine(engine, computer) for engine in engines]
    for member in members:
        await member.start()
    meter = PowerMeter()
    with computer.metered(meter):
        assert [member.status().counted_j for member in members] == [None, None]
        for moved_j in (0.0, 1.0):
            meter.count(moved_j)
        assert [member.status().counted_j for member in members] == [0, 0]
        for step_j, *powers_w in steps:
            for engine, power_w in zip(engines, powers_w, strict=True):
                engine.now = replace(engine.now, power_w=power_w)
            before_j = [member.status().counted_j or 0.0 for member in members]
            total_j += step_j
            meter.count(1.0 + total_j)
            after_j = [member.status().counted_j or 0.0 for member in members]
            for power_w, before, after in zip(powers_w, before_j, after_j, strict=True):
                share = power_w / sum(powers_w) if sum(powers_w) else 0.5
                assert after - before == pytest.approx(step_j * share, abs=1e-6)
        dealt_j = sum(member.status().counted_j or 0.0 for member in members)
        assert dealt_j == pytest.approx(total_j)


@pytest.mark.parametrize(
    ("powers_w", "shares_j"),
    [((100.0, None), [12.0, 0.0]), ((None, None), [6.0, 6.0]), ((0.0, 0.0), [6.0, 6.0])],
)
async def test_energy_is_dealt_to_radiators_whose_watts_are_known_else_to_all_alike(
    computer: ComputerPower, powers_w: tuple[float | None, ...], shares_j: list[float]
) -> None:
    members, meter = await joined(computer, *powers_w), PowerMeter()
    with computer.metered(meter):
        for total_j in (0.0, 1.0, 13.0):
            meter.count(total_j)
            computer.deal()
    assert [member.counted_j for member in members] == shares_j


async def test_what_another_meter_had_counted_before_it_took_over_is_nobodys(
    computer: ComputerPower,
) -> None:
    (member,), first, second = await joined(computer, 100.0), PowerMeter(), PowerMeter()
    with computer.metered(first), computer.metered(second):
        for first_j, second_j in ((0.0, 0.0), (1.0, 1.0), (11.0, 5000.0)):
            first.count(first_j)
            second.count(second_j)
            computer.deal()
        first.count(None)
        assert member.status().counted_j == 10.0
        second.count(5005.0)
        assert member.status().counted_j == 15.0


async def test_a_meter_of_watts_is_believed_before_one_that_counts(computer: ComputerPower) -> None:
    (member,) = await joined(computer, 100.0)
    watts, counts = PowerMeter(), PowerMeter()
    with computer.metered(watts), computer.metered(counts):
        for total_j in (0.0, 10.0, 20.0):
            counts.count(total_j)
        assert member.status().counted_j == 0
        watts.take(50.0)
        counts.count(30.0)
        assert member.status().counted_j is None
        watts.take(None)
        counts.count(40.0)
        assert member.status().counted_j == 0
        counts.count(45.0)
        assert member.status().counted_j == 5
