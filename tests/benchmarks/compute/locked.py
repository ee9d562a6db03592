"""A job in a locked worker of its own, watched from outside; no runner and no budget."""

import select
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import wasmtime

from custom_components.qheat.backend import catalogue
from custom_components.qheat.compute.sandbox.child import Child, Success
from custom_components.qheat.compute.sandbox.frames import Frame
from custom_components.qheat.compute.sandbox.work import Limits, Mode
from tests.jobs.host import shrink

KINDS: Final = ("option_price", "picture_tile", "docking")
LOOK_MS: Final = 5

_LIMITS: Final = Limits(memory_bytes=8 << 20, cpu_s=300.0, output_bytes=64 << 10)
_WASMTIME: Final = str(Path(wasmtime.__file__).parents[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a worker took from its start to its end."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    """The most of its memory that was in use, as far as looking every few ms shows it."""


def run_locked(module: bytes, input_data: bytes, *, count_fuel: bool = False) -> Ran:
    """Run a job to its end, which has to be a good one."""
    header = {"mode": Mode.JOB, "module_bytes": len(module), "count_fuel": count_fuel}
    begun_s, peak_kib = time.perf_counter(), 0
    child = Child(Frame({**header, **_LIMITS.to_json()}, module + input_data), _LIMITS, _WASMTIME)
    ended = select.poll()
    ended.register(child.descriptor, select.POLLIN)
    status = Path(f"/proc/{child._pid}/status")
    while not ended.poll(LOOK_MS):
        peak_kib = max(peak_kib, _peak_kib(status.read_text()))
    wall_s = time.perf_counter() - begun_s
    outcome, cpu_s = child.reap()
    assert isinstance(outcome, Success), outcome
    return Ran(wall_s=wall_s, cpu_s=cpu_s, peak_mib=peak_kib / 1024)


def job_of(kind: str, **smaller: int) -> bytes:
    """Return the input of the first shipped job of a kind, with less work in it."""
    offers = filter(None, map(catalogue.offer, range(len(KINDS))))
    first = next(offer for offer in offers if offer.kind == kind)
    return shrink(first.input_data, **smaller)


def _peak_kib(status: str) -> int:
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) if lines else 0  # a process that has ended has none
