"""Three jobs as small as can be, as WebAssembly: one that ends well and two that do not."""

from wasmtime import wat2wasm


def _command(body: str) -> bytes:
    return bytes(
        wat2wasm(f"""(module
          (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start") {body}))""")
    )


# One vector at 0: its bytes at 100, as many as fit; how many there were is told at 4, its length.
ECHO = _command(
    """(i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 1000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"""
)
LOOP = _command("(loop $ever (br $ever))")
TRAP = _command("unreachable")
