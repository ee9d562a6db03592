"""Asking for leases, of backends that answer as they like."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import override

import aiohttp
import pytest

from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem
from custom_components.qheat.compute.messages import (
    GiveBackReason,
    JobLease,
    PullAnswer,
    PullRequest,
    read_leases,
)
from custom_components.qheat.compute.puller import Puller
from custom_components.qheat.wire import MOST_LEASES

from .homes import POWER, TOKEN
from .test_client import LEASE, changed

CUT_OFF = BackendError(EngineProblem.BACKEND_UNREACHABLE, "cut off")
EMPTY = PullAnswer(leases=(), retry_after_s=None)


def leases(*ids: str, module: str = "a", paid: bool = True) -> tuple[JobLease, ...]:
    """Return leases for jobs of one module."""
    lease = changed(LEASE, "job.module_sha256", module * 64)
    if not paid:
        lease = changed(changed(lease, "job.pay", "0"), "job.repayment_per_kwh", "0")
    return read_leases({"leases": [changed(lease, "lease_id", one) for one in ids]}, len(ids))


def wishing(seconds_s: float, *held: JobLease) -> PullAnswer:
    """Return the answer of a backend that wants to be left alone for so long."""
    return PullAnswer(leases=held, retry_after_s=seconds_s)


class Scripted(JobClient):
    """A client of a backend that answers pulls as it is told; it keeps what it was asked."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(session, "http://localhost", TOKEN)
        self.answers: list[PullAnswer | BackendError] = []
        self.asked: list[PullRequest] = []
        self.waits_s: list[int] = []
        self.returned: dict[str, GiveBackReason] = {}
        self.lost: set[str] = set()

    @override
    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        self.asked.append(request)
        self.waits_s.append(wait_s)
        answer = self.answers.pop(0)
        if isinstance(answer, BackendError):
            raise answer
        return answer

    @override
    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        if lease_id in self.lost:
            raise CUT_OFF
        self.returned[lease_id] = reason


@dataclass
class Bench:
    """A puller whose clock stands still until it is set."""

    client: Scripted
    unpaid: bool = False
    now_s: float = 1000.0
    puller: Puller = field(init=False)

    def __post_init__(self) -> None:
        self.puller = Puller(
            self.client, "hall", POWER, Random(1), unpaid=self.unpaid, clock=lambda: self.now_s
        )

    async def pull(self, answer: PullAnswer | BackendError, count: int = 3) -> list[str]:
        """Pull once and return the ids of the leases; no error is raised."""
        self.client.answers.append(answer)
        try:
            held = await self.puller.pull(count, 60.0)
        except BackendError:
            return []
        return [lease.lease_id for lease in held]


@pytest.fixture
async def client() -> AsyncIterator[Scripted]:
    async with aiohttp.ClientSession() as session:
        yield Scripted(session)


@pytest.fixture
def bench(client: Scripted) -> Bench:
    return Bench(client)


async def test_no_more_leases_are_asked_for_than_one_answer_may_hold(bench: Bench) -> None:
    for count in (1, MOST_LEASES + 9):
        await bench.pull(PullAnswer(leases=leases("1"), retry_after_s=None), count)
    assert [request.count for request in bench.client.asked] == [1, MOST_LEASES]


async def test_jobs_go_on_being_pulled_at_once_while_there_are_some(bench: Bench) -> None:
    assert await bench.pull(PullAnswer(leases=leases("1", "2"), retry_after_s=None)) == ["1", "2"]
    assert bench.puller.pause_s <= 0
    assert not bench.puller.is_dry


async def test_only_after_an_empty_answer_a_backend_may_take_its_time(bench: Bench) -> None:
    """Whether own heat is needed has to be known at once."""
    for answer in (EMPTY, PullAnswer(leases=leases("1"), retry_after_s=None), EMPTY):
        await bench.pull(answer)
    assert bench.client.waits_s == [0, 20, 0]


async def test_an_empty_answer_makes_a_pause_and_is_a_want_of_jobs(bench: Bench) -> None:
    await bench.pull(EMPTY)
    assert bench.puller.pause_s == 10.0
    bench.now_s += 11.0
    assert bench.puller.is_dry


@pytest.mark.parametrize(("wish_s", "pause_s"), [(600.0, 600.0), (3.0, 3.0), (0.0, 1.0)])
async def test_a_backend_is_left_alone_for_as_long_as_it_wants_but_a_second_at_least(
    bench: Bench, wish_s: float, pause_s: float
) -> None:
    await bench.pull(wishing(wish_s))
    assert bench.puller.pause_s == pause_s


async def test_no_hurry_and_no_job_that_goes_wrong_disturbs_a_backend_before_its_time(
    bench: Bench,
) -> None:
    await bench.pull(wishing(600.0))
    bench.puller.hurry()
    bench.puller.went_wrong()
    assert bench.puller.pause_s == 600.0
    await bench.pull(BackendError(EngineProblem.BACKEND_FAULTY, "busy", retry_after_s=900.0))
    bench.puller.hurry()
    assert bench.puller.pause_s == 900.0


async def test_a_hurry_ends_a_pause_that_only_we_make(bench: Bench) -> None:
    await bench.pull(EMPTY)
    bench.puller.hurry()
    assert bench.puller.pause_s <= 0


async def test_a_wish_beside_leases_is_none(bench: Bench) -> None:
    """The header tells when to come for more; heat that is missing now is asked for now."""
    await bench.pull(wishing(600.0, *leases("1")))
    assert bench.puller.pause_s <= 0


async def test_errors_make_pauses_that_double_and_are_told_until_an_answer_comes(
    bench: Bench,
) -> None:
    for most_s in (1.0, 2.0, 4.0):
        await bench.pull(CUT_OFF)
        assert most_s / 2 <= bench.puller.pause_s <= most_s
        assert bench.puller.problem is EngineProblem.BACKEND_UNREACHABLE
        assert bench.puller.is_dry
    await bench.pull(PullAnswer(leases=leases("1"), retry_after_s=None))
    assert (bench.puller.problem, bench.puller.is_dry) == (None, False)


async def test_pauses_are_short_again_once_a_job_is_done(bench: Bench) -> None:
    for _ in range(4):
        await bench.pull(CUT_OFF)
    bench.puller.went_well()
    await bench.pull(CUT_OFF)
    assert bench.puller.pause_s <= 1.0


async def test_jobs_that_go_wrong_together_make_the_pause_of_one(bench: Bench) -> None:
    """They all do when a runner dies: with eight of them nothing ran for most of a minute."""
    for _ in range(8):
        bench.puller.went_wrong()
    assert 0 < bench.puller.pause_s <= 1


async def test_a_job_or_two_that_go_wrong_are_no_want_of_jobs_and_a_third_in_a_row_is(
    bench: Bench,
) -> None:
    """Own heat beside jobs that run, and the word that there are none, are not for a moment."""
    dry = []
    for _ in range(3):
        bench.puller.hurry()
        bench.puller.went_wrong()
        dry.append(bench.puller.is_dry)
    assert dry == [False, False, True]
    bench.now_s += bench.puller.pause_s
    assert not bench.puller.is_dry


async def test_a_refused_module_is_shunned_for_ten_minutes_and_its_jobs_go_back(
    bench: Bench,
) -> None:
    bench.puller.went_wrong("a" * 64)
    answer = PullAnswer(leases=leases("1") + leases("2", module="b"), retry_after_s=None)
    assert await bench.pull(answer) == ["2"]
    assert bench.client.returned == {"1": GiveBackReason.REFUSED}
    for passed_s, shunned in ((590.0, True), (10.0, False)):
        bench.now_s += passed_s
        assert bench.puller.shuns_modules is shunned
        taken = await bench.pull(PullAnswer(leases=leases("3"), retry_after_s=None))
        assert taken == ([] if shunned else ["3"])
        assert bench.puller.is_dry is shunned
        assert (bench.puller.pause_s > 0) is shunned


async def test_a_job_that_goes_wrong_by_itself_shuns_no_module(bench: Bench) -> None:
    bench.puller.went_wrong()
    assert not bench.puller.shuns_modules


@pytest.mark.parametrize(("unpaid", "taken"), [(False, ["1"]), (True, ["1", "2"])])
async def test_a_job_that_pays_nothing_goes_back_unless_it_was_asked_for(
    client: Scripted, unpaid: bool, taken: list[str]
) -> None:
    bench = Bench(client, unpaid=unpaid)
    answer = PullAnswer(leases=leases("1") + leases("2", paid=False), retry_after_s=None)
    assert await bench.pull(answer) == taken
    assert [request.unpaid for request in client.asked] == [unpaid]


@pytest.mark.parametrize(("status", "keys"), [(422, 2), (409, 2), (503, 1), (None, 1)])
async def test_a_pull_is_sent_again_under_its_key_unless_it_is_refused_for_good(
    bench: Bench, status: int | None, keys: int
) -> None:
    for _ in range(2):
        await bench.pull(BackendError(EngineProblem.BACKEND_FAULTY, "no", status=status))
    assert len({request.key for request in bench.client.asked}) == keys


async def test_an_answered_pull_is_never_sent_again(bench: Bench) -> None:
    await bench.pull(EMPTY)
    await bench.pull(EMPTY)
    assert len({request.key for request in bench.client.asked}) == 2
    await bench.puller.give_back_unanswered()
    assert len(bench.client.asked) == 2


async def test_a_lease_that_cannot_be_given_back_keeps_no_other_from_it(bench: Bench) -> None:
    await bench.pull(CUT_OFF)
    bench.client.answers.append(PullAnswer(leases=leases("1", "2", "3"), retry_after_s=None))
    bench.client.lost = {"1"}
    await bench.puller.give_back_unanswered()
    assert bench.client.returned == dict.fromkeys("23", GiveBackReason.STOPPED)
    assert bench.client.waits_s == [0, 0]
    await bench.puller.give_back_unanswered()
    assert len(bench.client.asked) == 2


async def test_what_cannot_be_asked_for_again_while_stopping_is_let_go(bench: Bench) -> None:
    await bench.pull(CUT_OFF)
    bench.client.answers.append(CUT_OFF)
    await bench.puller.give_back_unanswered()
    assert bench.client.returned == {}
