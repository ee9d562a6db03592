"""The embedded backend's jobs: an endless, deterministic supply of real work.

Pay is play money: it exercises earnings and settlements, and nobody owes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from . import docking, option_price, picture_tile

MODULES: Final[Mapping[str, str]] = {
    "docking": "d09b8edbc78e4eb3e12c8dbb8a294e85b694888ff10239870fd88ca5ecd4a2a2",
    "option_price": "1dd93ac048609dfc0a09c6815f499e853b49a391692e7935db9bf56845f54f76",
    "picture_tile": "d423bf26891d36bdba824711bb9cb77fcf97c19a45339244c0cf5a2d65b12512",
}
"""SHA-256 in hexadecimal of the module of each kind of job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One job of the catalogue: what to run on which input, its limits and its pay."""

    number: int
    kind: str
    module_sha256: str
    input_data: bytes
    memory_bytes: int
    cpu_s: float
    output_bytes: int
    pay: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How jobs of one kind are made and judged, and what each may take and earns."""

    make: Callable[[int], bytes]
    check: Callable[[bytes, bytes], str | None]
    output_bytes: int
    pay: Decimal


_MEMORY_BYTES: Final = 8 * 2**20
_CPU_S: Final = 300.0
"""Limit for one job; about 15 times what it takes on a desktop's core."""

_KINDS: Final[Mapping[str, _Kind]] = {
    "picture_tile": _Kind(
        make=picture_tile.make,
        check=picture_tile.check,
        output_bytes=64 * 1024,
        pay=Decimal("0.0030"),
    ),
    "option_price": _Kind(
        make=option_price.make,
        check=option_price.check,
        output_bytes=1024,
        pay=Decimal("0.0020"),
    ),
    "docking": _Kind(
        make=docking.make,
        check=docking.check,
        output_bytes=1024,
        pay=Decimal("0.0025"),
    ),
}


def offer(number: int) -> Offer:
    """Return the job with this number, from 0 on; the same one every time."""
    turn, place = divmod(number, len(_KINDS))
    name, kind = tuple(_KINDS.items())[place]
    return Offer(
        number=number,
        kind=name,
        module_sha256=MODULES[name],
        input_data=kind.make(turn),
        memory_bytes=_MEMORY_BYTES,
        cpu_s=_CPU_S,
        output_bytes=kind.output_bytes,
        pay=kind.pay,
    )


def check_output(kind: str, input_data: bytes, output: bytes) -> str | None:
    """Return why an output is refused, or None if it is accepted.

    `input_data` is the job's own; `output` may be anything of at most its `output_bytes`.
    """
    return _KINDS[kind].check(input_data, output)


def load_module(kind: str) -> bytes:
    """Read the module of this kind of job from disk."""
    return (Path(__file__).parent / "modules" / f"{kind}.wasm").read_bytes()
