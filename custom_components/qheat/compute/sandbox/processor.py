"""How busy this computer's processors are, from `/proc/stat` (see proc(5))."""

import os
from pathlib import Path

_STAT = Path("/proc/stat")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def busy_s(stat: Path = _STAT) -> float:
    """Return the CPU seconds that the cores that we may run on were not idle, since they started.

    Raises OSError, ValueError or KeyError where the kernel does not tell.
    """
    lines = [line.split() for line in stat.read_text().splitlines() if line.startswith("cpu")]
    ticks = {name: _busy(counts) for name, *counts in lines}
    own = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    # Where a container numbers its cores anew (LXC), all that are listed are ours.
    names = own if own <= ticks.keys() else {"cpu"}
    return sum(ticks[name] for name in names) / _TICKS_PER_S


def _busy(counts: list[str]) -> int:
    user, nice, system, _idle, _waiting, irq, soft_irq, stolen = map(int, counts[:8])
    return user + nice + system + irq + soft_irq + stolen
