-- A database as the third version wrote it: a settled job, a leased one, one that failed; an upload.
BEGIN TRANSACTION;
CREATE TABLE balances (
    home_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (home_id, currency)
) STRICT;
INSERT INTO "balances" VALUES('home','EUR','0.000123000');
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY,
    body BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    kept_until REAL NOT NULL
) STRICT;
INSERT INTO "blobs" VALUES('d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69',X'696E7075742030',7,0.0);
INSERT INTO "blobs" VALUES('99d3a91e7e87eb4997107275226155498555e34322ffebe829e79cb7daeca5b9',X'696E7075742031',7,0.0);
INSERT INTO "blobs" VALUES('7788c1f80817d66503a4acf2e279043f3e9d5d9b9ad4d861ac43d763f8eba5e2',X'696E7075742032',7,0.0);
INSERT INTO "blobs" VALUES('e70e4e9a8aa16094c76610a3f85493e9fe08527557f3a3853bad9261ee3b745e',X'0061736D207570',7,1800086400.0);
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
    place INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "jobs" VALUES('id-0',0,NULL,NULL,1800000000.0,'echo','63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233','d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69','0.000123',NULL,1048576,10.0,1000,1,'settled',NULL,1800000000.0,1,0);
INSERT INTO "jobs" VALUES('id-1',1,NULL,NULL,1800000000.0,'echo','63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233','99d3a91e7e87eb4997107275226155498555e34322ffebe829e79cb7daeca5b9','0.000123',NULL,1048576,10.0,1000,1,'leased',NULL,NULL,2,0);
INSERT INTO "jobs" VALUES('id-2',2,NULL,NULL,1800000000.0,'echo','63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233','7788c1f80817d66503a4acf2e279043f3e9d5d9b9ad4d861ac43d763f8eba5e2','0.000123',NULL,1048576,10.0,1000,1,'queued',NULL,NULL,4,1);
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
    energy_j REAL
) STRICT;
INSERT INTO "leases" VALUES('id-3','id-0','home','r1','a',100.0,1800000000.0,1800000000.0,'settled','d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69',NULL,0.0);
INSERT INTO "leases" VALUES('id-5','id-1','home','r1','b',100.0,1800000000.0,1800000120.0,'held',NULL,NULL,NULL);
INSERT INTO "leases" VALUES('id-6','id-2','home','r1','c',100.0,1800000000.0,1800000000.0,'returned',NULL,NULL,NULL);
CREATE TABLE manifests (
    module_sha256 TEXT PRIMARY KEY,
    manifest BLOB NOT NULL,
    signature BLOB NOT NULL,
    public_key BLOB NOT NULL
) STRICT;
INSERT INTO "manifests" VALUES('e70e4e9a8aa16094c76610a3f85493e9fe08527557f3a3853bad9261ee3b745e',X'7B22616269223A227761736D33322D776173692D31222C226370755F73223A3630302C2265787069726573223A343030303030303030302C226B696E64223A226563686F222C226D656D6F72795F6279746573223A31363737373231362C226D6F64756C655F736861323536223A2265373065346539613861613136303934633736363130613366383534393365396665303835323735353766336133383533626164393236316565336237343565222C226F75747075745F6279746573223A313034383537362C2273657269616C223A377D',X'DA9A4D7253BA944D3453F18AACD5C7986D1108585541ACD1D7E941CD6385FB7A2986E38D7FA10F53C98848E3645A2414C2F1FB17B3A6B14625359985080CA20B',X'03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8');
CREATE TABLE results (
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    output_sha256 TEXT NOT NULL,
    output BLOB NOT NULL,
    PRIMARY KEY (job_id, output_sha256)
) STRICT;
INSERT INTO "results" VALUES('id-0','d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69',X'696E7075742030');
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
INSERT INTO "settlements" VALUES(1,'id-4','id-3','id-0','home','r1','echo','63ff32471e69cca45134eb99e2d2304719270f4f7a4509b2307c437ae99a0233','d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69','d76f36ed5f851e3d704778cec654530641adf8b0ee3c15c1a6802ba5688b9d69',NULL,1,NULL,'0.000123','0E-9',0.0,'EUR',1800000000.0);
CREATE TABLE store (store_id TEXT NOT NULL) STRICT;
INSERT INTO "store" VALUES('0123456789abcdef');
CREATE INDEX jobs_in_line ON jobs (state, place);
CREATE INDEX jobs_by_place ON jobs (place);
CREATE INDEX jobs_by_input ON jobs (input_sha256);
CREATE INDEX jobs_by_module ON jobs (module_sha256);
CREATE UNIQUE INDEX one_lease_per_job_and_radiator
    ON leases (job_id, home_id, radiator_id) WHERE state = 'held';
CREATE INDEX leases_by_job ON leases (job_id);
CREATE INDEX leases_by_pull ON leases (home_id, radiator_id, pull_key);
CREATE INDEX leases_by_state ON leases (state, ends_at);
CREATE INDEX leases_by_grant ON leases (granted_at);
CREATE VIEW leased_jobs AS
    SELECT leases.*, number, kind, module_sha256, input_sha256, pay, repayment_per_kwh,
        memory_bytes, cpu_s, output_bytes, replicas, place, failures, jobs.state AS job_state
    FROM leases JOIN jobs USING (job_id);
CREATE INDEX settlements_by_job ON settlements (job_id);
CREATE INDEX settlements_by_radiator ON settlements (home_id, radiator_id, place);
CREATE INDEX settlements_by_kind ON settlements (kind, accepted, place);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('settlements',1);
PRAGMA user_version = 3;
COMMIT;
