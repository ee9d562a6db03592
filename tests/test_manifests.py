"""Signed manifests: one text for one manifest, and nothing passes that a publisher did not sign."""

import dataclasses
import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.manifests import (
    ABI,
    ExpiredError,
    Manifest,
    SignedManifest,
    fingerprint,
    read_fingerprint,
    read_manifest,
)
from custom_components.qheat.wire import FieldError

from .publishing import MANIFEST, OTHER_KEY, signed

NOW = 1_900_000_000.0
TEXT = MANIFEST.encode()

manifests = st.builds(
    Manifest,
    abi=st.just(ABI),
    module_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    kind=st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
    memory_bytes=st.integers(1, 1 << 30),
    cpu_s=st.integers(1, 86_400),
    output_bytes=st.integers(0, 8 << 20),
    serial=st.integers(0, 2**53 - 1),
    expires=st.integers(0, 253_402_300_799),
)


def changed(**fields: object) -> bytes:
    return json.dumps(
        {**dataclasses.asdict(MANIFEST), **fields}, sort_keys=True, separators=(",", ":")
    ).encode()


def test_the_text_that_is_signed_is_canonical_and_never_changes() -> None:
    assert TEXT == (
        b'{"abi":"wasm32-wasi-1","cpu_s":600,"expires":4000000000,"kind":"echo",'
        b'"memory_bytes":16777216,"module_sha256":"' + b"ab" * 32 + b'","output_bytes":1048576,'
        b'"serial":7}'
    )


@given(manifests)
def test_what_is_signed_is_read_again(manifest: Manifest) -> None:
    assert read_manifest(manifest.encode()) == manifest
    late = max(manifest.expires, 1)
    assert signed(dataclasses.replace(manifest, expires=late)).verify(late - 1).expires == late


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{}",
        TEXT[:-1], TEXT[:40], TEXT + b"\n", b" " + TEXT, TEXT + TEXT,
        TEXT.decode().encode("utf-16"),
        TEXT.replace(b":7}", b":NaN}"), TEXT.replace(b":7}", b":Infinity}"),
        TEXT.replace(b":7}", b":7.0}"), TEXT.replace(b":7}", b":7e0}"),
        TEXT.replace(b":7}", b":-0}"), TEXT.replace(b":7}", b":1e999}"),
        TEXT.replace(b":7}", b":" + b"9" * 700 + b"}"),
        TEXT.replace(b":7}", b":" + b"9" * 9000 + b"}"),
        TEXT.replace(b'"echo"', b'"\\u0065cho"'), TEXT.replace(b'"cpu_s":600', b'"cpu_s": 600'),
        TEXT.replace(b'"cpu_s":600', b'"cpu_s":600,"cpu_s":600'),
        TEXT.replace(b'"cpu_s":600', b'"cpu_s":9,"cpu_s":600'),
        json.dumps(dataclasses.asdict(MANIFEST), separators=(",", ":")).encode(),
        changed(more=1), changed(abi="wasm32-wasi-2"), changed(abi=None), changed(abi=["x"]),
        changed(kind="spa ce"), changed(kind="k" * 65), changed(kind=7), changed(kind="é"),
        changed(module_sha256="AB" * 32), changed(module_sha256="ab" * 31),
        changed(module_sha256=0),
        changed(memory_bytes=0), changed(memory_bytes=True), changed(memory_bytes="1"),
        changed(memory_bytes=(1 << 30) + 1), changed(cpu_s=0), changed(cpu_s=86_401),
        changed(cpu_s=1.5), changed(output_bytes=-1), changed(output_bytes=(8 << 20) + 1),
        changed(serial=-1), changed(serial=2**53), changed(expires=-1), changed(expires=10**12),
    ],
    ids=lambda text: repr(text[-24:]),
)  # fmt: skip
def test_a_text_that_is_no_canonical_manifest_is_refused_even_if_it_is_signed(text: bytes) -> None:
    with pytest.raises(FieldError):
        read_manifest(text)
    with pytest.raises(FieldError):
        signed(text).verify(NOW)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_bytes_come_nothing_worse_than_a_field_error_comes_of_them(text: bytes) -> None:
    with pytest.raises(FieldError):
        read_manifest(text)


@given(st.integers(0, len(TEXT) * 8 - 1))
def test_one_bit_changed_in_a_manifest_is_noticed(bit: int) -> None:
    one = signed(MANIFEST)
    text = bytearray(one.manifest)
    text[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FieldError, match="signature"):
        dataclasses.replace(one, manifest=bytes(text)).verify(NOW)


@given(st.integers(0, 511), st.integers(0, 255))
def test_one_bit_changed_in_signature_or_key_is_noticed(sign_bit: int, key_bit: int) -> None:
    one = signed(MANIFEST)
    signature, key = bytearray(one.signature), bytearray(one.public_key)
    signature[sign_bit // 8] ^= 1 << sign_bit % 8
    key[key_bit // 8] ^= 1 << key_bit % 8
    for forged in (
        dataclasses.replace(one, signature=bytes(signature)),
        dataclasses.replace(one, public_key=bytes(key)),
    ):
        with pytest.raises(FieldError, match="signature"):
            forged.verify(NOW)


def test_another_publishers_signature_does_not_fit() -> None:
    other = signed(MANIFEST, OTHER_KEY)
    with pytest.raises(FieldError, match="signature"):
        dataclasses.replace(signed(MANIFEST), signature=other.signature).verify(NOW)
    assert other.publisher != signed(MANIFEST).publisher
    assert other.verify(NOW) == MANIFEST


def test_the_manifest_alone_signed_without_its_purpose_does_not_pass() -> None:
    bare = dataclasses.replace(signed(MANIFEST, OTHER_KEY), signature=OTHER_KEY.sign(TEXT))
    with pytest.raises(FieldError, match="signature"):
        bare.verify(NOW)


@pytest.mark.parametrize("now", [4_000_000_000.0, 4_000_000_001.0, float("inf"), float("nan")])
def test_an_expired_manifest_is_refused(now: float) -> None:
    with pytest.raises(ExpiredError):
        signed(MANIFEST).verify(now)


def test_a_manifest_covers_its_own_kind_up_to_its_limits() -> None:
    limits = {"kind": "echo", "memory_bytes": 1 << 24, "cpu_s": 600, "output_bytes": 1 << 20}
    assert MANIFEST.covers(**limits)  # type: ignore[arg-type]
    for name in ("memory_bytes", "cpu_s", "output_bytes"):
        more = limits | {name: float(limits[name]) + 1e-3}  # type: ignore[arg-type]
        assert not MANIFEST.covers(**more)  # type: ignore[arg-type]
    assert not MANIFEST.covers(**limits | {"kind": "other"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("manifest", 7), ("manifest", "***"), ("manifest", b64encode(bytes(2000)).decode()),
        ("signature", None), ("signature", b64encode(bytes(63)).decode()), ("signature", "x" * 999),
        ("public_key", {}), ("public_key", b64encode(bytes(31)).decode()),
        ("public_key", b64encode(bytes(33)).decode()),
    ],
)  # fmt: skip
def test_a_message_of_the_wrong_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(FieldError):
        SignedManifest.read({**signed(MANIFEST).to_message(), name: value})


def test_a_message_is_read_as_it_was_signed() -> None:
    assert SignedManifest.read(signed(MANIFEST).to_message()) == signed(MANIFEST)


def test_a_fingerprint_is_the_keys_sha_256_in_groups_and_is_read_however_it_is_grouped() -> None:
    told = fingerprint(bytes(32))
    assert told.startswith("6668 7aad f862 bd77 6c8f c18b 8e9f 8e20 0897 1485")
    assert len(told.split()) == 16
    for written in (told, told.upper(), told.replace(" ", ""), told.replace(" ", ":")):
        assert read_fingerprint(f" {written} ") == told
    for none in ("", told[:-1], f"{told}0", told.replace("6", "g"), "٣" * 64):
        with pytest.raises(ValueError, match="fingerprint"):
            read_fingerprint(none)
