"""The three shipped kernels as WebAssembly in the locked worker, against `gcc -O2`.

The same sources, and CPU time, which other programs on the machine change little. A worker's start
and compilation are measured by a job with next to no work in it, and left out.
"""

import resource
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from custom_components.qheat.backend.catalogue import load_module

from .figure import Figure
from .locked import KINDS, job_of, run_locked

REPEATS: Final = 5
_WORK: Final[Mapping[str, Mapping[str, int]]] = {
    "option_price": {"paths": 600_000},
    "picture_tile": {"samples": 8},
    "docking": {"runs": 4},
}
"""About half a second of each."""

_LEAST: Final[Mapping[str, Mapping[str, int]]] = {
    "option_price": {"paths": 1000},
    "picture_tile": {"samples": 1, "columns": 1, "rows": 1},
    "docking": {"runs": 1, "steps": 1},
}
_SOURCES: Final = Path(__file__).parents[3] / "jobs" / "src"
_MORE: Final[Mapping[str, tuple[str, ...]]] = {"picture_tile": ("room.c",)}


async def measure(effort: float) -> list[Figure]:
    """Return how many times as long the kernels take; nothing where there is no compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return [Figure(name="wasm against gcc -O2", value="skipped: there is no gcc here")]
    with tempfile.TemporaryDirectory(prefix="qheat-native-") as folder:
        return [
            _compare(kind, _build(compiler, kind, Path(folder, kind)), effort) for kind in KINDS
        ]


def work_of(kind: str, effort: float) -> bytes:
    """Return a job of a kind, with less work in it where there is less effort."""
    some = {name: max(round(most * effort), 1) for name, most in _WORK[kind].items()}
    return job_of(kind, **some)


def _compare(kind: str, program: Path, effort: float) -> Figure:
    module, job, none = load_module(kind), work_of(kind, effort), job_of(kind, **_LEAST[kind])
    repeats = max(round(REPEATS * effort), 1)

    def start_s(*, count_fuel: bool) -> float:
        runs = (run_locked(module, none, count_fuel=count_fuel).cpu_s for _ in range(repeats))
        return statistics.median(runs)

    plain_s, counting_s = start_s(count_fuel=False), start_s(count_fuel=True)
    native, wasm, counted = [], [], []
    for _ in range(repeats):
        native.append(_native_s(program, job))
        wasm.append(run_locked(module, job).cpu_s - plain_s)
        counted.append(run_locked(module, job, count_fuel=True).cpu_s - counting_s)
    return Figure(
        name=f"{kind}: wasm against gcc -O2",
        value=f"{_times(wasm, native):.2f} times the CPU time, {_times(counted, native):.2f} while "
        f"fuel is counted, which costs {100 * (_times(counted, wasm) - 1):.0f} % "
        f"({statistics.median(native):.2f} s native)",
    )


def _times(ours: list[float], others: list[float]) -> float:
    """Return the median of the rounds' ratios."""
    return statistics.median(own / other for own, other in zip(ours, others, strict=True))


def _build(compiler: str, kind: str, program: Path) -> Path:
    """Compile a kernel's sources as `jobs/build` does, for this machine."""
    sources = [_SOURCES / name for name in (f"{kind}.c", *_MORE.get(kind, ()), "job.c")]
    flags = ("-std=c17", "-O2", "-ffp-contract=off", "-D_GNU_SOURCE")
    subprocess.run([compiler, *flags, *sources, "-o", program, "-lm"], check=True)
    return program


def _native_s(program: Path, job: bytes) -> float:
    before_s = _children_s()
    subprocess.run([program], input=job, stdout=subprocess.DEVNULL, check=True)
    return _children_s() - before_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
