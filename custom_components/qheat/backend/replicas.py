"""Who may take a replica of a job, and when the results of several agree.

A job with n replicas is settled by n equal results: same output, same fuel. Each dissent asks for
one result more, up to 2n - 1, so the n that agree are always the majority; where no n can agree
any more, all are refused. A home takes part in a job once while there are homes that have not;
then each radiator once; a radiator that delivered takes another only if it is alone.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Final

from .database import Database

type Vote = tuple[str, int | None]
"""The output's hash and the fuel of a result."""

ACTIVE_S: Final = 3600.0
"""For so long after its last lease a radiator counts as there."""

_PART: Final = (
    "SELECT 1 FROM leases AS part WHERE part.job_id = jobs.job_id"
    " AND part.state IN ('held', 'delivered', 'settled')"
)

# The plus keeps SQLite from going through all leases that a radiator ever had.
MAY_TAKE: Final = f"""(replicas = 1
    OR NOT EXISTS ({_PART} AND part.home_id = :home_id)
    OR (
        NOT EXISTS (SELECT 1 FROM json_each(:homes) AS home
            WHERE NOT EXISTS ({_PART} AND part.home_id = home.value))
        AND (
            NOT EXISTS ({_PART} AND +part.home_id = :home_id AND part.radiator_id = :radiator_id)
            OR (
                NOT EXISTS ({_PART} AND part.home_id = :home_id
                    AND part.radiator_id = :radiator_id AND part.state = 'held')
                AND NOT EXISTS (SELECT 1 FROM leases AS other WHERE other.granted_at > :active_from
                    AND NOT EXISTS ({_PART} AND +part.home_id = other.home_id
                        AND part.radiator_id = other.radiator_id))
            )
        )
    ))"""  # noqa: S608
"""True of those `jobs` of which this radiator of this home may take a replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What the results delivered for one job say together."""

    replicas: int
    winner: Vote | None
    """What most agree on."""
    agreeing: int
    dissenting: int

    @property
    def agreed(self) -> bool:
        """Whether enough results agree."""
        return self.agreeing >= self.replicas

    @property
    def hopeless(self) -> bool:
        """Whether no further result could make enough of them agree."""
        return self.dissenting >= self.replicas

    def missing(self, held: int) -> int:
        """Return how many leases to grant beside those `held`."""
        return self.replicas - self.agreeing - held


def votes_on(database: Database, job_id: str) -> Votes:
    """Compare what a job's leases have delivered and nobody has settled yet."""
    (replicas,) = database.execute("SELECT replicas FROM jobs WHERE job_id = ?", job_id).fetchone()
    results = delivered(database, job_id)
    votes = Counter((row["output_sha256"], row["fuel"]) for row in results)
    winner = next((vote for vote, _ in votes.most_common(1)), None)
    agreeing = votes[winner] if winner else 0
    return Votes(
        replicas=replicas,
        winner=winner,
        agreeing=agreeing,
        dissenting=len(results) - agreeing,
    )


def delivered(database: Database, job_id: str) -> list[sqlite3.Row]:
    """Return the leases of a job that wait for their settlement, the oldest first."""
    return database.execute(
        "SELECT * FROM leases WHERE job_id = ? AND state = 'delivered' ORDER BY granted_at",
        job_id,
    ).fetchall()
