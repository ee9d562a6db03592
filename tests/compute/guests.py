"""Small WebAssembly modules, well-meaning and hostile, and a machine to run them on."""

import contextlib
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from wasmtime import wat2wasm

from custom_components.qheat.compute.machine import Limits, Machine

from .homes import machine_with

LIMITS: Final = Limits(memory_bytes=16 << 20, cpu_s=20.0, output_bytes=1 << 20)
OWNER: Final = "radiator"

_WASI: Final = "wasi_snapshot_preview1"
_IMPORTS: Final = f"""
    (import "{_WASI}" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "{_WASI}" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "{_WASI}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "{_WASI}" "random_get" (func $random (param i32 i32) (result i32)))
    (import "{_WASI}" "proc_exit" (func $exit (param i32)))
"""


def command(body: str, *, memory: str = "1", more: str = "") -> bytes:
    """Return a WASI command with `body` for its `_start`.

    Its helper `$tell` outputs an i32; vector and result live in the first 16 bytes of memory.
    """
    return bytes(
        wat2wasm(f"""(module {_IMPORTS}
          (memory (export "memory") {memory})
          (func $tell (param $value i32)
            (i32.store (i32.const 12) (local.get $value))
            (i32.store (i32.const 0) (i32.const 12))
            (i32.store (i32.const 4) (i32.const 4))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
          {more}
          (func (export "_start") {body}))""")
    )


ECHO: Final = command(
    """(i32.store (i32.const 0) (i32.const 64))
    (loop $more
      (i32.store (i32.const 4) (i32.const 65000))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $more (i32.load (i32.const 4))))"""
)
LOOP: Final = command("(loop $ever (br $ever))")
TRAP: Final = command("unreachable")


@contextlib.asynccontextmanager
async def machine_for(*, slots: int = 1) -> AsyncIterator[Machine]:
    """Yield a machine with an urgent budget for OWNER.

    Urgent, because the machine that runs the tests may be busy with other programs.
    """
    async with machine_with(slots=slots) as machine:
        machine.allot(OWNER, float(slots), time.monotonic() + 100.0, urgent=True)
        yield machine


def digest(module: bytes) -> str:
    """Return what vouches for a module: its SHA-256."""
    return sha256(module).hexdigest()


def broken_wasmtime(folder: Path) -> Path:
    """Put a wasmtime in `folder` whose library is another platform's."""
    package = folder / "wasmtime"
    package.mkdir()
    (package / "__init__.py").write_text("raise OSError('wrong ELF class')\n")
    folder.chmod(0o755)
    return folder
