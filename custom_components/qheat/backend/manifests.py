"""The signed manifests of uploaded modules."""

from ..manifests import Manifest, SignedManifest, read_manifest
from .database import Database
from .work import BlobUnknownError, ManifestOldError


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

    def keep(self, signed: SignedManifest, manifest: Manifest) -> bool:
        """Keep a verified manifest and tell whether it is new.

        Raises BlobUnknownError,
        ManifestOldError.
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
