"""The locks that a worker puts on itself before it looks at a stranger's module.

Each lock is tried on its own, because what may be set depends on who runs Home Assistant: root in
a privileged container, root in a plain one, an ordinary user. The caller decides what to do about
those that do not hold. Needs Linux; single-threaded.
"""

import ctypes
import mmap
import os
import re
import resource
import signal
import struct
import tempfile
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Final

from . import seccomp
from .work import Lock

SYSTEM_CALLS: Final = "system_calls"
"""The lock without which nothing runs."""

_NOBODY: Final = 65534
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_SECCOMP_SET_MODE_FILTER: Final = 1
_CAPABILITY_VERSION_3: Final = 0x20080522

# What the interpreter, the compiler and the engine need besides the job's own memory.
_HOST_BYTES: Final = 320 << 20
_STACK_BYTES: Final = 8 << 20
_RESERVED_BYTES: Final = 8 << 30
"""Addresses that may be taken besides: the engine reserves 4 GiB and guards for a memory."""
_SPARE_CPU_S: Final = 10

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


class OrphanedError(Exception):
    """The runner is gone, so nobody waits for this worker."""


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent, dies.

    The kernel forgets this at every change of user. Raises OrphanedError if it is too late.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OrphanedError


def lock_process(parent: int, *, memory_bytes: int, cpu_s: float, file_bytes: int) -> Lock:
    """Take from this process whatever computing does not need; say which locks hold.

    `memory_bytes` is the job's own memory, `file_bytes` what may be written to a file. Raises
    OSError on a machine whose system calls are not known.
    """
    arch = seccomp.architecture()
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("killed_first", lambda: Path("/proc/self/oom_score_adj").write_text("1000")),
        ("idle_priority", lambda: _be_idle(arch)),
        ("limits", lambda: _limit(_HOST_BYTES + memory_bytes + file_bytes, cpu_s, file_bytes)),
        ("no_writable_code", lambda: _seal_code(arch)),
        ("network_namespace", lambda: os.unshare(os.CLONE_NEWNET)),
        ("ipc_namespace", lambda: os.unshare(os.CLONE_NEWIPC)),
        ("host_namespace", lambda: os.unshare(os.CLONE_NEWUTS)),
        ("mount_namespace", lambda: os.unshare(os.CLONE_NEWNS)),
        ("capability_bounds", _drop_capability_bounds),
        ("no_files", _hide_files),
        ("nobody", _become_nobody),
        ("capabilities", lambda: _drop_capabilities(arch)),
        ("dies_with_runner", lambda: die_with_parent(parent)),
        ("not_dumpable", lambda: _prctl(_PR_SET_DUMPABLE, 0)),
        ("no_descriptors", _close_descriptors),
        ("no_new_privileges", lambda: _prctl(_PR_SET_NO_NEW_PRIVS, 1)),
        (SYSTEM_CALLS, lambda: _filter_system_calls(arch, compiling=True)),
    )
    held, missing = [], []
    for name, step in steps:
        try:
            step()
        except OSError, ValueError:
            missing.append(name)
        else:
            held.append(name)
    return Lock(held=tuple(held), missing=tuple(missing))


def forbid_new_code() -> None:
    """Let no memory become executable from here on; raises OSError."""
    _filter_system_calls(seccomp.architecture(), compiling=False)


def _prctl(option: int, argument: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(argument), zero, zero, zero))


def _syscall(number: int, *arguments: object) -> None:
    _check(_libc.syscall(ctypes.c_long(number), *arguments))


def _check(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _be_idle(arch: seccomp.Architecture) -> None:
    os.nice(19)
    # By hand, because musl's own sched_setscheduler does nothing but fail.
    _syscall(arch.sched_setscheduler, 0, os.SCHED_IDLE, bytes(4))


def _limit(data_bytes: int, cpu_s: float, file_bytes: int) -> None:
    limits = {
        resource.RLIMIT_DATA: data_bytes,
        resource.RLIMIT_STACK: _STACK_BYTES,
        # Page tables are no data, and there are the more of them the more is mapped.
        resource.RLIMIT_AS: data_bytes + _RESERVED_BYTES,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_CPU: ceil(cpu_s) + _SPARE_CPU_S,
    }
    for which, wanted in limits.items():
        _, hard = resource.getrlimit(which)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (limit, limit))


def _seal_code(arch: seccomp.Architecture) -> None:
    # Some builds of libffi keep a callback's code in a page that may be written to.
    maps = Path("/proc/self/maps")
    for begin, end in re.findall(r"^(\w+)-(\w+) .wx.* 0 *$", maps.read_text(), re.MULTILINE):
        size, code = int(end, 16) - int(begin, 16), mmap.PROT_READ | mmap.PROT_EXEC
        _syscall(arch.mprotect, ctypes.c_void_p(int(begin, 16)), ctypes.c_size_t(size), code)
    # An executable stack must stay writable, and what is shared may be code in another place.
    if re.search(r"^\S+ .w(x|.s)", maps.read_text(), re.MULTILINE):
        raise ValueError("code can be written to")


def _hide_files() -> None:
    """Make a folder that no longer exists the root: it is empty, and nothing can be put there."""
    folder = tempfile.mkdtemp()
    try:
        os.chdir(folder)
    finally:
        Path(folder).rmdir()
    os.chroot(".")


def _drop_capability_bounds() -> None:
    for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1):
        _prctl(_PR_CAPBSET_DROP, capability)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _drop_capabilities(arch: seccomp.Architecture) -> None:
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _syscall(arch.capset, struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))


def _close_descriptors() -> None:
    # The runner hands none on; what an import left open has a low number.
    os.closerange(3, 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _filter_system_calls(arch: seccomp.Architecture, *, compiling: bool) -> None:
    bpf = seccomp.program(arch, compiling=compiling)
    _syscall(arch.seccomp, _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(_Program(len(bpf) // 8, bpf)))
