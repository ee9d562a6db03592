"""Modules and inputs, each under its SHA-256: uploaded ones, and those of the catalogue's jobs."""

from collections.abc import Callable
from typing import Final

from .database import Database
from .work import Catalogue, StorageFullError

MOST_STORED_BYTES: Final = 1024**3
KEPT_S: Final = 86_400.0
"""For so long a blob is kept without a job that needs it, and a lease that was given back."""
RESULT_KEPT_S: Final = 7 * 86_400.0
SWEEP_S: Final = 600.0
MOST_SWEPT: Final = 20_000
"""Blobs forgotten at once: whoever else asks does not wait long for a database that has grown."""
EVEN_S: Final = 3600.0
"""Nothing is forgotten before the clock has gone evenly for so long: until then it may be wrong."""

_LEAP_S: Final = 60.0


class Blobs:
    """The blobs in a database; `keep` writes inside the caller's transaction.

    `steady` gives seconds that nobody can turn back or forwards.
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        steady: Callable[[], float],
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._steady = steady
        self._ahead_s: float | None = None
        self._even_since_s = 0.0
        self._swept_at = 0.0

    def keep(self, sha256_hex: str, body: bytes, kept_until: float) -> None:
        """Keep a blob until then at least, in epoch seconds."""
        self._database.execute(
            "INSERT INTO blobs VALUES (?, ?, ?, ?) ON CONFLICT (sha256)"
            " DO UPDATE SET kept_until = max(kept_until, excluded.kept_until)",
            sha256_hex,
            body,
            len(body),
            kept_until,
        )

    def upload(self, sha256_hex: str, body: bytes, now: float) -> bool:
        """Keep what a submitter sent; tell whether it is new. Raises StorageFullError."""
        self.sweep(now)
        with self._database.transaction():
            if is_new := not self.has(sha256_hex):
                self.check_room(len(body))
            self.keep(sha256_hex, body, now + KEPT_S)
            return is_new

    def has(self, sha256_hex: str) -> bool:
        """Tell whether there is a blob with this hash, without reading it."""
        row = self._database.execute("SELECT 1 FROM blobs WHERE sha256 = ?", sha256_hex)
        return row.fetchone() is not None

    def get(self, sha256_hex: str) -> bytes | None:
        """Return the blob with this hash, or None."""
        row = self._database.execute(
            "SELECT body FROM blobs WHERE sha256 = ?", sha256_hex
        ).fetchone()
        return None if row is None else row["body"]

    def module(self, sha256_hex: str) -> bytes | None:
        """Return the WebAssembly module with this hash, or None."""
        kinds = {module: kind for kind, module in self._catalogue.MODULES.items()}
        kind = kinds.get(sha256_hex)
        return self.get(sha256_hex) if kind is None else self._catalogue.load_module(kind)

    def is_own(self, sha256_hex: str) -> bool:
        """Tell whether a module is the catalogue's."""
        return sha256_hex in self._catalogue.MODULES.values()

    def check_room(self, more_bytes: int) -> None:
        """Raise StorageFullError if so much more cannot be promised a place."""
        (stored,) = self._database.execute(
            "SELECT (SELECT coalesce(sum(length(body)), 0) FROM blobs)"
            " + (SELECT coalesce(sum(length(output)), 0) FROM results)"
            " + (SELECT coalesce(sum(output_bytes * (2 * replicas - 1)), 0) FROM jobs"
            " WHERE state IN ('queued', 'leased') AND number IS NULL)"
        ).fetchone()
        if stored + more_bytes > MOST_STORED_BYTES:
            raise StorageFullError

    def sweep(self, now: float) -> None:
        """Forget, now and then, results nobody fetched for long and what no job needs.

        A transaction of its own: whatever is refused next, the room stays free.
        """
        if not self.is_even(now) or 0 <= now - self._swept_at < SWEEP_S:
            return
        self._swept_at = now
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM results WHERE job_id IN (SELECT job_id FROM jobs WHERE number IS NULL"
                " AND state = 'settled' AND closed_at < ?)",
                now - RESULT_KEPT_S,
            )
            self._database.execute(
                "DELETE FROM jobs WHERE state = 'withdrawn' AND closed_at < ?"
                " AND job_id NOT IN (SELECT job_id FROM settlements)",
                now - RESULT_KEPT_S,
            )
            self._database.execute(
                "DELETE FROM leases WHERE state = 'returned' AND NOT failed AND ends_at < ?",
                now - KEPT_S,
            )
            self._database.execute(
                "DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blobs WHERE kept_until < ?"
                " AND NOT EXISTS ("
                "SELECT 1 FROM jobs WHERE (input_sha256 = sha256 OR module_sha256 = sha256)"
                " AND (state IN ('queued', 'leased')"
                " OR (number IS NOT NULL AND job_id IN (SELECT job_id FROM results)))) LIMIT ?)",
                now,
                MOST_SWEPT,
            )
            self._database.execute(
                "DELETE FROM manifests WHERE module_sha256 NOT IN (SELECT sha256 FROM blobs)"
            )

    def is_even(self, now: float) -> bool:
        """Tell whether nobody has turned the clock lately, as far as this process can know."""
        steady_s = self._steady()
        ahead_s = now - steady_s
        if self._ahead_s is None or abs(ahead_s - self._ahead_s) > _LEAP_S:
            self._ahead_s, self._even_since_s = ahead_s, steady_s
        return steady_s - self._even_since_s >= EVEN_S
