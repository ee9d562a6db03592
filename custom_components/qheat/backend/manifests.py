"""The signed manifests of uploaded modules."""

from base64 import b64encode
from dataclasses import dataclass

from .. import wire
from ..manifests import Manifest, SignedManifest, read_manifest
from .database import Database
from .work import BlobUnknownError, ManifestOldError


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who signs modules, as a home is told."""

    public_key: str
    kinds: list[str]


class Manifests:
    """The manifest of each module, as far as there is one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, module_sha256: str) -> SignedManifest | None:
        """Return the manifest of this module, or None."""
        row = self._database.execute(
            "SELECT manifest, signature, public_key FROM manifests WHERE module_sha256 = ?",
            module_sha256,
        ).fetchone()
        return None if row is None else SignedManifest(**dict(row))

    def publishers(self) -> list[Publisher]:
        """Return who has signed the modules here, and for which kinds of jobs."""
        kinds: dict[bytes, set[str]] = {}
        for row in self._database.execute(
            "SELECT manifest, public_key FROM manifests ORDER BY public_key"
        ):
            kinds.setdefault(row["public_key"], set()).add(read_manifest(row["manifest"]).kind)
        return [
            Publisher(public_key=b64encode(key).decode(), kinds=sorted(signed)[: wire.MOST_KINDS])
            for key, signed in list(kinds.items())[: wire.MOST_PUBLISHERS]
        ]

    def keep(self, signed: SignedManifest, manifest: Manifest) -> bool:
        """Keep a verified manifest and tell whether it is new.

        Raises BlobUnknownError, ManifestOldError.
        """
        with self._database.transaction():
            module = self._database.execute(
                "SELECT 1 FROM blobs WHERE sha256 = ?", manifest.module_sha256
            ).fetchone()
            if module is None:
                raise BlobUnknownError
            known = self.get(manifest.module_sha256)
            if known == signed:
                return False
            if (
                known is not None
                and known.public_key == signed.public_key
                and read_manifest(known.manifest).serial >= manifest.serial
            ):
                raise ManifestOldError
            self._database.execute(
                "INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?)",
                manifest.module_sha256,
                signed.manifest,
                signed.signature,
                signed.public_key,
            )
            return True
