"""Whatever is asked, in whatever order, at whatever hour: every job is settled at most once."""

import itertools
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from custom_components.qheat.backend.store import MOST_FAILURES, Store
from custom_components.qheat.backend.work import (
    Booking,
    GiveBackReason,
    Lease,
    LeaseLostError,
    PullRequest,
)

from .tiny import TERMS, TinyCatalogue

RADIATORS = ("r1", "r2")
JOBS = 5


class Backend(RuleBasedStateMachine):
    """The store under any sequence of requests, with restarts and a jumping clock."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.numbers = itertools.count()
        self.keys = itertools.count()
        self.now = 1_800_000_000.0
        self.settled: dict[str, Booking] = {}
        self.failures: dict[str, int] = {}
        self.store = self.opened()

    def opened(self) -> Store:
        path = Path(self.folder.name) / "jobs.db"
        return Store(path, TERMS, TinyCatalogue(JOBS), lambda: f"id-{next(self.numbers)}")

    def teardown(self) -> None:
        self.now += 1e6
        self.check_that_nothing_is_lost()
        self.store.close()
        self.folder.cleanup()

    @rule(
        target=leases,
        radiator_id=st.sampled_from(RADIATORS),
        count=st.integers(1, 3),
        answers=st.integers(1, 3),
    )
    def pull(self, radiator_id: str, count: int, answers: int) -> object:
        request = PullRequest(
            radiator_id=radiator_id, key=f"key-{next(self.keys)}", count=count, slot_w=50.0
        )
        # The first answers are lost on their way.
        pulled = [self.store.pull(request, self.now) for _ in range(answers)]
        assert all(answer == pulled[0] for answer in pulled)
        assert all(lease.job_id not in self.settled for lease in pulled[0])
        return multiple(*pulled[0])

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        ttl_s = self.store.renew(lease.lease_id, self.now)
        assert ttl_s is None or lease.job_id not in self.settled

    @rule(lease=leases, reason=st.sampled_from(GiveBackReason))
    def give_back(self, lease: Lease, reason: GiveBackReason) -> None:
        self.store.give_back(lease.lease_id, reason, self.now)
        if reason is GiveBackReason.FAILED:
            self.failures[lease.job_id] = self.failures.get(lease.job_id, 0) + 1

    @rule(
        lease=leases,
        right=st.booleans(),
        energy_j=st.floats(0, 1e12),
        attempts=st.integers(1, 3),
    )
    def deliver(self, lease: Lease, right: bool, energy_j: float, attempts: int) -> None:
        output = self.store.input_data(lease.input_sha256) if right else b"wrong"
        assert output is not None
        for _ in range(attempts):
            before = self.settled.get(lease.job_id)
            try:
                booking = self.store.deliver(lease.lease_id, output, energy_j, self.now)
            except LeaseLostError:
                assert before is not None
                assert before.lease_id != lease.lease_id
            else:
                assert before in {None, booking}
                assert before is not None or 0 <= booking.energy_j <= energy_j
                self.settled[lease.job_id] = booking

    @rule(seconds=st.sampled_from([-1e5, -30.0, 1.0, 59.0, 61.0, 1e5]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def check_that_the_books_agree(self) -> None:
        booked = [
            booking
            for radiator_id in RADIATORS
            for booking in self.store.books.settlements(radiator_id, None, 100)[0]
        ]
        assert sorted(booked, key=lambda one: one.job_id) == sorted(
            self.settled.values(), key=lambda one: one.job_id
        )
        paid = sum((one.earned + one.repaid for one in booked), Decimal(0))
        assert self.store.books.balance() == paid

    def check_that_nothing_is_lost(self) -> None:
        request = PullRequest(radiator_id="r1", key="all", count=64, slot_w=50.0)
        left = {lease.job_id for lease in self.store.pull(request, self.now)}
        withdrawn = JOBS - len(left) - len(self.settled)
        assert not left & set(self.settled)
        assert (
            0 <= withdrawn <= sum(failures >= MOST_FAILURES for failures in self.failures.values())
        )


TestBackend = Backend.TestCase
TestBackend.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
