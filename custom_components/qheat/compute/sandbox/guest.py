"""Compile a job's module and run it on its input, inside a process that is locked already."""

from collections.abc import Callable

from wasmtime import (
    Caller,
    Config,
    Engine,
    Func,
    FuncType,
    Linker,
    MemoryType,
    Module,
    Store,
    Trap,
    ValType,
    WasmtimeError,
)
from wasmtime import Memory as WasmMemory

from . import wasi
from .lock import forbid_new_code
from .work import MAX_FUEL, Limits, WorkFault

_PAGE_BYTES = 64 << 10
_TABLE_ELEMENTS = 100_000
_STACK_BYTES = 512 << 10
_TYPES = {"i": ValType.i32, "I": ValType.i64}

# Core WebAssembly with what compilers emit today: bulk memory, multi-value, SIMD.
_FEATURES_OFF = (
    "wasm_component_model",
    "wasm_custom_page_sizes",
    "wasm_exceptions",
    "wasm_function_references",
    "wasm_gc",
    "wasm_memory64",
    "wasm_multi_memory",
    "wasm_relaxed_simd",
    "wasm_stack_switching",
    "wasm_tail_call",
    "wasm_threads",
    "wasm_wide_arithmetic",
    "gc_support",
    "shared_memory",
)


class JobError(Exception):
    """The job ended without a result."""

    def __init__(self, fault: WorkFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


class _GuestMemory:
    """The memory that the running job exports, with every access checked against its size."""

    caller: Caller

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes; raises wasi.PointerError."""
        return bytes(self._checked(start, size).read(self.caller, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        """Store `data`; raises wasi.PointerError."""
        memory = self._checked(start, len(data))
        if data:
            memory.write(self.caller, bytearray(data), start)

    def _checked(self, start: int, size: int) -> WasmMemory:
        memory = self.caller.get("memory")
        if not isinstance(memory, WasmMemory):
            raise wasi.PointerError("no memory")
        if start + size > memory.data_len(self.caller):
            raise wasi.PointerError(f"{size} bytes at {start}")
        return memory


def run(
    module: bytes, input_data: bytes, limits: Limits, *, count_fuel: bool
) -> tuple[bytes, int | None]:
    """Return the job's output and the fuel that it burnt, if that is counted; raises JobError.

    Fuel is the engine's own measure of the instructions that were run: the same on every machine.
    Memory that becomes executable is forbidden between compiling and running.
    """
    engine = Engine(_config(count_fuel=count_fuel))
    try:
        compiled = Module(engine, module)
    except WasmtimeError as err:
        raise JobError(WorkFault.REFUSED, str(err)) from err
    memory = _GuestMemory()
    system = wasi.Wasi(memory, input_data, limits.output_bytes)
    linker = Linker(engine)
    for name, function in system.functions().items():
        linker.define_func(
            wasi.MODULE, name, _type(name, function), _bind(memory, function), access_caller=True
        )
    _check(compiled, frozenset(system.functions()), limits)
    forbid_new_code()
    store = Store(engine)
    store.set_limits(
        memory_size=limits.memory_bytes,
        table_elements=_TABLE_ELEMENTS,
        instances=1,
        tables=4,
        memories=1,
    )
    if count_fuel:
        store.set_fuel(MAX_FUEL)
    _start(linker, store, compiled)
    return bytes(system.output), MAX_FUEL - store.get_fuel() if count_fuel else None


def _config(*, count_fuel: bool) -> Config:
    config = Config()
    config.consume_fuel = count_fuel
    for feature in _FEATURES_OFF:
        setattr(config, feature, False)
    # Copy-on-write images need memfd_create, and threads need clone: both are forbidden.
    config.memory_init_cow = False
    config.parallel_compilation = False
    config.max_wasm_stack = _STACK_BYTES
    return config


def _type(name: str, function: wasi.Function) -> FuncType:
    results = [] if name == "proc_exit" else [ValType.i32()]
    return FuncType([_TYPES[letter]() for letter in function.parameters], results)


def _bind(memory: _GuestMemory, function: wasi.Function) -> Callable[..., int | None]:
    call = wasi.guarded(function.call)

    def bound(caller: Caller, *arguments: int) -> int | None:
        memory.caller = caller
        return call(*arguments)

    return bound


def _check(module: Module, allowed: frozenset[str], limits: Limits) -> None:
    for wanted in module.imports:
        if wanted.module != wasi.MODULE or wanted.name not in allowed:
            raise JobError(WorkFault.REFUSED, f"imports {wanted.module}.{wanted.name}")
    exports = {export.name: export.type for export in module.exports}
    memory = exports.get("memory")
    if not isinstance(memory, MemoryType) or not isinstance(exports.get("_start"), FuncType):
        raise JobError(WorkFault.REFUSED, "not a WASI command")
    if memory.limits.min * _PAGE_BYTES > limits.memory_bytes:
        raise JobError(WorkFault.OUT_OF_MEMORY, f"needs {memory.limits.min} pages of memory")


def _start(linker: Linker, store: Store, module: Module) -> None:
    try:
        start = linker.instantiate(store, module).exports(store)["_start"]
        assert isinstance(start, Func)
        start(store)
    except wasi.ExitError as end:
        if end.code != 0:
            raise JobError(WorkFault.TRAPPED, str(end)) from end
    except wasi.OutputError as err:
        raise JobError(WorkFault.OUTPUT_TOO_LARGE, str(err)) from err
    except Trap as err:
        cause = err.trap_code.name.lower() if err.trap_code is not None else "trap"
        raise JobError(WorkFault.TRAPPED, cause) from err
    except WasmtimeError as err:
        raise JobError(WorkFault.REFUSED, str(err)) from err
