"""The backend's database: its tables, how it is opened, and its transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SCHEMA_VERSION: Final = 1

_TABLES: Final = """
CREATE TABLE store (store_id TEXT NOT NULL) STRICT;
INSERT INTO store VALUES (lower(hex(randomblob(16))));
CREATE TABLE balances (currency TEXT PRIMARY KEY, amount TEXT NOT NULL) STRICT;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    module_sha256 TEXT NOT NULL,
    input_sha256 TEXT NOT NULL,
    input BLOB NOT NULL,
    pay TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    cpu_s REAL NOT NULL,
    output_bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'settled', 'withdrawn')),
    place INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_in_line ON jobs (state, place);
CREATE INDEX jobs_by_place ON jobs (place);
CREATE INDEX jobs_by_input ON jobs (input_sha256);
CREATE TABLE leases (
    lease_id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    radiator_id TEXT NOT NULL,
    pull_key TEXT NOT NULL,
    slot_w REAL NOT NULL,
    granted_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('held', 'expired', 'returned', 'settled'))
) STRICT;
CREATE UNIQUE INDEX one_holder_per_job ON leases (job_id) WHERE state = 'held';
CREATE INDEX leases_by_job ON leases (job_id);
CREATE INDEX leases_by_pull ON leases (radiator_id, pull_key);
CREATE VIEW leased_jobs AS
    SELECT leases.*, kind, module_sha256, input_sha256, input, pay, memory_bytes, cpu_s,
        output_bytes, place, failures, jobs.state AS job_state
    FROM leases JOIN jobs USING (job_id);
CREATE TABLE results (
    job_id TEXT PRIMARY KEY REFERENCES jobs (job_id) ON DELETE CASCADE,
    output BLOB NOT NULL
) STRICT;
CREATE TABLE settlements (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    settlement_id TEXT NOT NULL UNIQUE,
    lease_id TEXT NOT NULL UNIQUE REFERENCES leases (lease_id) ON DELETE CASCADE,
    job_id TEXT NOT NULL UNIQUE REFERENCES jobs (job_id) ON DELETE CASCADE,
    radiator_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    earned TEXT NOT NULL,
    repaid TEXT NOT NULL,
    energy_j REAL NOT NULL,
    currency TEXT NOT NULL,
    settled_at REAL NOT NULL
) STRICT;
CREATE INDEX settlements_by_radiator ON settlements (radiator_id, place);
CREATE INDEX settlements_by_kind ON settlements (kind, accepted, place);
"""


class StoreError(Exception):
    """The database cannot be used; the text says why."""


class Database:
    """One SQLite file, used from one thread; what a commit confirmed survives a power cut.

    Raises StoreError for a damaged file or one that a newer version wrote, and leaves it as it is.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Transactions are begun and ended by hand: sqlite3's own guessing would hide where.
            self._connection = sqlite3.connect(path, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise StoreError(f"the database of jobs cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(sql, values)

    @contextmanager
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
        self.execute("PRAGMA journal_mode = WAL")
        self.execute("PRAGMA synchronous = FULL")
        self.execute("PRAGMA foreign_keys = ON")
        (version,) = self.execute("PRAGMA user_version").fetchone()
        if version == 0:
            # One transaction: a kill leaves all of the tables or none.
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise StoreError(f"the database of jobs has version {version}, not {SCHEMA_VERSION}")
