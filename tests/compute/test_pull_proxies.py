"""The pull engine behind a proxy that has a word of its own, or limits what it lets through."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import override

import aiohttp

from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem
from custom_components.qheat.compute.messages import GiveBackReason, PullAnswer, PullRequest
from tests.backend.tiny import TinyCatalogue
from tests.waiting import until

from .guests import ECHO, LOOP
from .homes import (
    POWER,
    TOKEN,
    client_of,
    engine_on,
    free_jobs,
    heat,
    machine_with,
    serving,
    settled,
)
from .hostile import http, losing_answers_to


def no_route(_answer: bytes) -> bytes:
    """Return what a proxy says while the container behind it is made anew."""
    return http(b"404 page not found\n", "404 Not Found")


async def test_a_result_is_kept_while_a_proxy_has_lost_its_backend(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=ECHO)) as backend,
        losing_answers_to(
            tmp_path, backend.socket_path, b"PUT ", 3, no_route, and_requests=True
        ) as path,
        client_of(path) as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        page = await settled(engine, 1)
        assert page.settlements[0].accepted
        assert engine.status().work_lost_s == 0
        (leases,) = await backend.ask(
            lambda store: store.database.execute("SELECT count(*) FROM leases").fetchone()
        )
        assert leases == 1


def too_large(_answer: bytes) -> bytes:
    """Return what a proxy says of a result that is larger than it lets through."""
    return http(b"<html>", "413 Request Entity Too Large")


async def test_a_job_whose_result_no_proxy_lets_through_is_not_done_again_and_again(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=ECHO), lease_ttl_s=0.5) as backend,
        losing_answers_to(
            tmp_path, backend.socket_path, b"PUT ", 1000, too_large, and_requests=True
        ) as path,
        client_of(path) as client,
        machine_with(ECHO) as machine,
        engine_on(client, machine) as engine,
    ):
        engine.set_budget(heat())
        states = "SELECT state, failed FROM leases WHERE state != 'held'"
        async with asyncio.timeout(60):
            while not (
                ended := await backend.ask(lambda store: store.database.execute(states).fetchall())
            ):
                await asyncio.sleep(0.1)
        assert [tuple(lease) for lease in ended] == [("returned", 1)]


class Limited(JobClient):
    """A client behind a limit that one pull passes, and slow to give leases back."""

    pulls = 0

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        self.pulls += 1
        if self.pulls > 1:
            raise BackendError(EngineProblem.BACKEND_FAULTY, "status 429", status=429)
        return await super().pull(request, wait_s)

    @override
    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        await asyncio.sleep(0.2)
        await super().give_back(lease_id, reason)


async def test_stopped_while_no_pull_is_answered_an_engine_still_gives_its_leases_back(
    tmp_path: Path,
) -> None:
    async with (
        serving(tmp_path, TinyCatalogue(jobs=1, module=LOOP)) as backend,
        aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(backend.socket_path))
        ) as session,
        machine_with(LOOP, slots=2) as machine,
    ):
        client = Limited(session, "http://localhost", TOKEN)
        async with engine_on(client, machine, power=replace(POWER, slots=2)) as engine:
            engine.set_budget(heat())
            await until(lambda: engine.status().jobs_running and client.pulls > 1)
        assert await free_jobs(backend) == 1
