"""What computing on this machine costs and how fast it is, as a table.

python -m tests.benchmarks.compute [--effort 0.1] [leases] [round_trip] [worker] [kernels] [home]

With no names all are run. A small effort is for trying them out: few repetitions say little.
"""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from . import home, kernels, leases, round_trip, worker
from .figure import Figure

BENCHMARKS: Final[Mapping[str, Callable[[float], Awaitable[list[Figure]]]]] = {
    "leases": leases.measure,
    "round_trip": round_trip.measure,
    "worker": worker.measure,
    "kernels": kernels.measure,
    "home": home.measure,
}


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


async def run(names: list[str], effort: float) -> None:
    """Run benchmarks and print their figures as they come."""
    sys.stdout.write(
        f"{time.strftime('%Y-%m-%d %H:%M')}, {os.process_cpu_count()} cores, "
        f"{platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}\n"
    )
    for name in names:
        sys.stdout.write(f"\n{name} ({_load()} before)\n")
        begun_s = time.monotonic()
        for figure in await BENCHMARKS[name](effort):
            sys.stdout.write(f"  {figure.name}: {figure.value}\n")
        sys.stdout.write(f"  took {time.monotonic() - begun_s:.0f} s, {_load()} after\n")
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS])
    given = parser.parse_args()
    asyncio.run(run(given.names or list(BENCHMARKS), given.effort))
