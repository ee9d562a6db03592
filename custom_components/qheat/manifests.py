"""Signed manifests: what a publisher says that a module is and may take, and the proof of it.

Both ends of the job API read them, and neither trusts the other. Times come in as `now`, in
seconds since the epoch.
"""

import json
from base64 import b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import wire
from .wire import FieldError, Fields

ABI: Final = "wasm32-wasi-1"
MOST_MANIFEST_BYTES: Final = 1024
MOST_EXPIRES: Final = 253_402_300_799  # the end of the year 9999

_MOST_SERIAL: Final = 2**53 - 1  # what every reader of JSON keeps exactly
_SIGNATURE_BYTES: Final = 64
_KEY_BYTES: Final = 32
_CONTEXT: Final = b"qheat manifest 1\n"
"""Signed before the manifest, so that no signature made for another purpose fits."""
_GROUP: Final = 4


class ExpiredError(ValueError):
    """The manifest's time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a publisher says of one module, and the most that a job of it may take."""

    abi: str
    module_sha256: str
    kind: str
    memory_bytes: int
    cpu_s: int
    output_bytes: int
    serial: int
    """Of two manifests for one module the one with the higher serial counts."""
    expires: int

    def encode(self) -> bytes:
        """Return the one text that is signed: keys sorted, no spaces, ASCII, whole numbers."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    def covers(self, kind: str, memory_bytes: int, cpu_s: float, output_bytes: int) -> bool:
        """Tell whether a job of this kind may take so much."""
        return (
            kind == self.kind
            and memory_bytes <= self.memory_bytes
            and cpu_s <= self.cpu_s
            and output_bytes <= self.output_bytes
        )


def read_manifest(text: bytes) -> Manifest:
    """Read a canonical manifest; raises FieldError for any other text, whatever it means."""
    if len(text) > MOST_MANIFEST_BYTES:
        raise FieldError("manifest is too long")
    fields = wire.read_object(text)
    if fields.get("abi") != ABI:
        raise FieldError(f"abi is not {ABI}")
    manifest = Manifest(
        abi=ABI,
        module_sha256=wire.sha256(fields, "module_sha256"),
        kind=wire.name(fields, "kind"),
        memory_bytes=wire.integer(fields, "memory_bytes", 1, wire.MOST_MEMORY_BYTES),
        cpu_s=wire.integer(fields, "cpu_s", 1, wire.MOST_CPU_S),
        output_bytes=wire.integer(fields, "output_bytes", 0, wire.MOST_OUTPUT_BYTES),
        serial=wire.integer(fields, "serial", 0, _MOST_SERIAL),
        expires=wire.integer(fields, "expires", 0, MOST_EXPIRES),
    )
    # Two readers of a text that is not canonical could read two different manifests in it.
    if manifest.encode() != text:
        raise FieldError("manifest is not canonical JSON")
    return manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedManifest:
    """A manifest's text, its signature and the key that made it; nothing of it is checked yet."""

    manifest: bytes
    signature: bytes
    public_key: bytes

    @classmethod
    def read(cls, message: Fields) -> Self:
        """Read a message's fields; raises FieldError."""
        return cls(
            manifest=wire.data(message, "manifest", MOST_MANIFEST_BYTES),
            signature=_exactly(message, "signature", _SIGNATURE_BYTES),
            public_key=read_public_key(message),
        )

    def to_message(self) -> Fields:
        """Return the fields that `read` reads."""
        return {name: b64encode(data).decode() for name, data in asdict(self).items()}

    @property
    def publisher(self) -> str:
        """The publisher's fingerprint."""
        return fingerprint(self.public_key)

    def verify(self, now: float) -> Manifest:
        """Return the manifest; raises FieldError if it is forged, ExpiredError if it is old."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(self.signature, signed_bytes(self.manifest))
        except (InvalidSignature, ValueError) as error:
            raise FieldError("signature is not the key's for this manifest") from error
        manifest = read_manifest(self.manifest)
        # Written so that a clock that is no number lets nothing pass.
        if not now < manifest.expires:
            raise ExpiredError("the manifest has expired")
        return manifest


def signed_bytes(manifest: bytes) -> bytes:
    """Return what a publisher signs for a manifest."""
    return _CONTEXT + manifest


def fingerprint(public_key: bytes) -> str:
    """Return a key's SHA-256 in groups of hexadecimal digits, for people to compare."""
    return _grouped(sha256(public_key).hexdigest())


def read_public_key(message: Fields) -> bytes:
    """Return a message's key; raises FieldError."""
    return _exactly(message, "public_key", _KEY_BYTES)


def read_fingerprint(text: str) -> str:
    """Return a fingerprint as `fingerprint` writes it, however a person grouped it.

    Raises ValueError for what is none.
    """
    digits = "".join(c for c in text.lower() if c not in " :-")
    if len(digits) != sha256().digest_size * 2 or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("not the fingerprint of a key")
    return _grouped(digits)


def _grouped(digits: str) -> str:
    return " ".join(digits[i : i + _GROUP] for i in range(0, len(digits), _GROUP))


def _exactly(message: Fields, name: str, size: int) -> bytes:
    data = wire.data(message, name, size)
    if len(data) != size:
        raise FieldError(f"{name} is not {size} bytes long")
    return data
