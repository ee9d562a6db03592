"""The few WASI preview 1 functions that a job may call: deterministic, and without a world.

No arguments, no environment, no files; standard input is the job's input, standard output its
output, standard error is nobody's; clock and random numbers depend on nothing but the input.
Numbers and signatures from WASI's `witx/wasi_snapshot_preview1.witx`. The engine hands over i32
and i64 as signed integers.
"""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

MODULE: Final = "wasi_snapshot_preview1"

_BAD_DESCRIPTOR: Final = 8
_FAULT: Final = 21
_INVALID: Final = 28
_NOT_IMPLEMENTED: Final = 52
_NOT_SEEKABLE: Final = 70
_CHARACTER_DEVICE: Final = 2
_RIGHT_READ: Final = 1 << 1
_RIGHT_WRITE: Final = 1 << 6
_MAX_VECTORS: Final = 1024
_MAX_SIZE: Final = 2**32 - 1
_MAX_RANDOM_BYTES: Final = 1 << 20
_CLOCK_STEP_NS: Final = 1_000_000


class OutputError(Exception):
    """The job wrote more than its lease allows."""


class ExitError(Exception):
    """The job ended itself; `code` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class PointerError(Exception):
    """The job named memory that it does not have."""


class Memory(Protocol):
    """The job's linear memory."""

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes; raises PointerError."""

    def write(self, start: int, data: bytes) -> None:
        """Store `data`; raises PointerError."""


class Function(NamedTuple):
    """One import: its parameters (`i` is i32, `I` is i64) and what it does, giving an errno."""

    parameters: str
    call: Callable[..., int | None]


class Wasi:
    """One job's view of its system."""

    def __init__(self, memory: Memory, input_data: bytes, max_output_bytes: int) -> None:
        self.output = bytearray()
        self._memory = memory
        self._input = memoryview(input_data)
        self._max_output_bytes = max_output_bytes
        self._seed = hashlib.sha256(input_data).digest()
        self._random_calls = 0
        self._clock_ns = 0

    def functions(self) -> dict[str, Function]:
        """Return what a module may import, by name."""
        return {
            "args_get": Function("ii", lambda _argv, _buffer: 0),
            "args_sizes_get": Function("ii", self._no_strings),
            "clock_res_get": Function("ii", self._clock_resolution),
            "clock_time_get": Function("iIi", self._clock_time),
            "environ_get": Function("ii", lambda _environ, _buffer: 0),
            "environ_sizes_get": Function("ii", self._no_strings),
            "fd_close": Function("i", lambda fd: 0 if fd in {0, 1, 2} else _BAD_DESCRIPTOR),
            "fd_fdstat_get": Function("ii", self._describe),
            "fd_prestat_dir_name": Function("iii", lambda _fd, _path, _size: _BAD_DESCRIPTOR),
            "fd_prestat_get": Function("ii", lambda _fd, _prestat: _BAD_DESCRIPTOR),
            "fd_read": Function("iiii", self._read),
            "fd_seek": Function("iIii", self._seek),
            "fd_write": Function("iiii", self._write),
            "poll_oneoff": Function("iiii", lambda *_: _NOT_IMPLEMENTED),
            "proc_exit": Function("i", self._exit),
            "random_get": Function("ii", self._random),
            "sched_yield": Function("", lambda: 0),
        }

    def _no_strings(self, count: int, size: int) -> int:
        self._store(count, 0, 4)
        self._store(size, 0, 4)
        return 0

    def _clock_resolution(self, clock: int, result: int) -> int:
        if clock not in {0, 1, 2, 3}:
            return _INVALID
        self._store(result, _CLOCK_STEP_NS, 8)
        return 0

    def _clock_time(self, clock: int, _precision: int, result: int) -> int:
        if clock not in {0, 1, 2, 3}:
            return _INVALID
        # It goes on at every look, so that no job waits for it for ever.
        self._clock_ns += _CLOCK_STEP_NS
        self._store(result, self._clock_ns, 8)
        return 0

    def _describe(self, fd: int, result: int) -> int:
        if fd not in {0, 1, 2}:
            return _BAD_DESCRIPTOR
        rights = _RIGHT_WRITE if fd else _RIGHT_READ
        stat = bytes((_CHARACTER_DEVICE,)) + bytes(7) + rights.to_bytes(8, "little") + bytes(8)
        self._memory.write(_unsigned(result), stat)
        return 0

    def _read(self, fd: int, vectors: int, count: int, result: int) -> int:
        if fd != 0:
            return _BAD_DESCRIPTOR
        done = 0
        for start, size in self._vectors(vectors, count):
            part = self._input[:size]
            self._memory.write(start, bytes(part))
            self._input = self._input[len(part) :]
            done += len(part)
        self._store(result, done, 4)
        return 0

    def _write(self, fd: int, vectors: int, count: int, result: int) -> int:
        if fd not in {1, 2}:
            return _BAD_DESCRIPTOR
        done = 0
        for start, size in self._vectors(vectors, count):
            if fd == 1 and len(self.output) + size > self._max_output_bytes:
                raise OutputError(f"more than {self._max_output_bytes} bytes")
            data = self._memory.read(start, size)
            done += size
            if fd == 1:
                self.output += data
        self._store(result, done, 4)
        return 0

    def _seek(self, fd: int, _offset: int, _whence: int, _result: int) -> int:
        return _NOT_SEEKABLE if fd in {0, 1, 2} else _BAD_DESCRIPTOR

    def _exit(self, code: int) -> None:
        raise ExitError(_unsigned(code))

    def _random(self, start: int, size: int) -> int:
        if _unsigned(size) > _MAX_RANDOM_BYTES:
            return _INVALID
        self._random_calls += 1
        seed = self._seed + self._random_calls.to_bytes(8, "little")
        self._memory.write(_unsigned(start), hashlib.shake_256(seed).digest(_unsigned(size)))
        return 0

    def _vectors(self, start: int, count: int) -> list[tuple[int, int]]:
        if _unsigned(count) > _MAX_VECTORS:
            raise PointerError(f"{_unsigned(count)} vectors")
        table = self._memory.read(_unsigned(start), 8 * _unsigned(count))
        vectors = [
            (
                int.from_bytes(table[at : at + 4], "little"),
                int.from_bytes(table[at + 4 : at + 8], "little"),
            )
            for at in range(0, len(table), 8)
        ]
        if (total := sum(size for _, size in vectors)) > _MAX_SIZE:
            raise PointerError(f"{total} bytes in all")
        return vectors

    def _store(self, start: int, value: int, size: int) -> None:
        self._memory.write(_unsigned(start), value.to_bytes(size, "little"))


def guarded(call: Callable[..., int | None]) -> Callable[..., int | None]:
    """Answer `call`'s PointerError with the errno for it."""

    def answer(*arguments: int) -> int | None:
        try:
            return call(*arguments)
        except PointerError:
            return _FAULT

    return answer


def _unsigned(value: int) -> int:
    return value & 0xFFFFFFFF
