"""The store: leases begin and end, and every job is settled at most once."""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from custom_components.qheat.backend import blobs, books
from custom_components.qheat.backend import store as store_module
from custom_components.qheat.backend.blobs import EVEN_S, KEPT_S, SWEEP_S, Blobs
from custom_components.qheat.backend.line import MOST_FAILURES, PASSED_OVER_S
from custom_components.qheat.backend.store import (
    HELD_PER_CPU,
    HELD_PER_SLOT,
    HELD_S,
    LEASE_TTL_S,
    SPARE_CPU_S,
    Store,
)
from custom_components.qheat.backend.submissions import Submissions
from custom_components.qheat.backend.work import (
    HOME,
    GiveBackReason,
    Lease,
    LeaseLostError,
    LeaseUnknownError,
    NoCatalogue,
    PullRequest,
    Refusal,
    Result,
    StorageFullError,
)

from ..publishing import manifest_of, signed
from .tiny import MODULE, OUTPUT_BYTES, PAY, TERMS, TinyCatalogue, deliver, submission

NOW = 1_800_000_000.0
SLOT_W = 100.0
IO = Path("/proc/self/io")
BODY = bytes(16 << 20)


def open_store(
    folder: Path, jobs: int | None = None, steady: Callable[[], float] = time.monotonic
) -> Store:
    numbers = itertools.count()
    return Store(
        folder / "jobs.db",
        TERMS,
        TinyCatalogue(jobs),
        lambda: f"id-{next(numbers)}-{id(numbers)}",
        steady=steady,
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path, jobs=1)
    yield store
    store.close()


def ask(key: str = "a", count: int = 1, radiator_id: str = "r1") -> PullRequest:
    return PullRequest(radiator_id=radiator_id, key=key, count=count, slot_w=SLOT_W)


def test_a_result_that_is_right_earns_its_pay_and_repays_its_electricity(store: Store) -> None:
    (lease,) = store.pull(ask(), NOW)
    settlement = deliver(store, lease.lease_id, b"input 0", 360.0, NOW + 60)
    assert settlement.accepted
    assert settlement.earned == PAY
    assert settlement.repaid == Decimal("0.000025")  # a ten-thousandth of a kilowatt-hour
    assert store.books.balance(HOME) == PAY + settlement.repaid
    assert store.books.output(lease.job_id) == b"input 0"
    assert store.books.latest_results("echo", 5) == [
        Result(input_data=b"input 0", output=b"input 0", settled_at=NOW + 60)
    ]


@pytest.mark.parametrize("output", [b"", b"wrong", b"x" * (OUTPUT_BYTES + 1)])
def test_a_result_that_is_wrong_is_settled_for_nothing(store: Store, output: bytes) -> None:
    (lease,) = store.pull(ask(), NOW)
    settlement = deliver(store, lease.lease_id, output, 3600.0, NOW + 60)
    assert not settlement.accepted
    assert settlement.earned == settlement.repaid == 0
    is_too_long = len(output) > OUTPUT_BYTES
    assert settlement.reason is (Refusal.TOO_LONG if is_too_long else Refusal.WRONG)
    assert store.books.balance(HOME) == 0
    assert store.books.output(lease.job_id) is None
    later = NOW + 60 + PASSED_OVER_S
    (again,) = store.pull(ask("b"), later)
    assert again.job_id == lease.job_id
    assert deliver(store, again.lease_id, b"input 0", 0.0, later).accepted


def test_a_home_that_fails_what_it_gets_still_gets_others_of_the_backends_own_jobs(
    tmp_path: Path,
) -> None:
    store = open_store(tmp_path)
    seen = set()
    for number in range(20):
        (lease,) = store.pull(ask(str(number)), NOW)
        store.give_back(HOME, lease.lease_id, GiveBackReason.FAILED, NOW)
        seen.add(lease.job_id)
    assert len(seen) == 20
    store.close()


def test_repaid_energy_is_cut_at_what_the_job_may_use(store: Store) -> None:
    (lease,) = store.pull(ask(), NOW)
    settlement = deliver(store, lease.lease_id, b"input 0", 1e12, NOW + 60)
    assert settlement.energy_j == SLOT_W * (lease.cpu_s + SPARE_CPU_S)


@pytest.mark.parametrize("held_s", [0.0, 5.0, 11.5])
def test_repaid_energy_is_cut_at_the_time_that_the_lease_was_held(
    store: Store, held_s: float
) -> None:
    (lease,) = store.pull(ask(), NOW)
    assert held_s < lease.cpu_s + SPARE_CPU_S
    settlement = deliver(store, lease.lease_id, b"input 0", 1e12, NOW + held_s)
    assert settlement.energy_j == SLOT_W * held_s


def test_a_job_that_paused_most_of_the_time_is_repaid_what_it_used(store: Store) -> None:
    (lease,) = store.pull(ask(), NOW)
    for minute in range(60):
        assert store.renew(HOME, lease.lease_id, NOW + 60 * minute)
    used_j = SLOT_W * (lease.cpu_s + 0.1)  # A home looks now and then whether it is over its limit.
    settlement = deliver(store, lease.lease_id, b"input 0", used_j, NOW + 3600)
    assert settlement.energy_j == used_j


def test_a_late_result_is_repaid_up_to_the_end_of_its_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SPARE_CPU_S", 2 * LEASE_TTL_S)
    (lease,) = store.pull(ask(), NOW)
    settlement = deliver(store, lease.lease_id, b"input 0", 1e12, NOW + 86_400)
    assert settlement.accepted
    assert settlement.energy_j == SLOT_W * LEASE_TTL_S


def test_a_result_delivered_again_gets_the_same_settlement(store: Store) -> None:
    (lease,) = store.pull(ask(), NOW)
    first = deliver(store, lease.lease_id, b"input 0", 3600.0, NOW + 60)
    assert deliver(store, lease.lease_id, b"input 0", 3600.0, NOW + 70) == first
    assert deliver(store, lease.lease_id, b"another", 0.0, NOW + 9e6) == first
    assert store.books.settlements(HOME, "r1", None, 10)[0] == [first]
    assert store.books.balance(HOME) == first.earned + first.repaid


def test_the_same_pull_twice_gives_the_same_lease(store: Store) -> None:
    (first,) = store.pull(ask(), NOW)
    (again,) = store.pull(ask(), NOW + 1)
    assert again.lease_id == first.lease_id
    assert again.ttl_s == first.ttl_s - 1
    assert store.pull(ask("b"), NOW + 1) == []
    assert store.pull(ask(radiator_id="r2"), NOW + 1) == []


def test_a_pull_repeated_after_its_lease_ended_takes_no_other(store: Store) -> None:
    (lease,) = store.pull(ask(), NOW)
    store.give_back(HOME, lease.lease_id, GiveBackReason.UNWANTED, NOW)
    assert store.pull(ask(), NOW) == []
    assert len(store.pull(ask("b"), NOW)) == 1


def test_a_lease_that_expires_is_offered_again(store: Store) -> None:
    (first,) = store.pull(ask("a"), NOW)
    assert store.pull(ask("b"), NOW + LEASE_TTL_S - 1) == []
    (second,) = store.pull(ask("b"), NOW + LEASE_TTL_S)
    assert second.job_id == first.job_id
    assert store.renew(HOME, first.lease_id, NOW + LEASE_TTL_S) is None


def test_a_renewed_lease_lives_on(store: Store) -> None:
    (lease,) = store.pull(ask("a"), NOW)
    for minute in range(1, 60):
        assert store.renew(HOME, lease.lease_id, NOW + 60 * minute) == LEASE_TTL_S
    assert store.pull(ask("b"), NOW + 3600) == []


@pytest.mark.parametrize("jump_s", [0.0, 366 * 86_400.0], ids=["time passes", "clock is turned"])
def test_a_lease_is_not_renewed_for_ever_and_its_job_goes_to_another(
    tmp_path: Path, jump_s: float
) -> None:
    now, steady_s = NOW, 5.0
    store = open_store(tmp_path, jobs=2, steady=lambda: steady_s)
    (lease,) = store.pull(ask("a"), now)
    longest_s = HELD_S + HELD_PER_CPU * lease.cpu_s
    while now < NOW + longest_s:
        assert store.renew(HOME, lease.lease_id, now)
        now, steady_s = now + 100, steady_s + 100
    now += jump_s + 1
    kept = store.renew(HOME, lease.lease_id, now)
    assert (kept is None) is (jump_s == 0)
    if kept is None:
        first, second = store.pull(ask("b", count=2), now)
        assert (first.job_id == lease.job_id, second.job_id == lease.job_id) == (False, True)
        assert store.renew(HOME, lease.lease_id, now) is None
    store.close()


def test_a_radiator_holds_a_few_leases_for_each_slot_and_no_more(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    keys = map(str, itertools.count())

    def pulled(radiator_id: str) -> list[Lease]:
        return store.pull(replace(ask(next(keys), 3, radiator_id), slots=2), NOW)

    held: list[Lease] = []
    while leases := pulled("r1"):
        held += leases
    assert len(held) == 2 * HELD_PER_SLOT
    assert len(pulled("r2")) == 3
    deliver(store, held[0].lease_id, b"input 0", 0.0, NOW)
    store.give_back(HOME, held[1].lease_id, GiveBackReason.UNWANTED, NOW)
    assert len(pulled("r1")) == 2
    assert len(pulled("r1")) == 0
    store.close()


def test_an_expired_lease_that_nobody_took_lives_again(store: Store) -> None:
    (lease,) = store.pull(ask("a"), NOW)
    assert store.renew(HOME, lease.lease_id, NOW + 10 * LEASE_TTL_S) == LEASE_TTL_S
    assert store.pull(ask("b"), NOW + 10 * LEASE_TTL_S) == []


def test_a_late_result_counts_and_the_second_holder_is_told_to_stop(store: Store) -> None:
    (first,) = store.pull(ask("a"), NOW)
    (second,) = store.pull(ask("b"), NOW + LEASE_TTL_S)
    assert deliver(store, first.lease_id, b"input 0", 0.0, NOW + LEASE_TTL_S + 1).accepted
    assert store.renew(HOME, second.lease_id, NOW + LEASE_TTL_S + 2) is None
    with pytest.raises(LeaseLostError):
        deliver(store, second.lease_id, b"input 0", 0.0, NOW + LEASE_TTL_S + 3)


def test_a_lease_given_back_is_offered_again_at_the_end_of_the_queue(tmp_path: Path) -> None:
    store = open_store(tmp_path, jobs=2)
    (first,) = store.pull(ask("a"), NOW)
    store.give_back(HOME, first.lease_id, GiveBackReason.REFUSED, NOW)
    store.give_back(HOME, first.lease_id, GiveBackReason.REFUSED, NOW)
    assert store.renew(HOME, first.lease_id, NOW) is None
    (second,) = store.pull(ask("b"), NOW)
    (third,) = store.pull(ask("c"), NOW)
    assert second.job_id != first.job_id
    assert third.job_id == first.job_id
    store.close()


def test_a_job_that_fails_again_and_again_is_withdrawn(store: Store) -> None:
    now = NOW
    for attempt in range(MOST_FAILURES):
        (lease,) = store.pull(ask(f"key-{attempt}"), now)
        store.give_back(HOME, lease.lease_id, GiveBackReason.FAILED, now)
        # A broken machine does not get it again and again.
        assert store.pull(ask(f"again-{attempt}"), now + PASSED_OVER_S - 1) == []
        now += PASSED_OVER_S
    assert store.pull(ask("last"), now) == []
    with pytest.raises(LeaseLostError):
        deliver(store, lease.lease_id, b"input 0", 0.0, now)


def test_a_clock_turned_back_ends_leases_instead_of_keeping_them_for_ever(store: Store) -> None:
    store.pull(ask("a"), NOW)
    (again,) = store.pull(ask("b"), NOW - 86_400)
    settlement = deliver(store, again.lease_id, b"input 0", 1e9, NOW - 90_000)
    assert settlement.energy_j == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.renew(HOME, "none", NOW),
        lambda store: store.give_back(HOME, "none", GiveBackReason.STOPPED, NOW),
        lambda store: deliver(store, "none", b"", 0.0, NOW),
    ],
)
def test_a_lease_that_never_was_is_unknown(store: Store, act: Callable[[Store], object]) -> None:
    with pytest.raises(LeaseUnknownError):
        act(store)


def test_settlements_follow_their_cursor_and_their_radiator(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(1, 6):
        radiator_id = f"r{number % 2}"
        (lease,) = store.pull(ask(f"key-{number}", radiator_id=radiator_id), NOW)
        deliver(store, lease.lease_id, f"input {number - 1}".encode(), 0.0, NOW)
    page, cursor = store.books.settlements(HOME, "r1", None, 2)
    rest, end = store.books.settlements(HOME, "r1", cursor, 2)
    assert len(page) == 2
    assert len(rest) == 1
    assert not {one.settlement_id for one in page} & {one.settlement_id for one in rest}
    assert store.books.settlements(HOME, "r1", end, 2) == ([], end)
    store.close()


@pytest.mark.parametrize("cursor", ["0123abcd.77", "12345", "2026-11-30:77", "0"])
def test_a_cursor_of_another_backend_starts_at_the_first_settlement(
    store: Store, cursor: str
) -> None:
    assert store.books.settlements(HOME, "r1", cursor, 10) == ([], cursor)
    (lease,) = store.pull(ask(), NOW)
    settlement = deliver(store, lease.lease_id, b"input 0", 0.0, NOW)
    assert store.books.settlements(HOME, "r1", cursor, 10)[0] == [settlement]
    assert store.books.settlements(HOME, "r1", settlement.settlement_id, 10)[0] == []
    assert store.books.settlements(HOME, "r2", settlement.settlement_id, 10)[0] == []


def test_after_a_backup_was_restored_a_home_hears_of_every_settlement_since(tmp_path: Path) -> None:
    def settle(store: Store, numbers: Iterable[int]) -> None:
        for number in numbers:
            (lease,) = store.pull(ask(f"{id(store)}-{number}"), NOW)
            assert deliver(store, lease.lease_id, f"input {number}".encode(), 0.0, NOW).accepted

    store = open_store(tmp_path)
    settle(store, range(3))
    with (
        closing(sqlite3.connect(tmp_path / "backup.db")) as backup,
        closing(sqlite3.connect(tmp_path / "jobs.db")) as now,
    ):
        now.backup(backup)
    settle(store, range(3, 6))
    heard, cursor = store.books.settlements(HOME, "r1", None, 10)
    store.close()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"jobs.db{suffix}").unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(tmp_path / "jobs.db")
    store = open_store(tmp_path)
    for first, last in ((3, 5), (5, 8)):  # fewer than were lost, and more
        settle(store, range(first, last))
        page, cursor = store.books.settlements(HOME, "r1", cursor, 10)
        heard += page
    everything, _ = store.books.settlements(HOME, "r1", None, 10)
    assert len(everything) == 8
    assert {one.settlement_id for one in everything} <= {one.settlement_id for one in heard}
    assert len(page) == 3
    store.close()


def test_what_is_settled_survives_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first, second = store.pull(ask(count=2), NOW)
    settlement = deliver(store, first.lease_id, b"input 0", 0.0, NOW)
    _, cursor = store.books.settlements(HOME, "r1", None, 10)
    store.close()
    store = open_store(tmp_path)
    assert store.books.settlements(HOME, "r1", None, 10) == ([settlement], cursor)
    assert store.books.balance(HOME) == PAY
    assert store.renew(HOME, second.lease_id, NOW + 1) == LEASE_TTL_S
    store.close()


def test_old_outputs_and_old_settlements_are_forgotten_and_the_balance_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "KEPT_OUTPUTS", 2)
    monkeypatch.setattr(books, "KEPT_SETTLEMENTS", 4)
    store = open_store(tmp_path)
    leases = []
    for number in range(1, 11):
        (lease,) = store.pull(ask(f"key-{number}"), NOW)
        deliver(store, lease.lease_id, f"input {number - 1}".encode(), 0.0, NOW)
        leases.append(lease)
    assert len(store.books.latest_results("echo", 100)) == 2
    assert len(store.books.settlements(HOME, "r1", None, 100)[0]) == 4
    assert store.books.balance(HOME) == 10 * PAY
    with pytest.raises(LeaseUnknownError):
        deliver(store, leases[0].lease_id, b"input 0", 0.0, NOW)
    store.close()


def test_a_settlement_is_told_also_where_its_job_was_refused_long_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "KEPT_SETTLEMENTS", 2)
    store = open_store(tmp_path, jobs=5)
    refused, *others = store.pull(ask(count=4), NOW)
    deliver(store, refused.lease_id, b"wrong", 0.0, NOW)
    for number, lease in enumerate(others, start=1):
        deliver(store, lease.lease_id, f"input {number}".encode(), 0.0, NOW)
    later = NOW + PASSED_OVER_S
    last, again = store.pull(ask("again", 2), later)
    assert again.job_id == refused.job_id
    settlements = [
        deliver(store, again.lease_id, b"input 0", 0.0, later),
        deliver(store, last.lease_id, b"input 4", 0.0, later),
    ]
    assert store.books.settlements(HOME, "r1", None, 10)[0][-2:] == settlements
    store.close()


def test_a_result_of_an_own_job_is_lost_where_a_backend_has_none_any_more(tmp_path: Path) -> None:
    store = open_store(tmp_path, jobs=1)
    (lease,) = store.pull(ask(), NOW)
    store.close()
    store = Store(tmp_path / "jobs.db", TERMS, NoCatalogue(), lambda: "id")
    with pytest.raises(LeaseLostError):
        deliver(store, lease.lease_id, b"input 0", 0.0, NOW + 1)
    store.close()


@pytest.mark.parametrize("is_held", [False, True], ids=["waiting", "leased"])
def test_jobs_of_modules_that_an_update_replaced_are_withdrawn(
    tmp_path: Path, *, is_held: bool
) -> None:
    store = open_store(tmp_path, jobs=1)
    (lease,) = store.pull(ask(), NOW)
    if not is_held:
        store.give_back(HOME, lease.lease_id, GiveBackReason.STOPPED, NOW)
    store.close()
    newer = TinyCatalogue(jobs=1, module=b"newer")
    store = Store(tmp_path / "jobs.db", TERMS, newer, lambda: "id")
    assert store.pull(ask("b"), NOW + LEASE_TTL_S) == []
    assert store.blobs.module(lease.module_sha256) is None
    store.close()


def test_turned_back_the_clock_dates_no_settlement_before_an_older_one(tmp_path: Path) -> None:
    """A home takes what is dated before all that it remembers for booked long ago."""
    store = open_store(tmp_path, jobs=3)
    for number, now in enumerate((NOW, NOW - 86_400, NOW + 1)):
        (lease,) = store.pull(ask(str(number)), now)
        deliver(store, lease.lease_id, f"input {number}".encode(), 0.0, now)
    page, _ = store.books.settlements(HOME, "r1", None, 10)
    store.close()
    assert [one.settled_at for one in page] == [NOW, NOW, NOW + 1]


@pytest.mark.parametrize("is_turned", [False, True], ids=["time passes", "the clock is turned"])
def test_uploads_are_forgotten_when_time_has_passed_and_not_when_the_clock_is_turned(
    tmp_path: Path, is_turned: bool
) -> None:
    store, steady_s = open_store(tmp_path), 5.0
    uploads = Blobs(store.database, TinyCatalogue(), lambda: steady_s)
    uploads.upload("a" * 64, b"a", NOW)
    later_s = EVEN_S + KEPT_S
    steady_s += EVEN_S if is_turned else later_s
    uploads.upload("b" * 64, b"b", NOW + later_s)
    # As a job does that brings its input again.
    uploads.keep("b" * 64, b"b", kept_until=0)
    assert (uploads.get("a" * 64) is not None) is is_turned
    steady_s += EVEN_S
    uploads.upload("c" * 64, b"c", NOW + later_s + EVEN_S)
    assert uploads.get("a" * 64) is None
    assert uploads.get("b" * 64) is not None
    store.close()


def test_room_for_an_upload_is_made_also_where_the_one_before_did_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MOST_STORED_BYTES", 100)
    now_s = 0.0
    store = open_store(tmp_path, steady=lambda: now_s)
    store.blobs.upload("a" * 64, b"a" * 90, NOW)
    now_s = KEPT_S + 1
    with pytest.raises(StorageFullError):
        store.blobs.upload("b" * 64, b"b" * 101, NOW + now_s)
    assert store.blobs.upload("c" * 64, b"c" * 90, NOW + now_s)
    store.close()


@pytest.mark.parametrize("module", [MODULE, BODY], ids=["its own module", "an uploaded module"])
def test_to_take_in_a_job_a_backend_reads_nothing_of_what_it_stores(
    tmp_path: Path, module: bytes
) -> None:
    def read_bytes() -> int:
        (line,) = (one for one in IO.read_text().splitlines() if one.startswith("rchar: "))
        return int(line.split()[1])

    store = open_store(tmp_path)
    job = replace(submission("job", module, BODY), input_data=None)
    store.blobs.upload(job.input_sha256, BODY, NOW)
    if module is BODY:
        manifest = manifest_of(job.module_sha256)
        store.manifests.keep(signed(manifest), manifest)
    before = read_bytes()
    assert Submissions(store).submit(job, NOW)[1]
    assert read_bytes() - before < 1 << 20
    store.close()


@pytest.mark.parametrize("jump_s", [0.0, 3600.0, -3600.0])
def test_of_its_own_jobs_a_backend_keeps_the_inputs_that_somebody_needs_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    monkeypatch.setattr(books, "KEPT_OUTPUTS", 2)
    now, steady_s = NOW, 5.0
    store = open_store(tmp_path, steady=lambda: steady_s)
    (held,) = store.pull(ask("held"), now)
    for turn in range(20):
        if turn == 14:  # The clock has gone evenly for more than an hour, and is turned.
            now += jump_s
        now, steady_s = now + SWEEP_S, steady_s + SWEEP_S
        assert store.renew(HOME, held.lease_id, now)
        (lease,) = store.pull(ask(f"key-{turn}"), now)
        right = store.blobs.get(lease.input_sha256)
        assert right is not None
        assert deliver(store, lease.lease_id, right, 0.0, now).accepted
    (kept,) = store.database.execute("SELECT count(*) FROM blobs").fetchone()
    (waiting,) = store.database.execute(
        "SELECT count(*) FROM jobs WHERE state IN ('queued', 'leased')"
    ).fetchone()
    # The shown results, and the one that the last delivery pushed out after the last sweep.
    assert waiting <= kept <= waiting + 3 if jump_s == 0 else kept >= waiting + 3
    assert len(store.books.latest_results("echo", 100)) == 2
    late = store.blobs.get(held.input_sha256)
    assert late is not None
    assert deliver(store, held.lease_id, late, 0.0, now).accepted
    store.close()
