"""The `key=value` lines in which jobs take their input and give their output."""

import math
import re
from collections.abc import Iterable

_LINE = re.compile(r"(?P<key>[a-z_]{1,16})=(?P<number>-?\d{1,20}(\.\d{1,20})?(e[+-]\d{1,3})?)\n")


class FieldsError(ValueError):
    """A job's input or output does not read as it should; the message says why."""


def write_fields(fields: Iterable[tuple[str, str | float]]) -> bytes:
    """Write one `key=value` line per field."""
    return "".join(f"{key}={value}\n" for key, value in fields).encode("ascii")


def read_words(data: bytes) -> dict[str, list[str]]:
    """Read a job's input, written by ourselves: the values of each key, in their order."""
    words: dict[str, list[str]] = {}
    for line in data.decode("ascii").splitlines():
        key, _, value = line.partition("=")
        words.setdefault(key, []).append(value)
    return words


def read_numbers(output: bytes, keys: tuple[str, ...]) -> dict[str, float]:
    """Read a job's output, which anyone may have written: exactly `keys`, in this order.

    Raises FieldsError unless every value is a finite decimal number.
    """
    if len(output) > 64 * len(keys):
        raise FieldsError("longer than its numbers need")
    try:
        text = output.decode("ascii")
    except UnicodeDecodeError:
        raise FieldsError("not text") from None
    lines = text.splitlines(keepends=True)
    matches = [_LINE.fullmatch(line) for line in lines]
    numbers = {match["key"]: float(match["number"]) for match in matches if match}
    if tuple(numbers) != keys or len(lines) != len(keys):
        raise FieldsError(f"not exactly the numbers {', '.join(keys)}")
    if not all(math.isfinite(number) for number in numbers.values()):
        raise FieldsError("a number is not finite")
    return numbers
