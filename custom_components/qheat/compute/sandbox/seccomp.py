"""The system calls that a locked worker may make: a seccomp filter in classic BPF.

Numbers from the kernel's `syscall_64.tbl` (x86-64) and `asm-generic/unistd.h` (aarch64); offsets
from `struct seccomp_data` in `linux/seccomp.h`. Whatever is not allowed kills the process.
"""

import errno
import platform
import struct
import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ANSWER_NO_TERMINAL: Final = 0x00050000 | errno.ENOTTY
_ANSWER_NO_MEMORY: Final = 0x00050000 | errno.ENOMEM
_NUMBER: Final = 0  # offsets into seccomp_data
_ARCHITECTURE: Final = 4
_X32_BIT: Final = 0x40000000

PROT_EXEC: Final = 4
_PROT_WRITE: Final = 2
_MAP_SHARED: Final = 0x01
_MAP_ANONYMOUS: Final = 0x20
_MAP_GROWSDOWN: Final = 0x100


class Architecture(NamedTuple):
    """The numbers of one kind of processor."""

    audit: int
    seccomp: int
    sched_setscheduler: int
    capset: int
    ioctl: int
    write: int
    mmap: int
    mprotect: int
    mremap: int
    memory: tuple[int, ...]
    """munmap, brk, madvise."""
    signals: tuple[int, ...]
    """rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack."""
    waiting: tuple[int, ...]
    """futex, sched_yield, sched_getaffinity, membarrier, restart_syscall."""
    asking: tuple[int, ...]
    """getpid, gettid, getrandom, clock_gettime, clock_getres, gettimeofday, getrusage."""
    ending: tuple[int, ...]
    """exit, exit_group."""

    @property
    def free(self) -> tuple[int, ...]:
        """Calls allowed whatever their arguments."""
        return self.memory + self.signals + self.waiting + self.asking + self.ending


_ARCHITECTURES: Final = {
    "x86_64": Architecture(
        audit=0xC000003E,
        seccomp=317,
        sched_setscheduler=144,
        capset=126,
        ioctl=16,
        write=1,
        mmap=9,
        mprotect=10,
        mremap=25,
        memory=(11, 12, 28),
        signals=(13, 14, 15, 131),
        waiting=(202, 24, 204, 324, 219),
        asking=(39, 186, 318, 228, 229, 96, 98),
        ending=(60, 231),
    ),
    "aarch64": Architecture(
        audit=0xC00000B7,
        seccomp=277,
        sched_setscheduler=119,
        capset=91,
        ioctl=29,
        write=64,
        mmap=222,
        mprotect=226,
        mremap=216,
        memory=(215, 214, 233),
        signals=(134, 135, 139, 132),
        waiting=(98, 124, 123, 283, 128),
        asking=(172, 178, 278, 113, 114, 169, 165),
        ending=(93, 94),
    ),
}


def architecture() -> Architecture:
    """Return this machine's numbers; raises OSError where none are known."""
    arch = _ARCHITECTURES.get(platform.machine()) if sys.maxsize > 2**32 else None
    if arch is None:
        raise OSError(errno.ENOSYS, f"no system call table for {platform.machine()}")
    return arch


def program(arch: Architecture, *, compiling: bool) -> bytes:
    """Return the filter as an array of `struct sock_filter`.

    While `compiling`, memory may become executable and a stricter filter may follow; memory is
    never both writable and executable, and never maps a file. What was written to counts as data
    (RLIMIT_DATA), but for what was made executable or read-only while compiling.
    """
    code = [
        _op(_LOAD, _ARCHITECTURE),
        *_kill_unless(_JUMP_EQUAL, arch.audit),
        _op(_LOAD, _NUMBER),
        *_kill_if(_JUMP_AT_LEAST, _X32_BIT),
    ]
    for number in arch.free:
        code += _guarded(number)
    if compiling:
        code += _guarded(arch.seccomp)
    # The engine asks whether its standard error is a terminal; it is not.
    code += _answered(arch.ioctl, _ANSWER_NO_TERMINAL)
    # It would let the stack grow, which is no data. Whoever reallocates copies instead.
    code += _answered(arch.mremap, _ANSWER_NO_MEMORY)
    code += _guarded(arch.write, [_op(_LOAD, _low(0)), *_kill_if(_JUMP_AT_LEAST, 3)])
    protection = _protection(compiling=compiling)
    # What can no longer be written to is no data, and yet it keeps what was written.
    stays = [] if compiling else _kill_unless(_JUMP_ANY_BIT, _PROT_WRITE)
    code += _guarded(arch.mprotect, [*protection, *stays])
    flags = [_op(_LOAD, _low(3)), *_kill_unless(_JUMP_ANY_BIT, _MAP_ANONYMOUS)]
    # What is shared, or grows as a stack does, is no data to the kernel.
    flags += _kill_if(_JUMP_ANY_BIT, _MAP_SHARED | _MAP_GROWSDOWN)
    code += _guarded(arch.mmap, [*protection, *flags])
    code.append(_kill())
    return b"".join(code)


def _protection(*, compiling: bool) -> list[bytes]:
    load = _op(_LOAD, _low(2))
    if not compiling:
        return [load, *_kill_if(_JUMP_ANY_BIT, PROT_EXEC)]
    # Executable is allowed while not writable.
    return [load, _op(_JUMP_ANY_BIT, PROT_EXEC, 0, 2), *_kill_if(_JUMP_ANY_BIT, _PROT_WRITE)]


def _guarded(number: int, checks: Iterable[bytes] = ()) -> list[bytes]:
    """Allow call `number` if no check kills."""
    body = [*checks, _op(_RETURN, _ALLOW)]
    return [_op(_JUMP_EQUAL, number, 0, len(body)), *body]


def _answered(number: int, answer: int) -> list[bytes]:
    return [_op(_JUMP_EQUAL, number, 0, 1), _op(_RETURN, answer)]


def _kill_unless(jump: int, value: int) -> list[bytes]:
    return [_op(jump, value, 1, 0), _kill()]


def _kill_if(jump: int, value: int) -> list[bytes]:
    return [_op(jump, value, 0, 1), _kill()]


def _kill() -> bytes:
    return _op(_RETURN, _KILL_PROCESS)


def _low(argument: int) -> int:
    """Offset of the low half of a call's argument; both machines are little-endian."""
    return 16 + 8 * argument


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
