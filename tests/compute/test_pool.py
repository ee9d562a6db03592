"""The pool of jobs beside other programs: no process, and a clock and a load of its own."""

import os
import selectors
from collections.abc import Generator
from dataclasses import replace

import pytest

from custom_components.qheat.compute.sandbox import pool

from .guests import LIMITS, OWNER

CORES = 4
TICK_S = 0.1


class Worker:
    """What takes a whole core while it runs."""

    def __init__(self) -> None:
        self.used_s = 0.0
        self.runs = True

    def cpu_s(self) -> float:
        return self.used_s

    def run(self, *, wanted: bool) -> None:
        self.runs = wanted


class Computer:
    """Four cores, a pool of three slots with three jobs, and other programs."""

    def __init__(self, made: pool.Pool) -> None:
        self.pool = made
        self.now_s = 1000.0
        self.busy_s = 0.0
        self.workers = [Worker() for _ in range(3)]
        self.owner = made.owners[OWNER] = pool.Owner(slots=3.0, expires_s=5000.0)
        limits = replace(LIMITS, cpu_s=5000.0)
        for number, worker in enumerate(self.workers):
            job = pool.Job(
                number=number, owner=OWNER, mode=pool.Mode.JOB, limits=limits, frame=None
            )
            job.child = worker  # type: ignore[assignment]
            made.jobs[number] = job

    def go_on(self, for_s: float, others: float) -> None:
        """Let time pass while other programs want `others` cores."""
        for _ in range(round(for_s / TICK_S)):
            running = [worker for worker in self.workers if worker.runs]
            each = min(1.0, (CORES - others) / len(running)) if running else 0.0
            for worker in running:
                worker.used_s += each * TICK_S
            self.busy_s += (others + each * len(running)) * TICK_S
            self.now_s += TICK_S
            self.pool.measure(self.now_s)
            self.pool.share(self.now_s)

    def told(self) -> dict[str, object]:
        """Return what Home Assistant hears now."""
        (owner,) = self.pool.usage(self.now_s)
        return owner


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Generator[Computer]:
    monkeypatch.setattr(os, "process_cpu_count", lambda: CORES)
    with selectors.DefaultSelector() as selector:
        made = Computer(pool.Pool(3, "/", selector, lambda *_: None))
        monkeypatch.setattr(pool, "busy_s", lambda: made.busy_s)
        yield made


def test_a_noisy_load_gives_one_busy_spell_and_not_one_for_each_burst(computer: Computer) -> None:
    words = []
    for _ in range(24):  # eight minutes
        for others in (3.5, 0.5, 2.5, 0.5):
            computer.go_on(5.0, others)
            words.append(computer.told()["machine_busy"])

    assert words == [True] * len(words)


def test_jobs_make_way_at_once_and_are_back_at_once_though_the_word_stays_for_a_minute(
    computer: Computer,
) -> None:
    computer.go_on(5.0, others=0.5)
    assert (computer.told()["running"], computer.told()["machine_busy"]) == (3, False)
    computer.go_on(2.0, others=2.5)
    assert (computer.told()["running"], computer.told()["machine_busy"]) == (2, True)
    computer.go_on(3.0, others=0.5)
    assert (computer.told()["running"], computer.told()["machine_busy"]) == (3, True)
    computer.go_on(56.0, others=0.5)
    assert computer.told()["machine_busy"]
    computer.go_on(3.0, others=0.5)
    assert not computer.told()["machine_busy"]


def test_work_that_keeps_somebody_from_freezing_makes_no_way_and_does_not_say_so(
    computer: Computer,
) -> None:
    computer.go_on(5.0, others=3.5)
    assert (computer.told()["running"], computer.told()["machine_busy"]) == (1, True)
    computer.owner.urgent = True
    computer.go_on(5.0, others=3.5)
    assert (computer.told()["running"], computer.told()["machine_busy"]) == (3, False)
