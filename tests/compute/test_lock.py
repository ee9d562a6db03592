"""Pretend that WebAssembly has failed: native code in a locked worker tries to get out."""

import json
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from custom_components.qheat.compute.sandbox import boot, seccomp
from custom_components.qheat.compute.sandbox.lock import SYSTEM_CALLS

from .probe import ATTACKS, SUCCEEDED

PROBE = Path(__file__).with_name("probe.py")
USERS = ("root", "plain") if os.geteuid() == 0 else ("root",)

# What a process without privileges cannot take from itself, and what then still stands before it.
LOCKS_THAT_NEED_ROOT = {
    "network_namespace",
    "ipc_namespace",
    "host_namespace",
    "mount_namespace",
    "capability_bounds",
    "no_files",
    "nobody",
}


def _probe(user: str, attack: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-I", str(PROBE), str(boot.__file__), user, attack],
        check=False,
        capture_output=True,
        timeout=60,
        env={},
        **options,
    )


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_native_code_in_a_locked_worker_gets_nowhere(attack: str, user: str) -> None:
    probe = _probe(user, attack)

    assert b"system_calls" in probe.stdout, probe.stderr
    assert not probe.stdout.endswith(SUCCEEDED.encode())
    assert probe.returncode != 0


@pytest.mark.parametrize(
    "attack",
    [
        "read_a_file",
        "open_a_socket",
        "fork",
        "map_a_file",
        "code_that_is_there",
        "shared_memory",
        "memory_like_a_stack",
        "page_tables",
        "too_deep_a_stack",
        "a_stack_that_is_moved",
        "memory_that_is_no_longer_writable",
        "none",
    ],
)
def test_the_same_code_without_a_lock_succeeds(attack: str) -> None:
    with Path(__file__).open("rb") as file:
        probe = _probe("free", attack, stdin=file)

    assert probe.stdout.endswith(SUCCEEDED.encode()), probe.stderr


@pytest.mark.parametrize("user", USERS)
def test_a_locked_process_may_still_answer(user: str) -> None:
    probe = _probe(user, "none")

    assert probe.stdout.endswith(SUCCEEDED.encode()), probe.stderr


def test_a_forbidden_call_kills_the_process() -> None:
    assert _probe(USERS[0], "open_a_socket").returncode == -signal.SIGSYS


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become an ordinary user")
def test_an_ordinary_user_says_which_locks_do_not_hold() -> None:
    lock = json.loads(_probe("plain", "none").stdout.splitlines()[0])

    assert set(lock["missing"]) == LOCKS_THAT_NEED_ROOT
    assert SYSTEM_CALLS in lock["held"]
    assert "no_new_privileges" in lock["held"]


@pytest.mark.parametrize(
    "made",
    [
        # Longer than the stack: what is mapped becomes executable.
        "probe['LIBC'].mprotect(ctypes.c_void_p(probe['STACK']), ctypes.c_size_t(8 << 20), 7)",
        "mmap.mmap(-1, 4096, mmap.MAP_SHARED)",
    ],
    ids=["an executable stack", "what is shared"],
)
def test_code_that_can_still_be_written_to_is_a_lock_that_does_not_hold(made: str) -> None:
    program = (
        f"import ctypes, mmap, runpy; probe = runpy.run_path({str(PROBE)!r}); made = {made}; "
        f"probe['_lock']({str(boot.__file__)!r}, 'root')"
    )
    told = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=False)

    assert "no_writable_code" in json.loads(told.stdout.splitlines()[0])["missing"], told.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("compiling", [False, True])
def test_a_filter_is_a_program_that_the_kernel_would_take(
    monkeypatch: pytest.MonkeyPatch, machine: str, *, compiling: bool
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    code = seccomp.program(seccomp.architecture(), compiling=compiling)

    operations = list(struct.iter_unpack("=HBBI", code))
    assert len(operations) < 4096
    for index, (operation, if_true, if_false, _) in enumerate(operations):
        if operation & 0x07 == 0x05:  # a jump stays inside
            assert index + 1 + max(if_true, if_false) < len(operations)
    assert operations[-1][0] == 0x06


def test_a_machine_with_unknown_system_calls_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(OSError, match="riscv64"):
        seccomp.architecture()
