"""How many cores this process may keep busy: those that it may run on, within its quota.

A container's quota (`docker --cpus`, systemd's CPUQuota) counts for all of it: when jobs have used
it up, Home Assistant stands still, too, until the next tenth of a second.
"""

import os
from math import floor, inf
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN) -> int:
    """Return the number of whole cores, 1 at least; reads files, so not for a loop."""
    return max(1, floor(min(os.process_cpu_count() or 1, _quota(cgroups, own))))


def _quota(cgroups: Path, own: Path) -> float:
    # Version 2 of cgroups has "0::" before the path of ours, and one file; version 1 has two.
    paths = [line[3:] for line in _text(own).splitlines() if line.startswith("0::")]
    folder = cgroups / (paths[0].lstrip("/") if paths else "")
    old = _text(cgroups / "cpu/cpu.cfs_quota_us"), _text(cgroups / "cpu/cpu.cfs_period_us")
    # Each group's counts for all groups in it: a service may be in a slice or a container.
    texts = [" ".join(old), *(_text(group / "cpu.max") for group in (folder, *folder.parents))]
    return min(map(_cores, texts))


def _cores(text: str) -> float:
    try:
        quota_us, period_us = map(int, text.split())
        return quota_us / period_us if quota_us > 0 else inf
    except ValueError, ZeroDivisionError:
        return inf  # "max", or nothing that we know


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
