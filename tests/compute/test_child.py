"""A worker that cannot be started, and one whose answer is a stranger's word."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.machine import Lock, WorkFault
from custom_components.qheat.compute.sandbox.child import Child, Failure, Success, read_answer
from custom_components.qheat.compute.sandbox.frames import Frame
from custom_components.qheat.compute.sandbox.work import Limits

from .processes import children

LOCK = Lock(held=("a",), missing=())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@pytest.mark.parametrize("call", ["memfd_create", "posix_spawn", "pidfd_open"])
def test_a_worker_that_cannot_be_started_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    done, may_be = getattr(os, call), iter([True, True, False] if call == "memfd_create" else [])

    def use_up(*args: Any, **kwargs: Any) -> Any:
        if next(may_be, False):
            return done(*args, **kwargs)
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, call, use_up)
    before = _open_files()
    with pytest.raises(OSError, match="too many open files"):
        Child(Frame({}), Limits(memory_bytes=1, cpu_s=1.0, output_bytes=0), "/")
    assert _open_files() == before
    assert children(os.getpid(), "worker") == []


def _open_files() -> set[str]:
    return {file.name for file in Path("/proc/self/fd").iterdir()}


def _success(fuel: object) -> bytes:
    return Frame({"lock": LOCK.to_json(), "fuel": fuel}, b"12345").encode()


def _fault(fault: object, detail: object) -> bytes:
    return Frame({"fault": fault, "detail": detail}).encode()


def test_output_up_to_the_limit_is_a_success() -> None:
    answer = _success(None)

    assert read_answer(b"\n" + answer, 5) == Success(b"12345", LOCK, None)
    assert isinstance(read_answer(b"\n" + answer, 4), Failure)


@pytest.mark.parametrize("fuel", [0, 1, 2**63 - 1])
def test_fuel_is_a_count(fuel: int) -> None:
    assert read_answer(_success(fuel), 5) == Success(b"12345", LOCK, fuel)


@pytest.mark.parametrize("fuel", [-1, 2**63, 10**4000, True, 1.0, float("nan"), "7", [], {}])
def test_a_worker_that_burns_what_is_no_count_has_no_result(fuel: object) -> None:
    answer = read_answer(_success(fuel), 5)

    assert isinstance(answer, Failure)
    assert answer.fault is WorkFault.WORKER_DIED


@pytest.mark.parametrize("fault", [WorkFault.BUDGET_ENDED, WorkFault.OUT_OF_TIME, "new", 7, [], {}])
def test_a_worker_cannot_claim_a_fault_that_is_not_its_own(fault: object) -> None:
    answer = read_answer(_fault(fault, "x"), 0)

    assert isinstance(answer, Failure)
    assert answer.fault is WorkFault.WORKER_DIED


def test_a_detail_is_one_short_line() -> None:
    answer = read_answer(_fault("trapped", "a\nb\x1b[2J\ud800" + "c" * 10_000), 0)

    assert isinstance(answer, Failure)
    assert answer.detail.startswith("a b [2J ccc")
    assert len(answer.detail) <= 500


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    header=st.fixed_dictionaries(
        {}, optional={"lock": JSON, "fuel": JSON, "fault": JSON, "detail": JSON, "size": JSON}
    ),
    body=st.binary(max_size=5),
)
def test_no_answer_does_harm(header: dict[str, object], body: bytes) -> None:
    answer = read_answer(json.dumps(header).encode() + b"\n" + body, 5)

    if isinstance(answer, Failure):
        assert answer.detail.isprintable()


@given(data=st.binary(max_size=100))
def test_noise_is_no_answer(data: bytes) -> None:
    assert isinstance(read_answer(data, 1000), Failure)
