"""In which order the jobs that wait are handed out.

Jobs that this home gave back or got wrong a moment ago come last: another home may do better, and
this one shall not be asked for the same at once. Of the others come first those that pay anything,
of these those that likely end while heat is still wanted, of these those that pay best for each
second of a slot, of these those that wait longest.
"""

from typing import Final

from .replicas import MAY_TAKE

PASSED_OVER_S: Final = 600.0
"""For so long a home gets the jobs last that it gave back."""

# Unpaid jobs are found by the same number that they are ordered by. A double holds any amount of
# the API well enough to compare, and none that is more than nothing becomes nothing.
_RATE: Final = "CAST(coalesce(repayment_per_kwh, :repayment_per_kwh) AS REAL)"
_PAY: Final = "CAST(pay AS REAL)"

# What the last jobs of a module took, as their homes told; a job of a new one may take its limit.
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

NEXT: Final = f"""
    WITH lengths AS MATERIALIZED ({_LENGTHS})
    SELECT job_id FROM jobs JOIN lengths USING (kind, module_sha256)
    WHERE state = 'queued' AND {MAY_TAKE} AND (:unpaid OR {_PAY} > 0 OR {_RATE} > 0)
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
