"""Jobs that a submitter brings: taken in once, and followed to their end."""

import sqlite3
from dataclasses import asdict, astuple, replace
from decimal import Decimal
from hashlib import sha256
from typing import Final

from ..manifests import read_manifest
from .replicas import votes_on
from .store import Store
from .work import (
    BlobUnknownError,
    JobReport,
    JobUnknownError,
    KeyReusedError,
    NotCoveredError,
    Outcome,
    QueueFullError,
    Submission,
    TriedLease,
)

MOST_OPEN_JOBS: Final = 10_000
_SHOWN_LEASES: Final = 100


class Submissions:
    """The submitter's side of a store; times are seconds since the epoch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        self._blobs = store.blobs

    def submit(self, submission: Submission, now: float) -> tuple[JobReport, bool]:
        """Queue a job and tell whether it is new: the same key brings the same job again.

        Raises KeyReusedError, BlobUnknownError, NotCoveredError, QueueFullError,
        StorageFullError.
        """
        fingerprint = _fingerprint(submission)
        self._blobs.sweep(now)
        with self._database.transaction():
            known = self._database.execute(
                "SELECT job_id, submit_sha256 FROM jobs WHERE submit_key = ?", submission.key
            ).fetchone()
            if known is None:
                job_id = self._queue(submission, fingerprint, now)
            elif known["submit_sha256"] == fingerprint:
                job_id = known["job_id"]
            else:
                raise KeyReusedError
            return self._report(job_id), known is None

    def report(self, job_id: str) -> JobReport:
        """Tell how a job stands. Raises JobUnknownError."""
        with self._database.transaction():
            return self._report(job_id)

    def _queue(self, submission: Submission, fingerprint: str, now: float) -> str:
        (waiting,) = self._database.execute(
            "SELECT count(*) FROM jobs WHERE state IN ('queued', 'leased') AND number IS NULL"
        ).fetchone()
        if waiting >= MOST_OPEN_JOBS:
            raise QueueFullError
        result_bytes = submission.output_bytes * (2 * submission.replicas - 1)
        self._blobs.check_room(result_bytes + len(submission.input_data or b""))
        if submission.input_data is not None:
            self._blobs.keep(submission.input_sha256, submission.input_data, kept_until=0)
        is_own = self._blobs.is_own(submission.module_sha256)
        has_module = is_own or self._blobs.has(submission.module_sha256)
        if not has_module or not self._blobs.has(submission.input_sha256):
            raise BlobUnknownError
        if not (is_own or self._is_covered(submission, now)):
            raise NotCoveredError
        job_id = self._store.new_id()
        job = asdict(submission)
        del job["input_data"]
        self._store.line.add(
            job_id=job_id,
            submit_key=job.pop("key"),
            submit_sha256=fingerprint,
            submitted_at=now,
            **job,
        )
        return job_id

    def _is_covered(self, submission: Submission, now: float) -> bool:
        """Tell whether a publisher lets homes run the job."""
        signed = self._store.manifests.get(submission.module_sha256)
        if signed is None:
            return False
        manifest = read_manifest(signed.manifest)
        return now < manifest.expires and manifest.covers(
            submission.kind, submission.memory_bytes, submission.cpu_s, submission.output_bytes
        )

    def _report(self, job_id: str) -> JobReport:
        job: sqlite3.Row | None = self._database.execute(
            "SELECT * FROM jobs WHERE job_id = ?", job_id
        ).fetchone()
        if job is None:
            raise JobUnknownError
        # Those with a result above all: of the others there may be any number.
        found = self._database.execute(
            "SELECT leases.*, accepted FROM leases LEFT JOIN settlements USING (lease_id)"
            " WHERE leases.job_id = ? ORDER BY accepted DESC, leases.state = 'delivered' DESC,"
            " granted_at DESC LIMIT ?",
            job_id,
            _SHOWN_LEASES,
        )
        leases = sorted(found, key=lambda lease: (lease["granted_at"], lease["lease_id"]))
        accepted = [lease for lease in leases if lease["accepted"]]
        rate = job["repayment_per_kwh"]
        return JobReport(
            job_id=job_id,
            kind=job["kind"],
            state=job["state"],
            reason=job["reason"],
            module_sha256=job["module_sha256"],
            input_sha256=job["input_sha256"],
            pay=Decimal(job["pay"]),
            repayment_per_kwh=None if rate is None else Decimal(rate),
            replicas=job["replicas"],
            agreeing=len(accepted) or votes_on(self._database, job_id).agreeing,
            leases=tuple(
                TriedLease(
                    lease_id=lease["lease_id"],
                    home_id=lease["home_id"],
                    radiator_id=lease["radiator_id"],
                    state=_state(lease),
                    granted_at=lease["granted_at"],
                )
                for lease in leases
            ),
            result=Outcome(output_sha256=accepted[0]["output_sha256"], fuel=accepted[0]["fuel"])
            if accepted
            else None,
        )


def _state(lease: sqlite3.Row) -> str:
    if lease["accepted"] is None:
        return str(lease["state"])
    return "accepted" if lease["accepted"] else "refused"


def _fingerprint(submission: Submission) -> str:
    """Return what tells one submission from another; the input counts by its hash alone."""
    return sha256(repr(astuple(replace(submission, input_data=None))).encode()).hexdigest()
