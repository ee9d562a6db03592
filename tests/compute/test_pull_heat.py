"""The pull engine asks for what the heat wants, and holds on to work that is begun."""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, override

import pytest

from custom_components.qheat.backend.catalogue import Offer
from custom_components.qheat.backend.work import Terms
from custom_components.qheat.compute import patience
from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.computer import ComputerPower, MeteredEngine
from custom_components.qheat.compute.engine import EngineProblem, HeatBudget, HeatKind, PowerModel
from custom_components.qheat.compute.forecast import Lengths, heat_left_s, slot_wanted_s
from custom_components.qheat.compute.messages import GiveBackReason, PullAnswer, PullRequest
from custom_components.qheat.compute.rapl import Rapl
from tests.backend.tiny import TinyCatalogue
from tests.waiting import until

from . import homes
from .day import DayCatalogue, DayMachine
from .guests import ECHO, LOOP
from .homes import (
    RADIATOR,
    client_of,
    engine_on,
    free_jobs,
    heat,
    machine_with,
    pulling,
    serving,
    settled,
)

FOUR = PowerModel(idle_w=10.0, rated_w=410.0, slots=4)


def outlook(*steps: tuple[float, float], **budget: Any) -> HeatBudget:
    """Return a budget of 110 W with what is likely wanted: (seconds from now, watts until then)."""
    now_s = time.monotonic()
    told = tuple((now_s + in_s, power_w) for in_s, power_w in steps)
    changes: dict[str, Any] = {"outlook": told, "own_heat": False}
    return replace(heat(), **changes | budget)


def wanted(slot: int, *steps: tuple[float, float]) -> float:
    budget = HeatBudget(power_w=0.0, expires_s=120.0, outlook=steps)
    return slot_wanted_s(budget, FOUR, slot, now_s=100.0)


def test_a_slot_is_wanted_until_heat_ends_and_only_for_its_share_of_the_time() -> None:
    steps = (50.0, 410.0), (200.0, 410.0), (300.0, 160.0), (400.0, 5.0), (900.0, 410.0)
    assert [wanted(slot, *steps) for slot in range(5)] == [200.0, 150.0, 100.0, 100.0, 0.0]
    assert wanted(0) == 20.0  # nobody knows for how long the budget will be renewed
    assert wanted(0, (50.0, 410.0)) == 0.0  # all of it is past


def test_when_heat_ends_is_read_from_the_outlook() -> None:
    def left_s(*steps: tuple[float, float]) -> float:
        budget = HeatBudget(power_w=0.0, expires_s=0.0, outlook=steps)
        return heat_left_s(budget, FOUR, 100.0)

    assert left_s() == float("inf")
    assert left_s((160.0, 110.0), (900.0, 0.0)) == 60.0
    assert left_s((160.0, 10.0), (900.0, 110.0)) == 0.0
    assert left_s((99.0, 410.0), (900.0, 0.0)) == 0.0
    assert left_s((160.0, 110.0), (900.0, 50.0)) == float("inf")


def test_how_long_jobs_take_is_learned_from_the_last_ones_of_their_module() -> None:
    lengths = Lengths()
    assert lengths.left_s("a", 0.0) == float("inf")
    for cpu_s in (500.0, *[100.0] * 7, 120.0):
        lengths.learn("a", cpu_s)
    assert lengths.left_s("a", 20.0) == 100.0
    assert lengths.left_s("a", 120.0) == pytest.approx(12.0)  # longer than any before, by a little
    assert lengths.left_s("a", 140.0) == float("inf")
    for number in range(100):
        lengths.learn(str(number), 1.0)
    assert lengths.left_s("a", 20.0) == float("inf")


class Recorder(JobClient):
    """A client that keeps what it asked for."""

    asked: list[PullRequest]

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        self.asked.append(request)
        return await super().pull(request, wait_s)


async def test_jobs_are_asked_for_that_fit_the_heat_still_wanted(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(module=LOOP)) as backend,
        client_of(backend.socket_path) as client,
        machine_with(LOOP, slots=2) as machine,
    ):
        recorder = Recorder(client._session, "http://localhost", homes.TOKEN)
        recorder.asked = []
        power = PowerModel(idle_w=10.0, rated_w=210.0, slots=2)
        async with engine_on(recorder, machine, power=power) as engine:
            steps = (600.0, 110.0), (1200.0, 160.0), (5000.0, 0.0), (9000.0, 210.0)
            engine.set_budget(outlook(*steps))
            await until(lambda: engine.status().lease_left_s is not None)
            engine.set_budget(outlook(*steps, power_w=160.0))
            await until(lambda: len(engine._jobs) == 2)
        first, second = recorder.asked
        assert 1190 < first.wanted_s <= 1200  # the first slot, until heat ends
        assert 290 < second.wanted_s < 301  # the second one, half of the time


@pytest.mark.parametrize(
    "ends", [{"draining": True}, {"outlook": ((1e9, 0.0),)}], ids=["draining", "ends soon"]
)
async def test_at_the_end_of_a_heating_period_no_job_is_begun(
    tmp_path: Path, ends: dict[str, Any]
) -> None:
    async with pulling(tmp_path, ECHO) as (engine, *_):
        engine.set_budget(replace(outlook((3600.0, 110.0)), **ends))
        await asyncio.sleep(1.0)
        assert engine.status().lease_left_s is None
        assert engine.status().problem is None
        engine.set_budget(outlook((3600.0, 110.0)))
        await settled(engine, 1)


async def test_where_somebody_would_freeze_jobs_are_begun_to_the_last(tmp_path: Path) -> None:
    async with pulling(tmp_path, ECHO) as (engine, *_):
        engine.set_budget(outlook((1e6, 0.0), own_heat=True))
        await settled(engine, 1)


async def test_a_begun_job_waits_for_heat_with_its_lease_renewed_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "UNWANTED_S", 0.2)
    monkeypatch.setattr(patience, "KEPT_S", 4.0)
    async with pulling(tmp_path, LOOP, jobs=1, lease_ttl_s=1.5) as (engine, backend, _):
        engine.set_budget(heat())
        await until(lambda: [job for job in engine._jobs if job.used_s > 0])
        engine.set_budget(heat(0.0))
        idle_s = time.monotonic()
        await until(lambda: engine.status().jobs_paused)
        await until(lambda: engine.status().lease_left_s is None)
        assert time.monotonic() >= idle_s + 4.0
        assert await free_jobs(backend) == 1
        assert engine.status().work_lost_s > 0


async def test_a_job_waits_while_somebody_has_the_computer_to_themselves(tmp_path: Path) -> None:
    computer = ComputerPower(Rapl(tmp_path))
    async with pulling(tmp_path, LOOP, jobs=1) as (engine, _, machine):
        member = MeteredEngine(engine, computer)
        computer.join(member)
        member.set_budget(heat())
        await until(lambda: machine.usage(RADIATOR).busy_slots)
        (job,) = engine._jobs
        with computer.kept():
            await until(lambda: engine.status().jobs_paused == 1)
        member.set_budget(heat())
        used_s = job.used_s
        await until(lambda: job.used_s > used_s + 0.2)
        assert engine.status().work_lost_s == 0


async def test_a_job_that_never_ran_is_given_back_and_nothing_is_lost_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "UNWANTED_S", 0.2)
    machine = DayMachine()
    async with (
        serving(tmp_path, DayCatalogue((1000.0, 1000.0))) as backend,
        client_of(backend.socket_path) as client,
        engine_on(client, machine, power=FOUR) as engine,
    ):
        engine.set_budget(heat(210.0))
        await until(lambda: len(machine.work) == 2)
        engine.set_budget(heat(110.0))
        machine.advance(10.0)
        engine.set_budget(heat(0.0))
        await until(lambda: len(machine.work) == 1)
        assert machine.work[0].used_s == 10.0
        await asyncio.sleep(0.5)
        status = engine.status()
        assert (status.jobs_paused, status.work_lost_s) == (1, 0.0)


class Priced(TinyCatalogue):
    """One job that pays as told."""

    def __init__(self, pay: str) -> None:
        super().__init__(jobs=1, module=LOOP)
        self._pay = Decimal(pay)

    @override
    def offer(self, number: int) -> Offer | None:
        offer = super().offer(number)
        return offer and replace(offer, pay=self._pay)


@pytest.mark.parametrize(
    ("pay", "repayment", "unpaid", "kind"),
    [
        ("0.01", "0", False, HeatKind.PAID),
        ("0", "0.25", False, HeatKind.PAID),
        ("0", "0", True, HeatKind.FILLER),
        ("0", "0", False, HeatKind.NONE),
    ],
)
async def test_heat_is_paid_if_its_job_pays_or_repays_and_filler_is_a_choice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pay: str,
    repayment: str,
    *,
    unpaid: bool,
    kind: HeatKind,
) -> None:
    terms = Terms(currency="EUR", repayment_per_kwh=Decimal(repayment))
    monkeypatch.setattr(homes, "TERMS", terms)
    async with pulling(tmp_path, Priced(pay), unpaid=unpaid) as (engine, *_):
        engine.set_budget(replace(heat(), own_heat=kind is not HeatKind.NONE))
        if kind is HeatKind.NONE:
            await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
        await until(lambda: engine.status().heat_kind is kind)


class OnePaid(DayCatalogue):
    """Its first job alone pays."""

    @override
    def offer(self, number: int) -> Offer | None:
        offer = super().offer(number)
        return offer if offer is None or number == 0 else replace(offer, pay=Decimal(0))


async def test_heat_of_paid_and_unpaid_jobs_at_once_is_not_called_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = Terms(currency="EUR", repayment_per_kwh=Decimal(0))
    monkeypatch.setattr(homes, "TERMS", terms)
    machine = DayMachine()
    async with (
        serving(tmp_path, OnePaid((1000.0, 1000.0))) as backend,
        client_of(backend.socket_path) as client,
        engine_on(client, machine, power=FOUR, unpaid=True) as engine,
    ):
        engine.set_budget(heat(110.0))
        await until(lambda: len(machine.work) == 1)
        assert engine.status().heat_kind is HeatKind.PAID
        engine.set_budget(heat(210.0))
        await until(lambda: len(machine.work) == 2)
        assert engine.status().heat_kind is HeatKind.FILLER
        engine.set_budget(heat(110.0))  # the unpaid one waits
        assert engine.status().heat_kind is HeatKind.PAID


class Deaf(JobClient):
    """A client whose backend hands out unpaid jobs, whatever it is asked."""

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        return await super().pull(replace(request, unpaid=True), wait_s)


async def test_an_unpaid_job_that_nobody_asked_for_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = Terms(currency="EUR", repayment_per_kwh=Decimal(0))
    monkeypatch.setattr(homes, "TERMS", terms)
    async with (
        serving(tmp_path, Priced("0")) as backend,
        client_of(backend.socket_path) as client,
        machine_with(LOOP) as machine,
    ):
        deaf = Deaf(client._session, "http://localhost", homes.TOKEN)
        async with engine_on(deaf, machine) as engine:
            engine.set_budget(heat(own_heat=False))
            await until(lambda: engine.status().problem is EngineProblem.NO_JOBS)
            assert engine.status().heat_kind is HeatKind.NONE
            assert engine.status().lease_left_s is None
            assert machine.usage(RADIATOR).busy_slots == 0


class Slow(Deaf):
    """A client of a backend that answers no return before the fourth has come."""

    returned = 0

    @override
    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        self.returned += 1
        await until(lambda: self.returned >= 4)


async def test_who_answers_slowly_to_jobs_that_are_given_back_does_not_keep_own_heat_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "TERMS", Terms(currency="EUR", repayment_per_kwh=Decimal(0)))
    catalogue = Priced("0")
    catalogue.jobs = 4
    async with (
        serving(tmp_path, catalogue) as backend,
        client_of(backend.socket_path) as client,
        machine_with(LOOP, slots=4) as machine,
    ):
        slow = Slow(client._session, "http://localhost", homes.TOKEN)
        async with engine_on(slow, machine, power=FOUR) as engine:
            engine.set_budget(heat(410.0))
            await until(lambda: engine.status().heat_kind is HeatKind.OWN, 30)
