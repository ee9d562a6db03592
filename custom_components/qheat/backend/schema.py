"""The tables of the backend's database, and how older ones become them."""

from collections.abc import Mapping
from typing import Final

SCHEMA_VERSION: Final = 4

_VIEW: Final = """
CREATE VIEW leased_jobs AS
    SELECT leases.*, number, kind, module_sha256, input_sha256, pay, repayment_per_kwh,
        memory_bytes, cpu_s, output_bytes, replicas, place, jobs.state AS job_state
    FROM leases JOIN jobs USING (job_id);
"""

NEW: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE balances (
    home_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (home_id, currency)
) STRICT;
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    kept_until REAL NOT NULL
) STRICT;
CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    number INTEGER UNIQUE,
    submit_key TEXT UNIQUE,
    submit_sha256 TEXT,
    submitted_at REAL NOT NULL,
    kind TEXT NOT NULL,
    module_sha256 TEXT NOT NULL,
    input_sha256 TEXT NOT NULL,
    pay TEXT NOT NULL,
    repayment_per_kwh TEXT,
    memory_bytes INTEGER NOT NULL,
    cpu_s REAL NOT NULL,
    output_bytes INTEGER NOT NULL,
    replicas INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'settled', 'withdrawn')),
    reason TEXT,
    closed_at REAL,
    place INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_in_line ON jobs (state, place);
CREATE INDEX jobs_by_place ON jobs (place);
CREATE INDEX jobs_by_input ON jobs (input_sha256);
CREATE INDEX jobs_by_module ON jobs (module_sha256);
CREATE TABLE leases (
    lease_id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    home_id TEXT NOT NULL,
    radiator_id TEXT NOT NULL,
    pull_key TEXT NOT NULL,
    slot_w REAL NOT NULL,
    granted_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('held', 'expired', 'returned', 'delivered', 'settled')),
    output_sha256 TEXT,
    fuel INTEGER,
    energy_j REAL,
    failed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX one_lease_per_job_and_radiator
    ON leases (job_id, home_id, radiator_id) WHERE state = 'held';
CREATE INDEX leases_by_job ON leases (job_id);
CREATE INDEX leases_by_pull ON leases (home_id, radiator_id, pull_key);
CREATE INDEX leases_by_state ON leases (state, ends_at);
CREATE INDEX leases_by_grant ON leases (granted_at);
{_VIEW}CREATE TABLE results (
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    output_sha256 TEXT NOT NULL,
    output BLOB NOT NULL,
    PRIMARY KEY (job_id, output_sha256)
) STRICT;
CREATE TABLE settlements (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    settlement_id TEXT NOT NULL UNIQUE,
    lease_id TEXT NOT NULL UNIQUE REFERENCES leases (lease_id) ON DELETE CASCADE,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    home_id TEXT NOT NULL,
    radiator_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    module_sha256 TEXT NOT NULL,
    input_sha256 TEXT NOT NULL,
    output_sha256 TEXT,
    fuel INTEGER,
    accepted INTEGER NOT NULL,
    reason TEXT,
    earned TEXT NOT NULL,
    repaid TEXT NOT NULL,
    energy_j REAL NOT NULL,
    currency TEXT NOT NULL,
    settled_at REAL NOT NULL
) STRICT;
CREATE INDEX settlements_by_job ON settlements (job_id);
CREATE INDEX settlements_by_radiator ON settlements (home_id, radiator_id, place);
CREATE INDEX settlements_by_kind ON settlements (kind, accepted, place);
CREATE TABLE manifests (
    module_sha256 TEXT PRIMARY KEY,
    manifest BLOB NOT NULL,
    signature BLOB NOT NULL,
    public_key BLOB NOT NULL
) STRICT;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

_FROM_3: Final = f"""
BEGIN IMMEDIATE;
DROP TABLE store;
DROP VIEW leased_jobs;
ALTER TABLE jobs DROP COLUMN failures;
ALTER TABLE leases ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
{_VIEW}
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

MIGRATIONS: Final[Mapping[int, str]] = {3: _FROM_3}
"""What turns an older version into the newest; run with foreign keys off."""
