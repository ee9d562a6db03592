"""The jobs that wait, and in which order they are handed out.

Jobs that this home gave back or got wrong a moment ago come last: another home may do better, and
this one shall not be asked for the same at once; what it failed it does not get at all for an hour,
or for ten minutes once all homes have failed it. Of the others come first those that pay anything,
of these those that likely end while heat is still wanted, of these those that pay best for each
second of a slot, of these those that wait longest.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import Final

from .database import Database
from .replicas import ACTIVE_S, MAY_TAKE, votes_on
from .work import PullRequest, Terms

PASSED_OVER_S: Final = 600.0
"""For so long a home gets the jobs last that it gave back, and not again what all have failed."""
FAILED_S: Final = 3600.0
"""For so long a home does not get a job that it failed and another has not."""
MOST_FAILURES: Final = 3

# Unpaid jobs are found by the same number that they are ordered by. A double holds any amount of
# the API well enough to compare, and none that is more than nothing becomes nothing.
_RATE: Final = "CAST(coalesce(repayment_per_kwh, :repayment_per_kwh) AS REAL)"
_PAY: Final = "CAST(pay AS REAL)"

# What those of a module took among the last jobs of its kind, as their homes told; where there are
# none, a job may take its limit.
_LENGTHS: Final = """
    SELECT kind, module_sha256, (
        SELECT nullif(avg(cpu_s), 0) FROM (
            SELECT settlements.energy_j / slot_w AS cpu_s, settlements.module_sha256 AS done
            FROM settlements JOIN leases USING (lease_id)
            WHERE settlements.kind = waiting.kind AND accepted = 1 AND slot_w > 0
            ORDER BY settlements.place DESC LIMIT 20
        ) WHERE done = waiting.module_sha256
    ) AS usual_s
    FROM (SELECT DISTINCT kind, module_sha256 FROM jobs WHERE state = 'queued') AS waiting
"""

_FAILED: Final = "FROM leases AS had WHERE had.job_id = jobs.job_id AND had.failed"
_MAY_TRY: Final = f"""NOT EXISTS (SELECT 1 {_FAILED} AND had.home_id = :home_id
    AND had.ends_at <= :now AND had.ends_at > :now - iif(EXISTS (SELECT 1 FROM json_each(:homes)
        WHERE value NOT IN (SELECT had.home_id {_FAILED})), {FAILED_S}, {PASSED_OVER_S}))"""  # noqa: S608

_NEXT: Final = f"""
    WITH lengths AS MATERIALIZED ({_LENGTHS})
    SELECT job_id FROM jobs JOIN lengths USING (kind, module_sha256)
    WHERE state = 'queued' AND {MAY_TAKE} AND {_MAY_TRY} AND (:unpaid OR {_PAY} > 0 OR {_RATE} > 0)
    ORDER BY
        EXISTS (SELECT 1 FROM leases AS had WHERE had.job_id = jobs.job_id
            AND had.home_id = :home_id AND +had.state IN ('returned', 'settled')
            AND +had.ends_at > :passed_over_from),
        {_PAY} = 0 AND {_RATE} = 0,
        coalesce(usual_s, cpu_s) > :wanted_s,
        {_PAY} / coalesce(usual_s, cpu_s) + {_RATE} * :slot_w / 3.6e6 DESC,
        place
    LIMIT :count
"""  # noqa: S608  (The plus keeps SQLite from going through all leases for each job.)
"""The next `count` jobs for a radiator with slots of `slot_w` watts that wants heat for `wanted_s`
seconds; with `unpaid` also those that neither pay nor repay."""


class Line:
    """The jobs of a store that wait for leases; used inside the caller's transaction."""

    def __init__(self, database: Database, terms: Terms, homes: Collection[str]) -> None:
        self._database = database
        self._repayment_per_kwh = str(terms.repayment_per_kwh)
        self._homes = json.dumps(list(homes))
        self._enough_homes = min(MOST_FAILURES, len(homes))

    def next_jobs(self, request: PullRequest, now: float) -> list[str]:
        """Return the ids of the jobs that suit a radiator best."""
        rows = self._database.execute(
            _NEXT,
            **self._asker(request.home_id, request.radiator_id, now),
            count=request.count,
            slot_w=request.slot_w,
            wanted_s=request.wanted_s,
            unpaid=request.unpaid,
            repayment_per_kwh=self._repayment_per_kwh,
            passed_over_from=now - PASSED_OVER_S,
            now=now,
        )
        return [row["job_id"] for row in rows]

    def may_take(self, lease: sqlite3.Row, now: float) -> bool:
        """Tell whether the holder of a lease that has ended may take its job again."""
        row = self._database.execute(
            f"SELECT 1 FROM jobs WHERE job_id = :job_id AND {MAY_TAKE}",  # noqa: S608
            **self._asker(lease["home_id"], lease["radiator_id"], now),
            job_id=lease["job_id"],
        ).fetchone()
        return row is not None

    def add(self, **job: object) -> None:
        """Let a new job wait at the end of the line."""
        self._database.insert("jobs", **job, state="queued", place=self._next_place())

    def update(self, job_id: str) -> None:
        """Let a job wait for as many leases as it needs beside those that are held."""
        (held,) = self._database.execute(
            "SELECT count(*) FROM leases WHERE job_id = ? AND state = 'held'", job_id
        ).fetchone()
        missing = votes_on(self._database, job_id).missing(held)
        self._database.execute(
            "UPDATE jobs SET state = ? WHERE job_id = ? AND state IN ('queued', 'leased')",
            "queued" if missing > 0 else "leased",
            job_id,
        )

    def requeue(self, job_id: str) -> None:
        """Send a job to the end of the line."""
        self._database.execute(
            "UPDATE jobs SET place = ? WHERE job_id = ?", self._next_place(), job_id
        )
        self.update(job_id)

    def fail(self, lease: sqlite3.Row) -> bool:
        """Note that a home has failed a job; tell whether it has failed too often.

        One home's word is not enough where there are others, nor does it count where one of them
        has a result.
        """
        self._database.execute("UPDATE leases SET failed = 1 WHERE lease_id = ?", lease["lease_id"])
        failures, homes, results = self._database.execute(
            "SELECT sum(failed), count(DISTINCT iif(failed, value, NULL)), sum(state = 'delivered')"
            " FROM leases LEFT JOIN json_each(?) ON value = home_id WHERE job_id = ?",
            self._homes,
            lease["job_id"],
        ).fetchone()
        return bool(failures >= MOST_FAILURES and homes >= self._enough_homes and not results)

    def _next_place(self) -> int:
        (place,) = self._database.execute("SELECT coalesce(max(place), 0) + 1 FROM jobs").fetchone()
        return int(place)

    def _asker(self, home_id: str, radiator_id: str, now: float) -> dict[str, object]:
        return {
            "home_id": home_id,
            "radiator_id": radiator_id,
            "homes": self._homes,
            "active_from": now - ACTIVE_S,
        }
