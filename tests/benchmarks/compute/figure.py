"""How a benchmark says what it measured."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    value: str


def spread(name: str, seconds: Sequence[float]) -> Figure:
    """Return the median and the longest of some times."""
    middle, longest, count = statistics.median(seconds), max(seconds), len(seconds)
    return Figure(name=name, value=f"{middle:.2f} s; longest {longest:.2f} s, n = {count}")
