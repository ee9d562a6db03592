"""The worker program: locks itself, runs one job, writes what came of it, and ends.

Its standard input holds the job, one frame; its standard output gets the outcome, one frame.
Both are files in memory, made by the runner.
"""

import hashlib
import os
import sys
from typing import Any, Never

from .frames import Frame, Frames
from .lock import SYSTEM_CALLS, die_with_parent, lock_process
from .work import DETAIL_CHARACTERS, LOCKED, OUTCOME_BYTES, Limits, Lock, Mode, WorkFault


def main(arguments: list[str]) -> Never:
    """Run the job; `arguments` are the parent's process id and the folder that holds wasmtime."""
    parent, wasmtime_folder = int(arguments[0]), arguments[1]
    die_with_parent(parent)
    job = next(Frames().feed(sys.stdin.buffer.read()))
    limits = Limits.from_json(job.header)
    if Mode(job.header["mode"]) is Mode.BURN:
        _burn(parent, limits)
    _run(parent, wasmtime_folder, job, limits)


def _run(parent: int, wasmtime_folder: str, job: Frame, limits: Limits) -> Never:
    module_bytes, count_fuel = int(job.header["module_bytes"]), bool(job.header["count_fuel"])
    module, input_data = job.body[:module_bytes], job.body[module_bytes:]
    sys.path.append(wasmtime_folder)
    try:
        from . import guest  # noqa: PLC0415  # only here can it fail, and say so
    except (ImportError, OSError, RuntimeError) as err:
        _fail(WorkFault.REFUSED, f"cannot load wasmtime: {err}")
    lock = _locked(parent, limits)
    try:
        output, fuel = guest.run(module, input_data, limits, count_fuel=count_fuel)
    except guest.JobError as err:
        _fail(err.fault, str(err))
    except MemoryError:
        _fail(WorkFault.OUT_OF_MEMORY, "the worker's memory is used up")
    _finish({"lock": lock.to_json(), "fuel": fuel}, output)


def _burn(parent: int, limits: Limits) -> Never:
    _locked(parent, limits)
    block = bytes(1 << 20)
    while True:
        hashlib.sha256(block)


def _locked(parent: int, limits: Limits) -> Lock:
    lock = lock_process(
        parent,
        memory_bytes=limits.memory_bytes + 2 * limits.output_bytes,
        cpu_s=limits.cpu_s,
        file_bytes=limits.output_bytes + OUTCOME_BYTES,
    )
    if SYSTEM_CALLS in lock.missing:
        _fail(WorkFault.REFUSED, "system calls cannot be locked")
    os.write(1, LOCKED)
    return lock


def _fail(fault: WorkFault, detail: str) -> Never:
    _finish({"fault": fault, "detail": detail[:DETAIL_CHARACTERS]})


def _finish(header: dict[str, Any], output: bytes = b"") -> Never:
    left = memoryview(Frame(header, output).encode())
    while left:
        left = left[os.write(1, left) :]
    os._exit(0)
