"""What one job costs before its first instruction: a worker's start, compilation, memory."""

import statistics
import time
from typing import Final

from wasmtime import Engine, Module

from custom_components.qheat.backend.catalogue import load_module
from custom_components.qheat.compute.sandbox import guest
from tests.compute.guests import ECHO

from .figure import Figure
from .kernels import work_of
from .locked import KINDS, run_locked

REPEATS: Final = 15


async def measure(effort: float) -> list[Figure]:
    """Return the time of the smallest job, and each shipped module's compilation and memory."""
    repeats = max(round(REPEATS * effort), 1)
    smallest = [run_locked(ECHO, b"input") for _ in range(repeats)]
    figures = [
        Figure(
            name="worker that gives its input back: start, lock, compile, run, end",
            value=f"{1000 * statistics.median(ran.wall_s for ran in smallest):.0f} ms, of CPU time "
            f"{1000 * statistics.median(ran.cpu_s for ran in smallest):.0f} ms; "
            f"{max(ran.peak_mib for ran in smallest):.0f} MiB at most",
        )
    ]
    for kind in KINDS:
        module = load_module(kind)
        compiled_s = [_compilation_s(module) for _ in range(repeats)]
        peak_mib = run_locked(module, work_of(kind, effort)).peak_mib
        figures.append(
            Figure(
                name=f"{kind}: compilation of {len(module) / 1024:.0f} KiB",
                value=f"{1000 * statistics.median(compiled_s):.0f} ms of CPU time; "
                f"its worker takes {peak_mib:.0f} MiB at most",
            )
        )
    return figures


def _compilation_s(module: bytes) -> float:
    begun_s = time.thread_time()
    Module(Engine(guest._config(count_fuel=False)), module)
    return time.thread_time() - begun_s
