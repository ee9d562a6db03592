"""How many cores jobs may count on."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from custom_components.qheat.compute.cores import usable_cores


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 8),
        ({"cpu.max": "garbage\n"}, 8),
        ({"cpu.max": "100000 0\n"}, 8),
        ({"slice/home/cpu.max": "300000 100000\n"}, 3),
        ({"slice/home/cpu.max": "max 100000\n", "cpu.max": "200000 100000\n"}, 2),
        ({"slice/home/cpu.max": "400000 100000\n", "slice/cpu.max": "300000 100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_jobs_count_on_no_more_cores_than_their_container_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str], cores: int
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    own = tmp_path / "own"
    own.write_text("0::/slice/home\n" if "slice/home/cpu.max" in files else "1:cpu:/\n0::/\n")
    assert usable_cores(tmp_path, own) == cores


def test_there_are_some_cores_here() -> None:
    assert 1 <= usable_cores() <= (os.process_cpu_count() or 1)
