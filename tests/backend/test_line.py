"""Which of the waiting jobs a radiator gets: paid ones, that fit the heat, that pay best."""

import itertools
import time
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from custom_components.qheat.backend.line import FAILED_S, PASSED_OVER_S
from custom_components.qheat.backend.replicas import ACTIVE_S
from custom_components.qheat.backend.store import Store
from custom_components.qheat.backend.submissions import Submissions
from custom_components.qheat.backend.work import (
    HOME,
    Delivery,
    GiveBackReason,
    Lease,
    NoCatalogue,
    Outcome,
    Pending,
    PullRequest,
    Settlement,
    Terms,
)

from ..publishing import manifest_of, signed
from .tiny import deliver, submission

NOW = 1_800_000_000.0
SLOT_W = 100.0
MODULES = {"echo": b"\0asm one", "other": b"\0asm two"}


class Line:
    """A backend that repays nothing of itself, and the jobs that were brought to it."""

    def __init__(
        self,
        folder: Path,
        repayment_per_kwh: str = "0",
        steady: Callable[[], float] = time.monotonic,
        homes: Collection[str] = (HOME, "other"),
    ) -> None:
        numbers = itertools.count()
        terms = Terms(currency="EUR", repayment_per_kwh=Decimal(repayment_per_kwh))
        self.store = Store(
            folder / "jobs.db",
            terms,
            NoCatalogue(),
            lambda: f"id-{next(numbers)}-of-{len(homes)}",
            homes=homes,
            steady=steady,
        )
        self._submissions = Submissions(self.store)
        self._keys = itertools.count()
        for kind, module in MODULES.items():
            name = sha256(module).hexdigest()
            self.store.blobs.upload(name, module, NOW)
            limits = {"kind": kind, "cpu_s": 86_400, "serial": 1}
            manifest = manifest_of(name, **limits)
            self.store.manifests.keep(signed(manifest), manifest)

    def bring(self, name: str, *, kind: str = "echo", **changes: Any) -> None:
        """Submit a job whose input is its name."""
        for amount in ("pay", "repayment_per_kwh"):
            if amount in changes:
                changes[amount] = Decimal(changes[amount])
        job = {"pay": Decimal("0.01"), "cpu_s": 100.0} | changes
        one = submission(name, MODULES[kind], name.encode(), kind=kind, **job)
        self._submissions.submit(one, NOW)

    def pull(self, *, now: float = NOW, home_id: str = HOME, **changes: Any) -> list[Lease]:
        """Ask for leases as somebody who has not asked before."""
        wish: dict[str, Any] = {"count": 1, "slot_w": SLOT_W, "radiator_id": "r"} | changes
        request = PullRequest(home_id=home_id, key=str(next(self._keys)), **wish)
        return self.store.pull(request, now)

    def names(self, **changes: Any) -> list[str]:
        """Pull one job after another and return their names in this order."""
        found = []
        while leases := self.pull(**changes):
            found += [self.name(lease) for lease in leases]
        return found

    def name(self, lease: Lease) -> str:
        body = self.store.blobs.get(lease.input_sha256)
        assert body is not None
        return body.decode()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(tmp_path)
    yield line
    line.store.close()


def test_the_job_that_pays_better_is_handed_out_before_the_one_that_waits_longer(
    line: Line,
) -> None:
    # As texts these would come in another order, and as floats of 32 bits two of them would be one.
    for pay in ("9", "10", "0.000000000002", "0.000000000001", "16777216", "16777217", "09.5"):
        line.bring(pay, pay=pay)
    assert line.names() == [
        "16777217", "16777216", "10", "09.5", "9", "0.000000000002", "0.000000000001",
    ]  # fmt: skip


def test_what_pays_the_same_is_handed_out_in_the_order_in_which_it_came(line: Line) -> None:
    for name, pay in (("first", "0.10"), ("second", "0.1"), ("third", "0.100")):
        line.bring(name, pay=pay)
    assert line.names() == ["first", "second", "third"]


def test_pay_counts_for_each_second_and_repaid_electricity_counts_as_pay(line: Line) -> None:
    line.bring("long", pay="0.02", cpu_s=1000.0)
    line.bring("short", pay="0.01", cpu_s=100.0)
    # A hundred watts for a thousand seconds are a thirty-sixth of a kilowatt-hour.
    line.bring("repaid", pay="0.02", cpu_s=1000.0, repayment_per_kwh="10")
    assert line.names() == ["repaid", "short", "long"]


def test_jobs_that_end_while_heat_is_wanted_come_before_better_paid_ones_that_do_not(
    line: Line,
) -> None:
    line.bring("hours", pay="9", cpu_s=7200.0)
    line.bring("minutes", pay="0.001", cpu_s=300.0)
    line.bring("more minutes", pay="0.003", cpu_s=600.0)
    assert line.name(line.pull(wanted_s=900.0)[0]) == "more minutes"
    assert line.name(line.pull(wanted_s=300.0)[0]) == "minutes"
    # Nobody shall freeze because no job is short enough.
    assert line.name(line.pull(wanted_s=10.0)[0]) == "hours"


def test_a_jobs_length_is_learned_from_those_of_its_module_that_are_done(line: Line) -> None:
    for number in range(3):
        line.bring(f"done {number}", cpu_s=3600.0)
    for lease in line.pull(count=3):
        deliver(line.store, lease.lease_id, b"", 50 * SLOT_W, NOW + 60)
    line.bring("of the known module", cpu_s=3600.0, pay="0.0001")
    line.bring("of a new one", kind="other", cpu_s=3600.0, pay="1")
    assert line.name(line.pull(wanted_s=60.0, now=NOW + 61)[0]) == "of the known module"
    line.bring("again of the known module", cpu_s=3600.0, pay="0.0001")
    assert line.name(line.pull(wanted_s=49.0, now=NOW + 61)[0]) == "of a new one"


def test_a_home_that_tells_of_no_energy_makes_no_job_endlessly_well_paid(line: Line) -> None:
    line.bring("done", pay="0.001")
    deliver(line.store, line.pull()[0].lease_id, b"", 0.0, NOW)
    line.bring("of the same module", pay="0.001")
    line.bring("better paid", kind="other", pay="0.002")
    assert line.names() == ["better paid", "of the same module"]


def test_a_job_given_back_is_the_homes_last_choice_for_a_while_and_another_homes_first(
    line: Line,
) -> None:
    line.bring("better", pay="2")
    line.bring("worse", pay="1")
    (lease,) = line.pull()
    line.store.give_back(HOME, lease.lease_id, GiveBackReason.UNWANTED, NOW)
    (own,) = line.pull()
    assert line.name(own) == "worse"
    line.store.give_back(HOME, own.lease_id, GiveBackReason.UNWANTED, NOW)
    (others,) = line.pull(home_id="other")
    assert line.name(others) == "better"
    line.store.give_back("other", others.lease_id, GiveBackReason.UNWANTED, NOW)
    assert line.names(now=NOW + PASSED_OVER_S) == ["better", "worse"]


def test_of_a_job_given_back_again_and_again_its_result_is_told(line: Line) -> None:
    line.bring("unwelcome", replicas=2)
    now = NOW
    for _ in range(120):
        (lease,) = line.pull(now=now)
        line.store.give_back(HOME, lease.lease_id, GiveBackReason.REFUSED, now)
        now += 1
    for home_id in (HOME, "other"):
        (lease,) = line.pull(now=now, home_id=home_id)
        line.store.deliver(home_id, lease.lease_id, Delivery(output=b"it", energy_j=0, fuel=7), now)
        report = Submissions(line.store).report(lease.job_id)
        assert report.agreeing == (1 if home_id == HOME else 2)
    assert report.result == Outcome(output_sha256=sha256(b"it").hexdigest(), fuel=7)
    moments = [tried.granted_at for tried in report.leases]
    assert moments == sorted(moments)
    assert len(moments) == 100


def test_a_lease_given_back_is_forgotten_after_a_day_but_not_that_its_job_failed(
    tmp_path: Path,
) -> None:
    now_s = 0.0
    line = Line(tmp_path, steady=lambda: now_s)
    line.bring("unwelcome")
    for turn, reason in enumerate((GiveBackReason.FAILED, *[GiveBackReason.REFUSED] * 72)):
        now_s = turn * 3601.0
        (lease,) = line.pull(now=NOW + now_s)
        line.store.give_back(HOME, lease.lease_id, reason, NOW + now_s)
    tried = Submissions(line.store).report(lease.job_id).leases
    assert 24 <= len(tried) <= 27
    assert tried[0].granted_at == NOW
    line.store.close()


def test_a_job_got_wrong_is_not_the_same_homes_next_one(line: Line) -> None:
    line.bring("better", pay="2")
    line.bring("worse", pay="1")
    (lease,) = line.pull()
    assert not deliver(line.store, lease.lease_id, b"x" * 101, 0.0, NOW).accepted, "too long"
    assert line.name(line.pull()[0]) == "worse"
    assert line.pull() == []


def test_a_job_is_offered_to_who_failed_it_after_an_hour_and_withdrawn_when_all_have(
    line: Line,
) -> None:
    line.bring("first")
    (lease,) = line.pull()
    line.store.give_back(HOME, lease.lease_id, GiveBackReason.FAILED, NOW)
    assert line.pull(now=NOW + FAILED_S - 1) == []
    (lease,) = line.pull(now=NOW + FAILED_S + 1)
    later = NOW + FAILED_S + 2
    line.store.give_back(HOME, lease.lease_id, GiveBackReason.FAILED, later)
    too_long = Delivery(output=b"x" * 101, energy_j=0.0)
    (lease,) = line.pull(now=later, home_id="other")
    line.store.deliver("other", lease.lease_id, too_long, later)
    later += PASSED_OVER_S
    assert line.pull(now=later, home_id="other") == line.pull(now=later) == []
    report = Submissions(line.store).report(lease.job_id)
    assert (report.state, report.reason) == ("withdrawn", "failed")


def test_the_hour_after_a_failure_begins_when_the_wrong_result_comes_however_late(
    line: Line,
) -> None:
    line.bring("first")
    (lease,) = line.pull()
    late = NOW + FAILED_S
    assert not deliver(line.store, lease.lease_id, b"x" * 101, 0.0, late).accepted
    assert line.pull(now=late + FAILED_S - 1) == []
    assert line.pull(now=late + FAILED_S) != []


def test_a_job_that_others_fail_is_not_withdrawn_while_a_result_of_it_waits(line: Line) -> None:
    line.bring("twice", replicas=2)
    now = NOW
    for _ in range(3):
        (lease,) = line.pull(now=now)
        line.store.give_back(HOME, lease.lease_id, GiveBackReason.FAILED, now)
        now += FAILED_S + 1
    right = Delivery(output=b"right", energy_j=0.0, fuel=7)
    (first,) = line.pull(now=now)
    assert isinstance(line.store.deliver(HOME, first.lease_id, right, now), Pending)
    (lease,) = line.pull(now=now, home_id="other")
    line.store.give_back("other", lease.lease_id, GiveBackReason.FAILED, now)
    assert line.store.books.settlements(HOME, "r", None, 10)[0] == []
    assert line.pull(now=now, home_id="other") == []
    now += PASSED_OVER_S
    (second,) = line.pull(now=now, home_id="other")
    settlement = line.store.deliver("other", second.lease_id, right, now)
    assert isinstance(settlement, Settlement)
    assert settlement.accepted
    (told,) = line.store.books.settlements(HOME, "r", None, 10)[0]
    assert told.accepted


def test_a_job_that_three_of_many_homes_have_failed_is_withdrawn(tmp_path: Path) -> None:
    *failing, last = homes = (HOME, "second", "third", "fourth")
    line = Line(tmp_path, homes=homes)
    line.bring("hopeless")
    for home_id in failing:
        (lease,) = line.pull(home_id=home_id)
        line.store.give_back(home_id, lease.lease_id, GiveBackReason.FAILED, NOW)
    assert not line.pull(home_id=last)
    line.store.close()


def test_a_home_that_has_moved_out_counts_for_none_that_is_there(tmp_path: Path) -> None:
    """Else who has delivered could confirm himself, and one home alone withdraw a job."""
    line = Line(tmp_path, homes=(HOME, "other", "third"))
    line.bring("compared", replicas=3, pay="2")
    line.bring("failed")
    result = Delivery(output=b"it", energy_j=0.0, fuel=7)
    compared, failed = line.pull(home_id="third", count=2)
    line.store.deliver("third", compared.lease_id, result, NOW)
    line.store.give_back("third", failed.lease_id, GiveBackReason.FAILED, NOW)
    line.store.close()
    line, now = Line(tmp_path), NOW
    compared, failed = line.pull(count=2)
    line.store.deliver(HOME, compared.lease_id, result, now)
    line.store.give_back(HOME, failed.lease_id, GiveBackReason.FAILED, now)
    assert not line.pull(count=2, now=now + PASSED_OVER_S)
    now += FAILED_S
    (failed,) = line.pull(count=2, now=now)
    assert line.name(failed) == "failed"
    line.store.give_back(HOME, failed.lease_id, GiveBackReason.FAILED, now)
    assert line.names(home_id="other", now=now) == ["compared", "failed"]
    line.store.close()


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_what_was_settled_long_ago_makes_it_little_dearer_to_hand_out_and_settle_a_job(
    tmp_path: Path, replicas: int
) -> None:
    line = Line(tmp_path, homes=(HOME,))
    line.store.database.execute("PRAGMA synchronous = OFF")  # No power is cut here.
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    def carried(number: int) -> tuple[int, int]:
        """Return how much SQLite had to do to hand out the last replica, and to settle it."""
        line.bring(str(number), replicas=replicas)
        # The leases of the last hour are gone through, so those are few here.
        now = NOW + number * ACTIVE_S / 5
        for radiator_id in ("r", "s", "r")[:replicas]:
            before = done
            (lease,) = line.pull(radiator_id=radiator_id, now=now)
            handed_out = done
            delivery = Delivery(output=b"it", energy_j=1.0, fuel=7)
            settled = line.store.deliver(HOME, lease.lease_id, delivery, now)
        assert isinstance(settled, Settlement)
        return handed_out - before, done - handed_out

    line.store.database._connection.set_progress_handler(count, 10)
    # Of the last twenty a job's length is learned.
    work = [carried(number) for number in range(300)]
    for handing_out, settling in work[-10:]:
        # Jobs are found by their module, among those that were settled, too.
        assert handing_out < len(work) / 2 + 1.1 * max(one for one, _ in work[20:30])
        assert settling < 1.5 * max(one for _, one in work[20:30])
    line.store.close()


def test_an_unpaid_job_is_handed_out_only_to_who_asks_for_such_and_after_all_that_pay(
    line: Line,
) -> None:
    line.bring("for nothing", pay="0", cpu_s=1.0)
    line.bring("electricity only", pay="0.000", repayment_per_kwh="0.1", cpu_s=5000.0)
    line.bring("paid", pay="0.000000000001", repayment_per_kwh="0", cpu_s=5000.0)
    asked: dict[str, Any] = {"count": 3, "wanted_s": 10.0}
    leases = line.pull(**asked)
    assert [line.name(lease) for lease in leases] == ["electricity only", "paid"]
    assert {line.name(lease): lease.repayment_per_kwh for lease in leases} == {
        "electricity only": Decimal("0.1"),
        "paid": Decimal(0),
    }
    for lease in leases:
        line.store.give_back(HOME, lease.lease_id, GiveBackReason.UNWANTED, NOW)
    later = NOW + PASSED_OVER_S
    assert line.names(now=later, unpaid=True) == ["electricity only", "paid", "for nothing"]


def test_where_the_backend_itself_repays_electricity_no_job_is_unpaid(tmp_path: Path) -> None:
    line = Line(tmp_path, repayment_per_kwh="0.25")
    line.bring("for electricity", pay="0")
    line.bring("for nothing at all", pay="0", repayment_per_kwh="0")
    (lease,) = line.pull(count=2)
    assert line.name(lease) == "for electricity"
    assert lease.repayment_per_kwh == Decimal("0.25")
    line.store.close()
