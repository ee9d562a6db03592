"""How busy this computer's processors are, from `/proc/stat` (see proc(5))."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def busy_s() -> float:
    """Return the CPU seconds that all cores together were not idle, since the computer started.

    Raises OSError or ValueError where the kernel does not tell.
    """
    with Path("/proc/stat").open("rb") as stat:
        user, nice, system, _idle, _waiting, irq, soft_irq, stolen = map(
            int, stat.readline().split()[1:9]
        )
    return (user + nice + system + irq + soft_irq + stolen) / _TICKS_PER_S
