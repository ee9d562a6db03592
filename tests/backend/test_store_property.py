"""Whatever is asked, in whatever order, at whatever hour: every lease is settled at most once."""

import itertools
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from custom_components.qheat.backend.line import MOST_FAILURES
from custom_components.qheat.backend.store import Store
from custom_components.qheat.backend.submissions import Submissions
from custom_components.qheat.backend.work import (
    Delivery,
    GiveBackReason,
    Lease,
    LeaseLostError,
    Pending,
    PullRequest,
    Refusal,
    Settlement,
)

from .tiny import MODULE, TERMS, TinyCatalogue, submission

HOMES = ("a", "b", "c")
RADIATORS = ("r1", "r2")
JOBS = 1
OUTPUTS = st.sampled_from([b"right"] * 4 + [b"wrong", b"other", b"x" * 2000])
FUELS = st.sampled_from([7, 7, 7, 8])


class Backend(RuleBasedStateMachine):
    """The store under any sequence of requests, with restarts and a jumping clock."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.numbers = itertools.count()
        self.keys = itertools.count()
        self.now = 1_800_000_000.0
        self.owners: dict[str, str] = {}
        self.settled: dict[str, Settlement] = {}
        self.pending: set[str] = set()
        self.replicas: dict[str, int] = {}
        self.homes: tuple[str, ...] = ("a",)
        self.store: Store

    def opened(self) -> Store:
        path = Path(self.folder.name) / "jobs.db"
        catalogue = TinyCatalogue(JOBS)
        store = Store(path, TERMS, catalogue, self.new_id, homes=self.homes)
        store.database.execute("PRAGMA synchronous = OFF")  # No power is cut here.
        return store

    def new_id(self) -> str:
        return f"id-{next(self.numbers)}"

    @initialize(
        homes=st.integers(1, 3), replicas=st.lists(st.integers(1, 3), min_size=1, max_size=2)
    )
    def open(self, homes: int, replicas: list[int]) -> None:
        self.homes = HOMES[:homes]
        self.store = self.opened()
        for number, count in enumerate(replicas):
            one = submission(f"job-{number}", MODULE, b"input", replicas=count)
            reports = [Submissions(self.store).submit(one, self.now) for _ in range(2)]
            assert [new for _, new in reports] == [True, False]
            assert reports[0][0] == reports[1][0]
            self.replicas[reports[0][0].job_id] = count

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        self.folder.cleanup()

    @rule(
        target=leases,
        home=st.sampled_from(HOMES),
        radiator_id=st.sampled_from(RADIATORS),
        count=st.integers(1, 3),
        answers=st.integers(1, 2),
    )
    def pull(self, home: str, radiator_id: str, count: int, answers: int) -> object:
        return multiple(*self.pulled(self.home(home), radiator_id, count, answers))

    def pulled(self, home_id: str, radiator_id: str, count: int, answers: int) -> list[Lease]:
        request = PullRequest(
            home_id=home_id,
            radiator_id=radiator_id,
            key=f"key-{next(self.keys)}",
            count=count,
            slot_w=50.0,
        )
        before = {job: self.parts(job) for job in self.replicas}
        # The first answers are lost on their way.
        pulled = [self.store.pull(request, self.now) for _ in range(answers)]
        assert all(answer == pulled[0] for answer in pulled)
        for lease in pulled[0]:
            self.owners[lease.lease_id] = request.home_id
            assert not self.is_closed(lease.job_id)
            self.check_share(lease.job_id, request.home_id, before.get(lease.job_id, set()))
        return pulled[0]

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        owner, live = self.owners[lease.lease_id], self.is_live(lease)
        before = self.parts(lease.job_id)
        ttl_s = self.store.renew(owner, lease.lease_id, self.now)
        assert ttl_s is None or not self.is_closed(lease.job_id)
        if ttl_s is not None and not live:
            self.check_share(lease.job_id, owner, before)

    @rule(lease=leases, reason=st.sampled_from(GiveBackReason))
    def give_back(self, lease: Lease, reason: GiveBackReason) -> None:
        self.store.give_back(self.owners[lease.lease_id], lease.lease_id, reason, self.now)

    @rule(
        target=leases,
        home=st.sampled_from(HOMES),
        radiator_id=st.sampled_from(RADIATORS),
        output=OUTPUTS,
        fuel=FUELS,
    )
    def work(self, home: str, radiator_id: str, output: bytes, fuel: int) -> object:
        """Pull all there is and deliver it at once, as most radiators do."""
        leases = self.pulled(self.home(home), radiator_id, 3, 1)
        for lease in leases:
            self.deliver_one(lease, output, fuel, 1.0, 1)
        return multiple(*leases)

    @rule(
        lease=leases,
        output=OUTPUTS,
        fuel=FUELS,
        energy_j=st.floats(0, 1e12),
        attempts=st.integers(1, 2),
    )
    def deliver(
        self, lease: Lease, output: bytes, fuel: int, energy_j: float, attempts: int
    ) -> None:
        self.deliver_one(lease, output, fuel, energy_j, attempts)

    def deliver_one(
        self, lease: Lease, output: bytes, fuel: int, energy_j: float, attempts: int
    ) -> None:
        right = self.store.blobs.get(lease.input_sha256)
        if lease.job_id not in self.replicas and output == b"right" and right is not None:
            output = right
        delivery = Delivery(output=output, energy_j=energy_j, fuel=fuel)
        for _ in range(attempts):
            before = self.settled.get(lease.lease_id)
            owner, live = self.owners[lease.lease_id], self.is_live(lease)
            parts = self.parts(lease.job_id)
            known = before is not None or lease.lease_id in self.pending
            try:
                answer = self.store.deliver(owner, lease.lease_id, delivery, self.now)
            except LeaseLostError:
                assert before is None
                assert lease.lease_id not in self.pending
                return
            if not live and not known:
                self.check_share(lease.job_id, owner, parts)
            if isinstance(answer, Pending):
                assert self.replicas[lease.job_id] > 1
                assert before is None
                self.pending.add(lease.lease_id)
            else:
                assert before in {None, answer}
                assert before is not None or 0 <= answer.energy_j <= energy_j
            self.hear()

    @rule(seconds=st.sampled_from([-1e5, -30.0, 1.0, 59.0, 61.0, 1e5]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def check_that_the_books_agree(self) -> None:
        if not hasattr(self, "store"):
            return
        self.hear()
        for home_id in self.homes:
            paid = sum(
                (
                    one.earned + one.repaid
                    for one in self.settled.values()
                    if self.owners[one.lease_id] == home_id
                ),
                Decimal(0),
            )
            assert self.store.books.balance(home_id) == paid
        for job_id in {one.job_id for one in self.settled.values()}:
            accepted = [
                one for one in self.settled.values() if one.job_id == job_id and one.accepted
            ]
            assert len(accepted) in {0, self.replicas.get(job_id, 1)}
            assert len({(one.output_sha256, one.fuel) for one in accepted}) <= 1
            outvoted = [
                one
                for one in self.settled.values()
                if one.job_id == job_id and one.reason is Refusal.OUTVOTED
            ]
            assert len(outvoted) < self.replicas.get(job_id, 1)

    @invariant()
    def check_that_nothing_waits_for_ever(self) -> None:
        if not hasattr(self, "store"):
            return
        for job_id in self.replicas:
            waiting = {
                row["lease_id"]
                for row in self.store.database.execute(
                    "SELECT lease_id FROM leases WHERE job_id = ? AND state = 'delivered'", job_id
                )
            }
            assert waiting <= self.pending - set(self.settled)
            held = self.store.database.execute(
                "SELECT 1 FROM leases WHERE job_id = ? AND state = 'held'", job_id
            ).fetchone()
            assert not ((waiting or held) and self.is_closed(job_id))

    def hear(self) -> None:
        """Read all settlements; what was told before is told the same again."""
        for home_id in self.homes:
            for radiator_id in RADIATORS:
                for one in self.store.books.settlements(home_id, radiator_id, None, 100)[0]:
                    assert self.settled.setdefault(one.lease_id, one) == one
                    assert self.owners[one.lease_id] == home_id

    def check_share(self, job_id: str, home_id: str, taken: set[str]) -> None:
        """See that a home has two parts in a replicated job only where all homes have one."""
        if self.replicas.get(job_id, 1) > 1:
            assert home_id not in taken or taken >= set(self.homes)

    def is_live(self, lease: Lease) -> bool:
        row = self.store.database.execute(
            "SELECT 1 FROM leases WHERE lease_id = ? AND state = 'held'"
            " AND ends_at > ? AND ends_at <= ?",
            lease.lease_id,
            self.now,
            self.now + 120,
        ).fetchone()
        return row is not None

    def home(self, home: str) -> str:
        return home if home in self.homes else self.homes[0]

    def parts(self, job_id: str) -> set[str]:
        return {
            row["home_id"]
            for row in self.store.database.execute(
                "SELECT home_id FROM leases WHERE job_id = ? AND (state IN ('delivered', 'settled')"
                " OR (state = 'held' AND ends_at > ? AND ends_at <= ?))",
                job_id,
                self.now,
                self.now + 120,
            )
        }

    def is_closed(self, job_id: str) -> bool:
        (state, reason) = self.store.database.execute(
            "SELECT state, reason FROM jobs WHERE job_id = ?", job_id
        ).fetchone()
        if reason == Refusal.FAILED:
            failed = self.store.database.execute(
                "SELECT home_id FROM leases WHERE job_id = ? AND failed", job_id
            ).fetchall()
            assert len(failed) >= MOST_FAILURES
            assert {row["home_id"] for row in failed} == set(self.homes)
            assert not [one for one in self.settled.values() if one.reason is Refusal.FAILED]
        return state in {"settled", "withdrawn"}


TestBackend = Backend.TestCase
TestBackend.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
