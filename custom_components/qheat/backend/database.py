"""The backend's database: how it is opened, checked and migrated, and its transactions."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from .schema import MIGRATIONS, NEW, SCHEMA_VERSION

# SQLITE_ERROR while opening: a table or a column that has to be there is not.
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_TABLES: Final = (
    "balances",
    "blobs",
    "manifests",
    "leased_jobs",
    "results",
    "settlements",
)
_MOST_EMPTY_PAGES: Final = 1000
"""Of 4 KiB; what is deleted is written over before a file grows."""


class StoreError(Exception):
    """The database cannot be used; the text says why."""


class StoreDamagedError(StoreError):
    """The file is damaged: nothing in it can be relied on."""


class Database:
    """One SQLite file, used from one thread; what a commit confirmed survives a power cut.

    Raises StoreDamagedError for a damaged file, and StoreError for one of a version that is not
    known or that cannot be opened; each is left as it is.
    """

    def __init__(self, path: Path) -> None:
        if path.is_file() and path.stat().st_size == 0:
            raise StoreDamagedError("the database of jobs is empty: it was cut off")
        try:
            if not path.exists():
                _create(path)
            # Transactions are begun and ended by hand: sqlite3's own guessing would hide where.
            self._connection = sqlite3.connect(path, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except UnicodeDecodeError as error:
            # SQLite quotes what it read in its message.
            raise StoreDamagedError("the database of jobs is damaged") from error
        except sqlite3.Error as error:
            text = f"the database of jobs cannot be opened: {error}"
            # The low byte is the kind of error, what is above it tells it more precisely.
            damaged = error.sqlite_errorcode & 0xFF in _DAMAGE
            raise (StoreDamagedError if damaged else StoreError)(text) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def execute(self, sql: str, *values: object, **named: object) -> sqlite3.Cursor:
        """Run one statement, whose values either all have names or none has."""
        return self._connection.execute(sql, named or values)

    def insert(self, table: str, **row: object) -> None:
        """Add a row, with money in digits; a column that is not named has its default."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        values = (str(value) if isinstance(value, Decimal) else value for value in row.values())
        self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *values)  # noqa: S608

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what happens inside happen wholly or not at all."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        (version,) = self.execute("PRAGMA user_version").fetchone()
        if version <= 0:
            raise StoreDamagedError(f"the database of jobs has version {version}")
        if version != SCHEMA_VERSION and version not in MIGRATIONS:
            age = "a newer" if version > SCHEMA_VERSION else "a far older"
            raise StoreError(
                f"the database of jobs has version {version}, not {SCHEMA_VERSION}:"
                f" it was written by {age} qheat"
            )
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = FULL")
        self._check()
        if version < SCHEMA_VERSION:
            self._connection.executescript(MIGRATIONS[version])
        self._shrink()
        for table in _TABLES:
            self.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608
        self.execute("PRAGMA foreign_keys = ON")

    def _check(self) -> None:
        found = [row[0] for row in self.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise StoreDamagedError(f"the database of jobs is damaged: {found[0]}")

    def _shrink(self) -> None:
        """Write a file anew that is large and mostly empty; where that needs too much it stays."""
        (pages,), (empty,) = (
            self.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count")
        )
        if empty > max(_MOST_EMPTY_PAGES, pages / 2):
            with contextlib.suppress(sqlite3.OperationalError):
                self.execute("VACUUM")


def _create(path: Path) -> None:
    """Make an empty database, beside its place until it is whole.

    A kill or a full disk would else leave half of one there, which is taken for damage.
    """
    # Nor may the log of a database that is gone be taken for the new one's.
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        names = (name.with_name(f"{name.name}-wal") for name in _names_aside(path))
        log.rename(next(name for name in names if not name.exists()))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    new = path.with_name(f"{path.name}.new")
    for suffix in ("", "-journal"):
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.executescript(NEW)
    new.rename(path)


def set_aside(path: Path) -> Path:
    """Rename a damaged database, with what belongs to it, and return its new path."""
    aside = next(name for name in _names_aside(path) if not name.exists())
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _names_aside(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
