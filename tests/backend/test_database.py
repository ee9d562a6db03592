"""The database's file: damaged, of another version, in the wrong place, on a full disk."""

import random
import re
import resource
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from custom_components.qheat.backend.database import (
    Database,
    StoreDamagedError,
    StoreError,
    set_aside,
)
from custom_components.qheat.backend.schema import SCHEMA_VERSION
from custom_components.qheat.backend.work import HOME
from custom_components.qheat.compute.client import BackendError

from ..compute.homes import client_of
from .test_standalone import REQUEST, process_in
from .test_store import NOW, ask, open_store
from .tiny import PAY, deliver

VERSION_3 = (Path(__file__).parent / "version_3.sql").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a closed database with settlements in it."""
    folder = tmp_path_factory.mktemp("whole")
    store = open_store(folder)
    for number in range(40):
        (lease,) = store.pull(ask(f"key-{number}"), NOW)
        deliver(store, lease.lease_id, f"input {number}".encode(), 0.0, NOW)
    store.close()
    return (folder / "jobs.db").read_bytes()


@pytest.fixture
def path(whole: bytes, tmp_path: Path) -> Path:
    """Return where a copy of it is."""
    path = tmp_path / "jobs.db"
    path.write_bytes(whole)
    return path


def test_it_survives_power_cuts_and_is_checked(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.db")
    assert [
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
    ] == ["wal", 2, 1, SCHEMA_VERSION]
    database.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:100],
        lambda data: data[:-4096],
        lambda data: b"",
        lambda data: b"\0" * len(data),
        lambda data: b"not SQLite at al" + data[16:],
        lambda data: data[:16] + b"\xff\xff" + data[18:],
        lambda data: data[:4096] + b"\xff" * 4096 + data[8192:],
        lambda data: data[:4096] + data[8192:12288] + data[4096:8192] + data[12288:],
        lambda data: data[:60] + (0).to_bytes(4) + data[64:],
        lambda data: data[:60] + (0xFFFFFFFF).to_bytes(4) + data[64:],
    ],
    ids=[
        "half", "header", "a page short", "empty", "zeros", "magic", "page size",
        "a page", "pages swapped", "version 0", "version -1",
    ],
)  # fmt: skip
def test_a_damaged_file_is_found_out_and_left_as_it_is(
    path: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(StoreDamagedError):
        open_store(tmp_path)
    assert path.read_bytes() == damaged


def test_wherever_bytes_are_flipped_nothing_worse_than_an_error_comes_of_it(
    path: Path, tmp_path: Path, whole: bytes
) -> None:
    found = 0
    for seed in range(60):
        chance = random.Random(seed)
        data = bytearray(whole)
        for _ in range(64):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(data)
        try:
            store = open_store(tmp_path)
        except StoreDamagedError:
            found += 1
            continue
        # Bytes of a value were hit: to SQLite every value is as good as another.
        try:
            store.pull(ask("late"), NOW)
            store.books.settlements(HOME, "r1", None, 100)
        except sqlite3.DatabaseError, ValueError, ArithmeticError:
            pass
        finally:
            store.close()
    assert found > 40


def test_a_file_is_set_aside_with_all_that_belongs_to_it_and_replaces_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "jobs.db"
    for number in (1, 2):
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"jobs.db{suffix}").write_text(f"{number}{suffix}")
        aside = set_aside(path)
        assert aside == tmp_path / f"jobs.db.damaged-{number}"
    assert sorted(one.read_text() for one in tmp_path.iterdir()) == [
        "1", "1-shm", "1-wal", "2", "2-shm", "2-wal",
    ]  # fmt: skip


def test_of_a_file_set_aside_by_halves_nothing_gets_into_the_new_one(tmp_path: Path) -> None:
    """A kill may come between the renames: the log of what is gone has to follow it."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    store = open_store(tmp_path / "old")
    (lease,) = store.pull(ask("key"), NOW)
    deliver(store, lease.lease_id, b"input 0", 0.0, NOW)
    log = (tmp_path / "old" / "jobs.db-wal").read_bytes()
    store.close()
    (tmp_path / "new" / "jobs.db-wal").write_bytes(log)
    store = open_store(tmp_path / "new")
    assert store.books.settlements(HOME, "r1", None, 10)[0] == []
    assert store.books.balance(HOME) == 0
    store.close()
    assert (tmp_path / "new" / "jobs.db.damaged-1-wal").read_bytes() == log


@pytest.mark.parametrize(("version", "age"), [(2, "older"), (99, "newer")])
def test_a_database_of_an_unknown_version_is_refused_and_left_as_it_is(
    path: Path, tmp_path: Path, version: int, age: str
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"version {version}, .* {age} qheat") as caught:
        open_store(tmp_path)
    assert not isinstance(caught.value, StoreDamagedError)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", ["folder", "missing", "forbidden"])
def test_a_place_where_no_file_can_be_is_an_error_and_no_damage(tmp_path: Path, place: str) -> None:
    path = {"folder": tmp_path, "missing": tmp_path / "none" / "jobs.db"}.get(
        place, Path("/proc/jobs.db")
    )
    with pytest.raises(StoreError) as caught:
        Database(path)
    assert not isinstance(caught.value, StoreDamagedError)


def test_a_file_that_another_process_keeps_for_itself_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.1))
        with pytest.raises(StoreError, match="locked") as caught:
            Database(path)
        assert not isinstance(caught.value, StoreDamagedError)


def test_what_the_version_before_wrote_is_taken_over_whole(tmp_path: Path) -> None:
    def tables(folder: Path) -> set[tuple[str, str]]:
        with closing(sqlite3.connect(folder / "jobs.db")) as connection:
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
            rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
            return {(name, re.sub(r"\s*([(),\s])\s*", r"\1", sql)) for name, sql in rows}

    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript(VERSION_3)
    store = open_store(tmp_path, jobs=3)
    page, _ = store.books.settlements(HOME, "r1", None, 10)
    assert [one.settlement_id for one in page] == ["id-4"]
    assert store.books.balance(HOME) == PAY
    assert deliver(store, "id-5", b"input 1", 0.0, NOW).accepted
    (lease,) = store.pull(ask("new"), NOW)
    assert (lease.job_id, lease.signed) == ("id-2", None)
    assert deliver(store, lease.lease_id, b"input 2", 0.0, NOW).accepted
    assert len(store.manifests.publishers()) == 1
    store.close()
    (tmp_path / "new").mkdir()
    open_store(tmp_path / "new").close()
    assert tables(tmp_path) == tables(tmp_path / "new")


def test_a_migration_that_is_cut_off_leaves_the_older_version_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript(VERSION_3)
        before = list(connection.iterdump())
    half = {3: "BEGIN; DROP TABLE balances; CREATE TABLE store (a);"}
    monkeypatch.setattr("custom_components.qheat.backend.database.MIGRATIONS", half)
    with pytest.raises(StoreError):
        open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        assert list(connection.iterdump()) == before


@contextmanager
def files_up_to(most_bytes: int) -> Generator[None]:
    """Let no file become larger, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_first_start_on_a_full_disk_leaves_nothing_that_a_later_one_takes_for_damage(
    tmp_path: Path,
) -> None:
    for most_bytes in (0, 20_000):
        with files_up_to(most_bytes), pytest.raises(StoreError) as caught:
            Database(tmp_path / "jobs.db")
        assert caught.type is StoreError
    open_store(tmp_path).close()


@pytest.mark.parametrize("has_room", [True, False])
def test_a_file_that_is_mostly_empty_is_small_after_a_start_if_the_disk_has_room_for_that(
    tmp_path: Path, has_room: bool
) -> None:
    path, blobs = tmp_path / "jobs.db", 2000
    open_store(tmp_path, jobs=3).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for number in range(blobs):
            connection.execute(
                "INSERT INTO blobs VALUES (?, zeroblob(8000), 8000, 0)", (f"{number}",)
            )
        connection.execute("DELETE FROM blobs WHERE sha256 != '7'")
        connection.execute("COMMIT")
    grown = path.stat().st_size
    assert grown > blobs * 8000
    with files_up_to(2 * grown if has_room else 100_000):
        database = Database(path)
        assert len(database.execute("SELECT * FROM blobs").fetchall()) == 1
        database.close()
    assert (path.stat().st_size < 1_000_000) is has_room


async def test_on_a_full_disk_nothing_is_lost_and_the_problem_is_told(tmp_path: Path) -> None:
    output = b"price=1\nerror=1\n"
    async with process_in(tmp_path) as process, client_of(tmp_path / "jobs.sock") as client:
        (lease,) = (await client.pull(REQUEST, 0)).leases
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, hard))
        for _ in range(3):
            with pytest.raises(BackendError) as caught:
                await client.deliver(lease.lease_id, "r1", output, 0.0)
            assert caught.value.status in {503, 507}
            assert not caught.value.is_final
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        settlement = await client.deliver(lease.lease_id, "r1", output, 0.0)
        assert (await client.settlements("r1", None)).settlements == (settlement,)
