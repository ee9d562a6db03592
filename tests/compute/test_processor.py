"""How busy the processors are, from files as Linux shows them."""

import os
import selectors
from pathlib import Path

import pytest

from custom_components.qheat.compute.sandbox import pool
from custom_components.qheat.compute.sandbox.processor import busy_s

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(folder: Path, *busy: int) -> Path:
    """Write a file in which each core was busy for so many seconds, in equal parts of each kind."""
    rows = [("cpu", sum(busy)), *((f"cpu{core}", one) for core, one in enumerate(busy))]
    counts = [f"{name} {f'{seconds * TICKS // 5} ' * 3}900 90 {f'{seconds * TICKS // 5} ' * 2}0"
              for name, seconds in rows]  # fmt: skip
    path = folder / "stat"
    path.write_text("\n".join([*counts, "intr 7 0 0", "ctxt 8", ""]))
    return path


@pytest.mark.parametrize(
    ("own", "seconds"),
    [
        pytest.param({0, 1, 2}, 60.0, id="all"),
        pytest.param({0, 2}, 40.0, id="some: what others do elsewhere takes nothing from us"),
        pytest.param({1, 7}, 60.0, id="a container that numbers its cores anew"),
    ],
)
def test_the_cores_count_that_we_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: set[int], seconds: float
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: own)

    assert busy_s(_stat(tmp_path, 10, 20, 30)) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "intr 1\n", "cpu 1 2\n", "cpu x x x x x x x x\n"])
def test_a_kernel_that_does_not_tell_is_an_error_that_is_expected(
    tmp_path: Path, text: str
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(text)

    with pytest.raises((ValueError, KeyError)):
        busy_s(stat)


@pytest.mark.parametrize("error", [OSError, ValueError, KeyError])
def test_all_cores_that_we_may_run_on_count_as_free_where_the_kernel_does_not_tell(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def tell_nothing() -> float:
        raise error

    own = set(range((os.cpu_count() or 1) + 1))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: own)
    monkeypatch.setattr(pool, "busy_s", tell_nothing)
    with selectors.DefaultSelector() as selector:
        made = pool.Pool(1, "/", selector, lambda *_: None)
        for now_s in (0.0, 1.0):
            made.measure(now_s)
    assert made._guard.free_cores == len(own)
