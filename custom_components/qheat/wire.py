"""Read a JSON message that a stranger wrote: every field is checked, unknown ones are ignored.

Both ends of the job API use it and its bounds, because neither trusts the other.
"""

import json
import math
import re
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, NoReturn

type Fields = Mapping[str, object]

MOST_LEASES: Final = 64
MOST_PUBLISHERS: Final = 100
MOST_KINDS: Final = 16
"""Of each publisher."""
MOST_MEMORY_BYTES: Final = 1 << 30
MOST_CPU_S: Final = 86_400
MOST_OUTPUT_BYTES: Final = 8 * 1024 * 1024
"""What a job may take and give at most."""

_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


class FieldError(ValueError):
    """A message is not what it has to be; the text names the field and never its value."""


def read_object(body: bytes) -> Fields:
    """Return the JSON object in `body`; NaN and infinities are no JSON here."""
    try:
        value = json.loads(body, parse_constant=_refuse)
    except ValueError, RecursionError:
        value = None
    if not isinstance(value, dict):
        raise FieldError("not a JSON object")
    return value


def number(message: Fields, name: str, low: float, high: float) -> float:
    """Return a number from `low` to `high`."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FieldError(f"{name} is not a number from {low} to {high}")
    return float(value)


def integer(message: Fields, name: str, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`; to JSON 2.0 is one as well."""
    value = message.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise FieldError(f"{name} is not a whole number from {low} to {high}")
    return value


def flag(message: Fields, name: str) -> bool:
    """Return true or false."""
    value = message.get(name)
    if not isinstance(value, bool):
        raise FieldError(f"{name} is neither true nor false")
    return value


def name(message: Fields, name: str) -> str:
    """Return an identifier: 1 to 64 letters, digits and `._:-`."""
    return _matching(message, name, _NAME)


def is_name(text: str) -> bool:
    """Tell whether a text could be an identifier in a message."""
    return _NAME.fullmatch(text) is not None


def choice[E: StrEnum](message: Fields, name: str, kind: type[E]) -> E:
    """Return a member of an enumeration."""
    value = message.get(name)
    if not isinstance(value, str) or value not in kind:
        raise FieldError(f"{name} is none of {', '.join(kind)}")
    return kind(value)


def sha256(message: Fields, name: str) -> str:
    """Return a SHA-256 in lower-case hexadecimal digits."""
    return _matching(message, name, _SHA256)


def money(message: Fields, name: str) -> Decimal:
    """Return an exact amount, written as a string of digits with at most one point."""
    return Decimal(_matching(message, name, _DECIMAL))


def currency(message: Fields, name: str) -> str:
    """Return a currency's three capital letters."""
    return _matching(message, name, _CURRENCY)


def data(message: Fields, name: str, most: int) -> bytes:
    """Return at most `most` bytes, written in base64."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) > base64_length(most):
        raise FieldError(f"{name} is not base64 of at most {most} bytes")
    try:
        found = b64decode(value, validate=True)
    except ValueError as error:
        raise FieldError(f"{name} is not base64") from error
    if len(found) > most:
        raise FieldError(f"{name} is more than {most} bytes")
    return found


def base64_length(size: int) -> int:
    """Return the characters that base64 takes for `size` bytes."""
    return (size + 2) // 3 * 4


def names(message: Fields, name_of_list: str, most: int) -> tuple[str, ...]:
    """Return a list of at most `most` identifiers."""
    values = _list(message, name_of_list, most)
    return tuple(name({name_of_list: value}, name_of_list) for value in values)


def objects(message: Fields, name: str, most: int) -> tuple[Fields, ...]:
    """Return a list of at most `most` objects."""
    values = _list(message, name, most)
    found = tuple(value for value in values if isinstance(value, dict))
    if len(found) != len(values):
        raise FieldError(f"{name} holds something else than objects")
    return found


def child(message: Fields, name: str) -> Fields:
    """Return an object inside the object."""
    value = message.get(name)
    if not isinstance(value, dict):
        raise FieldError(f"{name} is not an object")
    return value


def seconds_text(text: str | None, most: float) -> float | None:
    """Return the seconds that a header's value states, cut at `most`; None where it states none."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return min(value, most) if value >= 0 else None


def _list(message: Fields, name: str, most: int) -> list[object]:
    value = message.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise FieldError(f"{name} is not a list of at most {most}")
    return value


def _matching(message: Fields, name: str, pattern: re.Pattern[str]) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise FieldError(f"{name} is not a text of the right form")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
