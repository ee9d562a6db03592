"""Asking for leases, of backends that answer as they like."""

from random import Random
from typing import override

import aiohttp
import pytest

from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem
from custom_components.qheat.compute.messages import (
    GiveBackReason,
    PullAnswer,
    PullRequest,
    read_leases,
)
from custom_components.qheat.compute.puller import Puller

from .homes import POWER, TOKEN
from .test_client import LEASE, changed


class Full(JobClient):
    """A client of a backend that has no job, and wants to be left alone for ten minutes."""

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        return PullAnswer(leases=(), retry_after_s=600.0)


async def test_a_backend_that_wants_to_be_left_alone_is_so_though_a_job_went_wrong() -> None:
    async with aiohttp.ClientSession() as session:
        client = Full(session, "http://localhost", TOKEN)
        puller = Puller(client, "hall", POWER, Random(1), unpaid=False)
        await puller.pull(1, 60.0)
        puller.went_wrong()
        assert puller.pause_s > 590


async def test_jobs_that_go_wrong_together_make_the_pause_of_one() -> None:
    """They all do when a runner dies: with eight of them nothing ran for most of a minute."""
    async with aiohttp.ClientSession() as session:
        client = JobClient(session, "http://localhost", TOKEN)
        puller = Puller(client, "hall", POWER, Random(1), unpaid=False)
        for _ in range(8):
            puller.went_wrong()
        assert 0 < puller.pause_s <= 1


async def test_a_job_or_two_that_go_wrong_are_no_want_of_jobs_and_a_third_in_a_row_is() -> None:
    """Own heat beside jobs that run, and the word that there are none, are not for a moment."""
    async with aiohttp.ClientSession() as session:
        client = JobClient(session, "http://localhost", TOKEN)
        puller = Puller(client, "hall", POWER, Random(1), unpaid=False)
        dry = []
        for _ in range(3):
            puller.hurry()
            puller.went_wrong()
            dry.append(puller.is_dry)
        assert dry == [False, False, True]
        puller.hurry()
        assert not puller.is_dry


class Failing(JobClient):
    """A client of a backend that answers pulls with an error."""

    status: int | None
    keys: list[str]

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        self.keys.append(request.key)
        raise BackendError(EngineProblem.BACKEND_FAULTY, "no", status=self.status)


@pytest.mark.parametrize(("status", "keys"), [(422, 2), (409, 2), (503, 1), (None, 1)])
async def test_a_pull_is_sent_again_under_its_key_unless_it_is_refused_for_good(
    status: int | None, keys: int
) -> None:
    async with aiohttp.ClientSession() as session:
        client = Failing(session, "http://localhost", TOKEN)
        client.status, client.keys = status, []
        puller = Puller(client, "hall", POWER, Random(1), unpaid=False)
        for _ in range(2):
            with pytest.raises(BackendError):
                await puller.pull(1, 60.0)
        assert len(set(client.keys)) == keys


class Losing(JobClient):
    """A client that is cut off while its pull is answered, and again at the first return."""

    pulls = 0
    returned: list[str]

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        self.pulls += 1
        if self.pulls == 1:
            raise BackendError(EngineProblem.BACKEND_UNREACHABLE, "cut off")
        leases = [changed(LEASE, "lease_id", number) for number in "123"]
        return PullAnswer(leases=read_leases({"leases": leases}, 3), retry_after_s=None)

    @override
    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        if lease_id == "1":
            raise BackendError(EngineProblem.BACKEND_UNREACHABLE, "cut off")
        self.returned.append(lease_id)


async def test_a_lease_that_cannot_be_given_back_keeps_no_other_from_it() -> None:
    async with aiohttp.ClientSession() as session:
        client = Losing(session, "http://localhost", TOKEN)
        client.returned = []
        puller = Puller(client, "hall", POWER, Random(1), unpaid=False)
        with pytest.raises(BackendError):
            await puller.pull(3, 60.0)
        await puller.give_back_unanswered()
        assert sorted(client.returned) == ["2", "3"]
