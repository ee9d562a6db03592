"""The engine at its edges: silence, an end by a fault, refusals, and how it tries again."""

import asyncio
from typing import Any

import pytest

from custom_components.qheat.compute.boinc import (
    BoincEngine,
    BoincError,
    BoincFault,
    control,
    engine,
    project_url,
)
from custom_components.qheat.compute.boinc.session import Session
from custom_components.qheat.compute.engine import EngineError, EngineProblem
from tests.waiting import until

from .engines import Radiator, heat
from .simulated import URL, SimulatedClient

KEY = "0123456789abcdef"


class Unhurried:
    """The module asyncio, but for sleeps: they are noted and last no time."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept_s.append(seconds)
        await asyncio.sleep(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


@pytest.fixture
def client(simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch) -> SimulatedClient:
    monkeypatch.setattr(engine, "SPREAD_S", 0.0)
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 0.2)
    return simulated


@pytest.fixture
async def made(client: SimulatedClient, radiator: Radiator) -> BoincEngine:
    """Return an engine that has looked at its client."""
    return await radiator.seen()


async def test_credit_counts_from_the_first_look_also_if_it_is_asked_for_later(
    client: SimulatedClient, made: BoincEngine
) -> None:
    client.credit = 108.0
    await made.update(URL)
    await until(lambda: (details := made.details()) and details.credit == 108)
    (settlement,) = (await made.settlements(None)).settlements
    assert settlement.earned == 4


async def test_what_was_seen_long_ago_is_unknown_and_not_told_as_if_it_were_now(
    client: SimulatedClient, radiator: Radiator
) -> None:
    now_s = 1000.0
    made = radiator.engine(clock=lambda: now_s)
    await made.start()
    await until(made.details)
    now_s = 1030.3
    assert made.status().power_w == 20
    now_s = 1030.5
    status = made.status()
    assert (status.power_w, status.reachable) == (None, False)
    assert status.problem is EngineProblem.BACKEND_UNREACHABLE
    assert made.details() is None
    with pytest.raises(EngineError):
        await made.settlements(None)
    await until(made.details)
    assert made.status().problem is None


async def test_an_error_that_nobody_foresaw_is_told_once_and_got_over(
    client: SimulatedClient,
    made: BoincEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: object) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(engine, "LAST_RETRY_S", 0.1)
    step = Session.step
    monkeypatch.setattr(Session, "step", fail)
    heat(made)
    await until(lambda: made.status().problem is EngineProblem.ENGINE_FAILED)
    assert made.status().power_w is None
    await until(lambda: client.calls.count("exchange_versions") >= 4)
    assert caplog.text.count("met an error of its own") == 1
    monkeypatch.setattr(Session, "step", step)
    await until(lambda: made.status().jobs_running == 4)


async def test_a_client_that_computes_nothing_for_a_reason_of_its_own_counts_as_busy(
    client: SimulatedClient, made: BoincEngine
) -> None:
    heat(made)
    await until(lambda: made.status().jobs_running == 4)
    client.instead = {"<task_suspend_reason>0": "<task_suspend_reason>1"}
    await until(lambda: made.status().problem is EngineProblem.MACHINE_BUSY)
    assert made.status().jobs_running == 0
    client.instead = {}
    await until(lambda: made.status().jobs_running == 4)
    assert made.status().problem is None


@pytest.mark.parametrize(
    ("number", "told"),
    [(-136, "The project refuses: BOINC error -136"), (-130, "attached to this project already")],
)
async def test_why_a_project_is_not_attached_is_told(
    made: BoincEngine, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def refuse(_client: SimulatedClient, _request: str) -> str:
        return f"<project_attach_reply><error_num>{number}</error_num></project_attach_reply>"

    monkeypatch.setattr(SimulatedClient, "_project_attach_poll", refuse, raising=False)
    with pytest.raises(BoincError, match=told) as caught:
        await made.attach(URL, KEY)
    assert caught.value.fault is BoincFault.COMMAND_REFUSED
    assert KEY not in str(caught.value)


async def test_a_project_that_the_client_drops_again_has_not_taken_the_machine_in(
    client: SimulatedClient, made: BoincEngine
) -> None:
    with pytest.raises(BoincError, match="the account key, or wants a newer client") as caught:
        await made.attach("https://other.example/", KEY)
    assert caught.value.fault is BoincFault.COMMAND_REFUSED
    assert "project_attach" in client.calls
    await made.attach(URL, KEY)


@pytest.mark.parametrize(
    ("typed", "attached"),
    [
        (" HTTPS://Science.Example", URL),
        ("https://science.example//?a=1", URL),
        ("https://science.example//a//B", "https://science.example/a/B/"),
    ],
)
def test_a_projects_url_is_written_as_the_client_itself_writes_it(
    typed: str, attached: str
) -> None:
    """Or an attached project is not found again, and counts as one that refuses the key."""
    assert project_url(typed) == attached


async def test_pauses_double_until_a_client_has_been_looked_at(
    client: SimulatedClient, radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried = Unhurried()
    monkeypatch.setattr(engine, "asyncio", unhurried)
    await client.stop()
    made = radiator.engine()
    await made.start()
    await until(lambda: len(unhurried.slept_s) >= 7)
    assert unhurried.slept_s[:7] == [2, 4, 8, 16, 32, 60, 60]
    await client.start()
    await until(made.details)
    unhurried.slept_s.clear()
    await client.stop()
    await until(lambda: len(unhurried.slept_s) >= 2)
    assert unhurried.slept_s[:2] == [2, 4]
    await client.start()


async def test_a_client_that_answers_only_to_refuse_is_asked_ever_more_seldom(
    client: SimulatedClient, radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried = Unhurried()
    monkeypatch.setattr(engine, "asyncio", unhurried)
    made = radiator.engine(password="wrong")
    await made.start()
    await until(lambda: len(unhurried.slept_s) >= 4)
    assert unhurried.slept_s[:4] == [2, 4, 8, 16]
    assert made.status().problem is EngineProblem.BACKEND_REFUSED


async def test_a_hand_and_a_clock_are_told_apart_by_the_only_connection_that_is_let_in(
    client: SimulatedClient, made: BoincEngine
) -> None:
    client.alone = True
    heat(made)
    await until(lambda: made.status().jobs_running == 4)
    client.ahead_s, client.temporary_until_s = 3600.0, 0.0
    await until(lambda: client.running == 4)
    assert made.status().problem is None
    client.temporary_until_s = 0.0
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    assert client.running == 0


async def test_who_suspends_a_client_that_lets_nobody_in_any_more_is_not_fought(
    client: SimulatedClient, made: BoincEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FIRST_RETRY_S", 0.05)
    heat(made)
    await until(lambda: made.status().jobs_running == 4)
    assert client._server is not None
    client._server.close()
    client.temporary_until_s = 0.0
    await until(lambda: made.status().problem is EngineProblem.BACKEND_UNREACHABLE)
    await client.start()
    await until(made.details)
    assert made.status().problem is EngineProblem.CHANGED_BY_HAND
    assert client.running == 0


@pytest.mark.parametrize("cores", [2, 8])
async def test_a_machine_that_is_given_other_cores_while_it_heats_is_planned_for_with_these(
    client: SimulatedClient, made: BoincEngine, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    """Its user has changed `ncpus` and had the client read its configuration again."""
    monkeypatch.setattr(engine, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(control, "PREFERENCES_S", 0.5)
    heat(made, 40.0)
    await until(lambda: made.status().jobs_running == 2)
    client.cores = cores
    await until(lambda: made.cores == cores)
    await until(lambda: client.running == made.status().jobs_running == cores / 2)
    assert made.status().power_w == 40.0
