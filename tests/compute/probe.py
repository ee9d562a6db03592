"""A process that locks itself as a worker does, then tries one thing that no job may do.

`python -I probe.py BOOT USER ATTACK`: USER is `free` (no lock: shows that the attack works),
`root` or `plain`. Prints the lock, and a last line once the attack has succeeded.
"""

import ctypes
import json
import mmap
import os
import resource
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SUCCEEDED = "succeeded"
PLAIN_USER = 65500
LIBC = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> None:
    if LIBC.syscall(ctypes.c_long(number), *arguments) < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _memory_that_is_writable_and_executable() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _memory_that_becomes_executable() -> None:
    LIBC.mmap.restype = ctypes.c_void_p
    zero = ctypes.c_long(0)
    page = LIBC.mmap(zero, ctypes.c_long(4096), 3, 0x22, -1, zero)
    if LIBC.mprotect(ctypes.c_void_p(page), ctypes.c_long(4096), 5) != 0:
        raise OSError(ctypes.get_errno(), "mprotect")


def _code_that_is_there() -> None:
    ctypes.memset(CODE, 0, 4096)


def _map_a_file() -> None:
    LIBC.mmap.restype = ctypes.c_void_p
    if LIBC.mmap(ctypes.c_long(0), ctypes.c_long(4096), 1, 1, 0, ctypes.c_long(0)) == 2**64 - 1:
        raise OSError(ctypes.get_errno(), "mmap")


def _too_much_memory() -> None:
    bytearray(2 << 30)


def _memory_like_a_stack() -> None:
    mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x100)


def _page_tables() -> None:
    mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)


def _too_deep_a_stack() -> None:
    ctypes.memset(STACK - (64 << 20), 1, 4096)


def _a_stack_that_is_moved() -> None:
    LIBC.mremap.restype = ctypes.c_void_p
    size = ctypes.c_long(1 << 30)
    moved = LIBC.mremap(ctypes.c_void_p(STACK), ctypes.c_long(4096), size, 1)
    if moved == 2**64 - 1:
        raise OSError(ctypes.get_errno(), "mremap")
    ctypes.memset(moved, 1, 1 << 30)


def _memory_that_is_no_longer_writable() -> None:
    LIBC.mmap.restype = ctypes.c_void_p
    zero, size = ctypes.c_long(0), ctypes.c_long(64 << 20)
    for _ in range(16):
        page = LIBC.mmap(zero, size, 3, 0x22, -1, zero)
        if page == 2**64 - 1:
            raise OSError(ctypes.get_errno(), "mmap")
        ctypes.memset(page, 1, size.value)
        if LIBC.mprotect(ctypes.c_void_p(page), size, 1) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")


MAPS = Path("/proc/self/maps").read_text().splitlines()
# As libffi has it where it is built without fixed trampolines.
PAGE = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
CODE = ctypes.addressof(ctypes.c_char.from_buffer(PAGE))
STACK = next(int(line.partition("-")[0], 16) for line in MAPS if line.endswith("[stack]"))
FOLDER = tempfile.gettempdir()
X86_64 = os.uname().machine == "x86_64"
ATTACKS: dict[str, Callable[[], object]] = {
    "read_a_file": lambda: Path("/etc/passwd").read_bytes(),
    "list_a_folder": lambda: os.listdir("/"),  # noqa: PTH208
    "stat_a_file": lambda: Path("/").stat(),
    "write_a_file": lambda: Path(f"{FOLDER}/qheat-probe-{os.getpid()}").touch(),
    "open_a_socket": lambda: socket.socket(socket.AF_INET),
    "open_a_unix_socket": lambda: socket.socket(socket.AF_UNIX),
    "start_a_program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "fork": _fork,
    "trace": lambda: _syscall(101 if X86_64 else 117, 0, 0, 0, 0),
    "read_the_parents_memory": lambda: _syscall(
        310 if X86_64 else 270, os.getppid(), 0, 0, 0, 0, 0
    ),
    "signal_the_parent": lambda: os.kill(os.getppid(), 0),
    "mount": lambda: _syscall(165 if X86_64 else 40, b"none", b"/mnt", b"tmpfs", 1 << 5, 0),
    "new_namespace": lambda: os.unshare(os.CLONE_NEWNS),
    "new_root": lambda: os.chroot("/"),
    "ring": lambda: _syscall(425, 4, ctypes.create_string_buffer(120)),
    "program_the_kernel": lambda: _syscall(321 if X86_64 else 280, 0, 0, 0),
    "raise_priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, 0),
    "raise_a_limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "change_user": lambda: os.setresuid(0, 0, 0),
    "outlive_the_runner": lambda: LIBC.prctl(1, 0, 0, 0, 0),
    "file_in_memory": lambda: os.memfd_create("x"),
    "duplicate_a_descriptor": lambda: os.dup(1),
    "writable_and_executable_memory": _memory_that_is_writable_and_executable,
    "memory_that_becomes_executable": _memory_that_becomes_executable,
    "code_that_is_there": _code_that_is_there,
    "map_a_file": _map_a_file,
    "too_much_memory": _too_much_memory,
    "shared_memory": lambda: mmap.mmap(-1, 4096),
    "memory_like_a_stack": _memory_like_a_stack,
    "page_tables": _page_tables,
    "too_deep_a_stack": _too_deep_a_stack,
    "a_stack_that_is_moved": _a_stack_that_is_moved,
    "memory_that_is_no_longer_writable": _memory_that_is_no_longer_writable,
}
if X86_64:
    # The numbers of x32; a process of aarch64 has no others than its own.
    ATTACKS["other_calling_convention"] = lambda: _syscall(0x40000000 + 39)


def _lock(boot: str, user: str) -> None:
    lock = runpy.run_path(boot)["load"]("lock")
    if user == "plain":
        os.setgroups([])
        os.setresgid(PLAIN_USER, PLAIN_USER, PLAIN_USER)
        os.setresuid(PLAIN_USER, PLAIN_USER, PLAIN_USER)
        LIBC.prctl(4, 1, 0, 0, 0)  # dumpable again, as a process that began as this user is
    held = lock.lock_process(os.getppid(), memory_bytes=1 << 20, cpu_s=10.0, file_bytes=1 << 20)
    lock.forbid_new_code()
    os.write(1, json.dumps(held.to_json()).encode() + b"\n")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))  # as some services have it
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _, boot, user, attack = sys.argv
    if user != "free":
        _lock(boot, user)
    if attack != "none":
        ATTACKS[attack]()
    os.write(1, SUCCEEDED.encode())
    os._exit(0)
