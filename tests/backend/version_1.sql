-- A database as the first version wrote it: a settled job, a leased one, one that waits.
CREATE TABLE store (store_id TEXT NOT NULL) STRICT;
INSERT INTO store VALUES ('0123456789abcdef');
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
INSERT INTO balances VALUES ('EUR', '0.000123');
INSERT INTO jobs VALUES (0, 'job-0', 'echo', '63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233',
    'd76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69',
    x'696e7075742030', '0.000123', 1048576, 10.0, 1000, 'settled', 1, 0);
INSERT INTO jobs VALUES (1, 'job-1', 'echo', '63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233',
    '99d3a91e7e87eb4997107275226155498555e34322ffebe829e79cb7daeca5b9',
    x'696e7075742031', '0.000123', 1048576, 10.0, 1000, 'leased', 2, 0);
INSERT INTO jobs VALUES (2, 'job-2', 'echo', '63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233',
    '7788c1f80817d66503a4acf2e279043f3e9d5d9b9ad4d861ac43d763f8eba5e2',
    x'696e7075742032', '0.000123', 1048576, 10.0, 1000, 'queued', 3, 0);
INSERT INTO leases VALUES ('lease-0', 'job-0', 'r1', 'key-0', 100.0, 1800000000.0, 1800000120.0,
    'settled');
INSERT INTO leases VALUES ('lease-1', 'job-1', 'r1', 'key-1', 100.0, 1800000000.0, 1800000120.0,
    'held');
INSERT INTO results VALUES ('job-0', x'696e7075742030');
INSERT INTO settlements VALUES (7, 'settlement-0', 'lease-0', 'job-0', 'r1', 'echo', 1, '0.000123',
    '0.000000000', 0.0, 'EUR', 1800000060.0);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
