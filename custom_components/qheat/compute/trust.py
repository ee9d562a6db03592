"""Whose modules may run here: those of publishers that the user has accepted."""

from collections.abc import Collection

from ..manifests import ExpiredError
from ..wire import FieldError
from .engine import EngineProblem
from .messages import JobLease


class UntrustedError(Exception):
    """A lease's module may not run here; `problem` says what a person can do about it."""

    def __init__(self, problem: EngineProblem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class Trust:
    """The publishers that a user has accepted, by their keys' fingerprints."""

    def __init__(self, publishers: Collection[str] = ()) -> None:
        self._publishers = frozenset(publishers)

    def check(self, lease: JobLease, now: float) -> None:
        """Raise UntrustedError unless an accepted publisher signed for all that the lease asks.

        `now` is in seconds since the epoch.
        """
        signed = lease.signed
        if signed is None:
            raise UntrustedError(EngineProblem.BACKEND_FAULTY, "nobody has signed for the module")
        if signed.publisher not in self._publishers:
            raise UntrustedError(EngineProblem.PUBLISHER_NOT_ACCEPTED, signed.publisher)
        try:
            manifest = signed.verify(now)
        except (FieldError, ExpiredError) as error:
            raise UntrustedError(EngineProblem.BACKEND_FAULTY, str(error)) from error
        limits = lease.limits
        if manifest.module_sha256 != lease.module_sha256 or not manifest.covers(
            lease.kind, limits.memory_bytes, limits.cpu_s, limits.output_bytes
        ):
            raise UntrustedError(
                EngineProblem.BACKEND_FAULTY, "the manifest does not cover the lease"
            )
