"""Whose modules may run here: those of publishers that the user has accepted."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from ..manifests import ExpiredError, Manifest
from ..wire import FieldError
from .engine import EngineError, EngineProblem
from .messages import JobLease

MOST_SERIALS: Final = 10_000


class UntrustedError(EngineError):
    """A lease's module may not run here; `problem` says what a person can do about it."""


class Trust:
    """The publishers that a user has accepted, by their keys' fingerprints.

    `serials` are those that were seen before; `keep` is handed them whenever they change.
    """

    def __init__(
        self,
        publishers: Collection[str] = (),
        *,
        serials: Mapping[str, int] | None = None,
        keep: Callable[[Mapping[str, int]], None] = lambda _serials: None,
    ) -> None:
        self._publishers = frozenset(publishers)
        self._serials = dict(serials or {})
        self._keep = keep

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
        self._check_serial(signed.publisher, manifest)
        limits = lease.limits
        if manifest.module_sha256 != lease.module_sha256 or not manifest.covers(
            lease.kind, limits.memory_bytes, limits.cpu_s, limits.output_bytes
        ):
            raise UntrustedError(
                EngineProblem.BACKEND_FAULTY, "the manifest does not cover the lease"
            )

    def _check_serial(self, publisher: str, manifest: Manifest) -> None:
        """Raise UntrustedError if the publisher has replaced the manifest, as far as is known."""
        module = f"{publisher} {manifest.module_sha256}"
        known = self._serials.get(module, -1)
        if manifest.serial < known:
            raise UntrustedError(EngineProblem.BACKEND_FAULTY, "a newer manifest was seen before")
        if manifest.serial > known:
            self._serials.pop(module, None)
            self._serials[module] = manifest.serial
            if len(self._serials) > MOST_SERIALS:
                del self._serials[next(iter(self._serials))]
            self._keep(self._serials)
