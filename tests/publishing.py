"""A publisher as tests need one: a key of its own, and manifests signed with it."""

import dataclasses
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custom_components.qheat.manifests import ABI, Manifest, SignedManifest, signed_bytes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
MANIFEST = Manifest(
    abi=ABI,
    module_sha256="ab" * 32,
    kind="echo",
    memory_bytes=1 << 24,
    cpu_s=600,
    output_bytes=1 << 20,
    serial=7,
    expires=4_000_000_000,
)


def manifest_of(module_sha256: str, **changes: Any) -> Manifest:
    return dataclasses.replace(MANIFEST, module_sha256=module_sha256, **changes)


def signed(text: bytes | Manifest, key: Ed25519PrivateKey = KEY) -> SignedManifest:
    manifest = text.encode() if isinstance(text, Manifest) else text
    return SignedManifest(
        manifest=manifest,
        signature=key.sign(signed_bytes(manifest)),
        public_key=key.public_key().public_bytes_raw(),
    )
