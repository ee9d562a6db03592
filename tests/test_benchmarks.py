"""The benchmarks still run; what they measure is told in the docs."""

from pathlib import Path

import pytest

from tests.benchmarks.compute.__main__ import BENCHMARKS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["leases", "round_trip", "worker"])
async def test_a_benchmark_measures_something(name: str) -> None:
    figures = await BENCHMARKS[name](0.01)

    assert figures
    assert all(any(c in "123456789" for c in figure.value) for figure in figures)


def test_the_short_table_of_rooms_says_what_the_long_one_says() -> None:
    short, long = (
        [line for line in (DOCS / name).read_text("utf-8").splitlines() if line.count("|") == 11]
        for name in ("thermostat.md", "rooms.md")
    )

    assert len(short) > 10
    assert set(short) <= set(long)
