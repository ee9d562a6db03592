"""The job's view of its system, on a plain array for a memory."""

from typing import override

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.sandbox.wasi import (
    ExitError,
    Memory,
    OutputError,
    PointerError,
    Wasi,
    guarded,
)

FAULT = 21
I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)


class Array(Memory):
    def __init__(self, size: int = 4096) -> None:
        self.data = bytearray(size)

    @override
    def read(self, start: int, size: int) -> bytes:
        assert start >= 0
        if start + size > len(self.data):
            raise PointerError
        return bytes(self.data[start : start + size])

    @override
    def write(self, start: int, data: bytes) -> None:
        assert start >= 0
        if start + len(data) > len(self.data):
            raise PointerError
        self.data[start : start + len(data)] = data

    def store(self, start: int, *values: int) -> None:
        self.write(start, b"".join(value.to_bytes(4, "little") for value in values))

    def load(self, start: int, size: int = 4) -> int:
        return int.from_bytes(self.read(start, size), "little")


def _call(system: Wasi, name: str, *arguments: int) -> int | None:
    return guarded(system.functions()[name].call)(*arguments)


@given(data=st.data())
def test_no_call_with_any_arguments_gives_more_than_an_errno(data: st.DataObject) -> None:
    memory = Array()
    system = Wasi(memory, b"input", 100)
    for _ in range(5):
        name = data.draw(st.sampled_from(sorted(system.functions())))
        parameters = system.functions()[name].parameters
        arguments = [data.draw(I32 if letter == "i" else I64) for letter in parameters]
        try:
            errno = _call(system, name, *arguments)
        except ExitError, OutputError:
            continue
        assert errno is not None
        assert 0 <= errno <= 76
        assert len(memory.data) == 4096


def test_input_is_read_once_and_in_order_over_several_vectors() -> None:
    memory = Array()
    system = Wasi(memory, b"hello world", 0)
    memory.store(0, 100, 5, 200, 3)

    assert _call(system, "fd_read", 0, 0, 2, 50) == 0
    assert (memory.load(50), memory.read(100, 5), memory.read(200, 3)) == (8, b"hello", b" wo")
    assert _call(system, "fd_read", 0, 0, 2, 50) == 0
    assert (memory.load(50), memory.read(100, 3)) == (3, b"rld")
    assert _call(system, "fd_read", 0, 0, 2, 50) == 0
    assert memory.load(50) == 0


def test_output_up_to_the_limit_is_kept_and_one_byte_more_ends_the_job() -> None:
    memory = Array()
    system = Wasi(memory, b"", 10)
    memory.write(100, b"0123456789")
    memory.store(0, 100, 10, 100, 1)

    assert _call(system, "fd_write", 1, 0, 1, 50) == 0
    assert bytes(system.output) == b"0123456789"
    with pytest.raises(OutputError):
        _call(system, "fd_write", 1, 8, 1, 50)


def test_standard_error_is_swallowed() -> None:
    memory = Array()
    system = Wasi(memory, b"", 0)
    memory.store(0, 100, 3000)

    assert _call(system, "fd_write", 2, 0, 1, 50) == 0
    assert memory.load(50) == 3000
    assert not system.output


@pytest.mark.parametrize("start", [-1, -(2**31), 2**31 - 1, 4093])
def test_a_bad_pointer_is_an_errno(start: int) -> None:
    system = Wasi(Array(), b"input", 100)

    assert _call(system, "fd_write", 1, start, 1, 0) == FAULT
    assert _call(system, "fd_read", 0, start, 1, 0) == FAULT
    assert _call(system, "random_get", start, 8) == FAULT
    assert _call(system, "clock_time_get", 0, 0, start) == FAULT


def test_four_billion_vectors_are_an_errno() -> None:
    system = Wasi(Array(), b"", 100)

    assert _call(system, "fd_write", 1, 0, -1, 0) == FAULT


def test_a_vector_as_large_as_the_address_space_writes_nothing() -> None:
    memory = Array()
    system = Wasi(memory, b"", 2**33)
    memory.store(0, 0, 2**32 - 1)

    assert _call(system, "fd_write", 1, 0, 1, 50) == FAULT
    assert not system.output


@pytest.mark.parametrize(("name", "fd"), [("fd_write", 2), ("fd_read", 0)])
def test_vectors_that_are_more_than_a_count_can_tell_are_an_errno(name: str, fd: int) -> None:
    memory = Array(8 << 20)
    system = Wasi(memory, b"", 0)
    memory.store(8192, *[0, 2**22 + 1] * 1023)

    assert _call(system, name, fd, 8192, 1023, 0) == 0
    memory.store(0, *[0, 2**22 + 1] * 1024)
    assert _call(system, name, fd, 0, 1024, 0) == FAULT


def test_random_numbers_depend_on_the_input_alone() -> None:
    def draw(input_data: bytes) -> bytes:
        memory = Array()
        system = Wasi(memory, input_data, 0)
        assert _call(system, "random_get", 0, 1000) == 0
        assert _call(system, "random_get", 1000, 1000) == 0
        return memory.read(0, 2000)

    assert draw(b"a") == draw(b"a")
    assert draw(b"a") != draw(b"b")
    assert draw(b"a")[:1000] != draw(b"a")[1000:]


def test_the_clock_starts_at_nought_and_goes_on_at_every_look() -> None:
    memory = Array()
    system = Wasi(memory, b"", 0)
    times = []
    for _ in range(3):
        assert _call(system, "clock_time_get", 1, 0, 0) == 0
        times.append(memory.load(0, 8))

    assert times == [1_000_000, 2_000_000, 3_000_000]


def test_there_are_no_arguments_no_environment_no_files_and_no_sleep() -> None:
    memory = Array()
    system = Wasi(memory, b"", 0)
    for name in ("args_sizes_get", "environ_sizes_get"):
        memory.store(0, 7, 7)
        assert _call(system, name, 0, 4) == 0
        assert (memory.load(0), memory.load(4)) == (0, 0)

    assert _call(system, "fd_prestat_get", 3, 0) == 8
    assert _call(system, "fd_write", 3, 0, 0, 0) == 8
    assert _call(system, "poll_oneoff", 0, 0, 1, 0) == 52
    assert not any(name.startswith(("path_", "sock_")) for name in system.functions())
