"""What a hostile module can do to the machine: nothing but end itself."""

import struct
from collections.abc import Mapping
from typing import Final

import pytest
from wasmtime import wat2wasm

from custom_components.qheat.compute.machine import Limits, WorkError, WorkFault

from .guests import ECHO, LIMITS, LOOP, OWNER, command, digest, machine_for

COUNT_PAGES = """(local $pages i32)
    (loop $more
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then
        (local.set $pages (i32.add (local.get $pages) (i32.const 1)))
        (i32.store (i32.mul (local.get $pages) (i32.const 65536)) (i32.const 1))
        (br $more))))
    (call $tell (local.get $pages))"""
COUNT_ELEMENTS = """(local $elements i32)
    (loop $more
      (if (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1)) (then
        (local.set $elements (i32.add (local.get $elements) (i32.const 10000)))
        (br $more))))
    (call $tell (local.get $elements))"""
BAD_POINTERS = """
    (call $tell (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8)))
    (call $tell (call $fd_write (i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 8)))
    (call $tell (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 8)))
    (call $tell (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const -1)))
    (call $tell (call $random (i32.const 0) (i32.const -1)))
    (call $tell (call $random (i32.const -1) (i32.const 8)))
    (call $tell (call $poll (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)))"""
FLOOD = """(i32.store (i32.const 4) (i32.const 65000))
    (loop $ever
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $ever))"""
START_LOOP = "(func $s (loop $ever (br $ever))) (start $s)"
RECURSION = "(func $deep (param i64) (call $deep (i64.add (local.get 0) (i64.const 1))) (nop))"
OTHER_IMPORT = """(module (import "env" "system" (func (param i32) (result i32)))
    (memory (export "memory") 1) (func (export "_start")))"""
MISTYPED_IMPORT = """(module (import "wasi_snapshot_preview1" "fd_write" (func (param i64)))
    (memory (export "memory") 1) (func (export "_start")))"""
MEMORY = '(memory (export "memory") 1)'
START = '(func (export "_start"))'
NO_COMMANDS: Final[Mapping[str, bytes | bytearray]] = {
    "nothing": b"",
    "not WebAssembly": b"\x7fELF" + bytes(100),
    "cut off": ECHO[:-10],
    "another import": wat2wasm(OTHER_IMPORT),
    "an import of another type": wat2wasm(MISTYPED_IMPORT),
    "no _start": wat2wasm(f"(module {MEMORY})"),
    "no memory": wat2wasm(f"(module {START})"),
    "_start with an argument": wat2wasm(f"(module {MEMORY} {START[:-1]} (param i32)))"),
    "threads": wat2wasm(f'(module (memory (export "memory") 1 2 shared) {START})'),
    "64 bits": wat2wasm(f'(module (memory (export "memory") i64 1) {START})'),
    "two memories": wat2wasm(f"(module {MEMORY} (memory 1) {START})"),
    "garbage collection": wat2wasm(f"(module {MEMORY} (type (struct)) {START})"),
}


def _many_functions(count: int) -> bytes:
    """Return a module of `count` functions, each with a little work for the compiler."""
    body = bytes((14, 0)) + b"\x41\x01\x41\x02\x6a\x41\x03\x6c\x1a" + b"\x41\x01\x1a\x0b"
    body = bytes((len(body) - 1,)) + body[1:]
    parts = [(1, b"\x01\x60\x00\x00"), (3, _leb(count) + bytes(count))]
    parts += [(5, b"\x01\x00\x01"), (7, b"\x02\x06memory\x02\x00\x06_start\x00\x00")]
    parts += [(10, _leb(count) + body * count)]
    sections = b"".join(bytes((kind,)) + _leb(len(data)) + data for kind, data in parts)
    return b"\0asm\x01\0\0\0" + sections


def _leb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


async def _fault(module: bytes, limits: Limits = LIMITS) -> WorkError:
    """Run a module that cannot succeed; see that the machine works on afterwards."""
    async with machine_for() as machine:
        with pytest.raises(WorkError) as caught:
            await machine.run(OWNER, module, b"", limits, digest(module))
        assert (await machine.run(OWNER, ECHO, b"well", LIMITS, digest(ECHO))).output == b"well"
    return caught.value


async def _told(module: bytes) -> tuple[int, ...]:
    async with machine_for() as machine:
        output = (await machine.run(OWNER, module, b"", LIMITS, digest(module))).output
    return struct.unpack(f"<{len(output) // 4}I", output)


@pytest.mark.parametrize("module", [LOOP, command("", more=START_LOOP)], ids=["loop", "start"])
async def test_a_job_that_loops_for_ever_is_killed_at_its_cpu_limit(module: bytes) -> None:
    limits = Limits(memory_bytes=1 << 20, cpu_s=0.5, output_bytes=0)

    error = await _fault(module, limits)

    assert error.fault is WorkFault.OUT_OF_TIME
    assert error.cpu_s >= 0.5


async def test_a_job_that_asks_for_four_gibibytes_gets_none() -> None:
    assert (await _fault(command("", memory="65536"))).fault is WorkFault.OUT_OF_MEMORY


async def test_a_memory_bomb_stops_at_its_limit() -> None:
    assert await _told(command(COUNT_PAGES)) == ((LIMITS.memory_bytes >> 16) - 1,)


async def test_a_table_bomb_stops_at_its_limit() -> None:
    (elements,) = await _told(command(COUNT_ELEMENTS, more="(table $t 0 funcref)"))

    assert elements <= 100_000


async def test_a_large_table_is_refused() -> None:
    error = await _fault(command("", more="(table 100000000 funcref)"))

    assert error.fault is WorkFault.REFUSED


async def test_an_output_flood_ends_the_job() -> None:
    assert (await _fault(command(FLOOD))).fault is WorkFault.OUTPUT_TOO_LARGE


async def test_deep_recursion_ends_the_job() -> None:
    error = await _fault(command("(call $deep (i64.const 0))", more=RECURSION))

    assert error.fault is WorkFault.TRAPPED
    assert "stack" in str(error)


async def test_bad_pointers_and_sleep_give_an_errno() -> None:
    assert await _told(command(BAD_POINTERS)) == (21, 21, 21, 21, 28, 21, 52)


async def test_an_exit_code_other_than_nought_is_no_result() -> None:
    error = await _fault(command("(call $exit (i32.const 3))"))

    assert (error.fault, str(error)) == (WorkFault.TRAPPED, "exit code 3")


async def test_exit_code_nought_is_a_result() -> None:
    assert await _told(command("(call $tell (i32.const 5)) (call $exit (i32.const 0))")) == (5,)


async def test_a_trap_says_what_it_was() -> None:
    error = await _fault(command("(unreachable)"))

    assert (error.fault, str(error)) == (WorkFault.TRAPPED, "unreachable")


async def test_modules_that_are_no_plain_commands_are_refused() -> None:
    async with machine_for() as machine:
        for what, module in NO_COMMANDS.items():
            with pytest.raises(WorkError) as caught:
                await machine.run(OWNER, bytes(module), b"", LIMITS, digest(bytes(module)))
            assert caught.value.fault is WorkFault.REFUSED, what
        assert (await machine.run(OWNER, ECHO, b"well", LIMITS, digest(ECHO))).output == b"well"


async def test_a_long_name_of_a_module_does_not_hide_why_it_is_refused() -> None:
    module = wat2wasm(OTHER_IMPORT.replace("system", "system" * 10_000))
    limits = Limits(memory_bytes=1 << 20, cpu_s=20.0, output_bytes=0)

    assert (await _fault(bytes(module), limits)).fault is WorkFault.REFUSED


async def test_a_compile_bomb_is_stopped_before_it_fills_the_memory() -> None:
    error = await _fault(_many_functions(600_000))

    assert error.fault in {WorkFault.OUT_OF_MEMORY, WorkFault.OUT_OF_TIME}
