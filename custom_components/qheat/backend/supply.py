"""The catalogue's own jobs: they come into the line as they are needed, and are judged here."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from typing import Final

from .blobs import Blobs
from .catalogue import Offer
from .database import Database
from .line import Line
from .work import Catalogue, LeaseLostError, PullRequest, Refusal

JOBS_AHEAD: Final = 4


class Supply:
    """Brings jobs of a catalogue into a line; used inside the caller's transaction."""

    def __init__(
        self,
        database: Database,
        line: Line,
        blobs: Blobs,
        catalogue: Catalogue,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._line = line
        self._blobs = blobs
        self._catalogue = catalogue
        self._new_id = new_id

    def fill(self, request: PullRequest, now: float) -> None:
        """Let enough jobs wait for one who asks for some, beside those that this home failed."""
        self._withdraw_outdated()
        (queued,) = self._database.execute(
            "SELECT count(*) FROM jobs WHERE state = 'queued' AND number IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM leases AS had WHERE had.job_id = jobs.job_id"
            " AND had.home_id = ? AND had.failed)",
            request.home_id,
        ).fetchone()
        # More than are asked for, so that a job given back is not the next one again.
        for _ in range(queued, request.count + JOBS_AHEAD):
            (number,) = self._database.execute(
                "SELECT coalesce(max(number) + 1, 0) FROM jobs"
            ).fetchone()
            offer = self._catalogue.offer(number)
            if offer is None:
                break
            self._add(offer, now)

    def judge(self, lease: sqlite3.Row, output: bytes) -> Refusal | None:
        """Return why a result is refused, as far as it can be told from itself alone.

        Raises LeaseLostError for a kind of own job that there is no more.
        """
        if len(output) > lease["output_bytes"]:
            return Refusal.TOO_LONG
        if lease["number"] is None:
            return None
        if lease["kind"] not in self._catalogue.MODULES:
            raise LeaseLostError
        input_data = self._blobs.get(lease["input_sha256"])
        assert input_data is not None
        wrong = self._catalogue.check_output(lease["kind"], input_data, output)
        return None if wrong is None else Refusal.WRONG

    def _add(self, offer: Offer, now: float) -> None:
        input_sha256 = sha256(offer.input_data).hexdigest()
        self._blobs.keep(input_sha256, offer.input_data, kept_until=0)
        job = asdict(offer)
        del job["input_data"]
        self._line.add(
            job_id=self._new_id(), submitted_at=now, input_sha256=input_sha256, replicas=1, **job
        )

    def _withdraw_outdated(self) -> None:
        # An update has brought other modules: nobody can run the jobs of the old ones any more, and
        # who had one leased then brings it back later.
        modules = list(self._catalogue.MODULES.values())
        self._database.execute(
            "UPDATE jobs SET state = 'withdrawn', reason = 'outdated', closed_at = 0"
            " WHERE state = 'queued' AND number IS NOT NULL"
            " AND module_sha256 NOT IN (SELECT value FROM json_each(?))",
            json.dumps(modules),
        )
