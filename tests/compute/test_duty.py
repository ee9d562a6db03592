from collections import defaultdict
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.sandbox.duty import Duty, Guard, fair_shares, guarded_shares

SLOTS = st.floats(0.0, 64.0)
WANTS = st.dictionaries(st.text(max_size=3), SLOTS, max_size=8)
ROUNDING = 1e-9


@given(wants=WANTS, capacity=st.floats(-4.0, 64.0))
def test_shares_never_exceed_the_capacity_nor_what_an_owner_wants(
    wants: dict[str, float], capacity: float
) -> None:
    shares = fair_shares(wants, capacity)

    assert shares.keys() == wants.keys()
    assert sum(shares.values()) <= max(capacity, 0.0) + ROUNDING
    assert all(0.0 <= shares[owner] <= want for owner, want in wants.items())


@given(wants=WANTS, capacity=SLOTS)
def test_nobody_goes_short_while_another_has_more(wants: dict[str, float], capacity: float) -> None:
    shares = fair_shares(wants, capacity)

    most = max(shares.values(), default=0.0)
    for owner, want in wants.items():
        assert shares[owner] >= min(want, most) - ROUNDING


@given(wants=WANTS, capacity=SLOTS)
def test_no_slot_is_idle_while_somebody_wants_it(wants: dict[str, float], capacity: float) -> None:
    shares = fair_shares(wants, capacity)

    assert sum(shares.values()) == pytest.approx(min(sum(wants.values()), capacity))


@given(wants=WANTS, slots=SLOTS, free_cores=SLOTS)
def test_work_that_is_not_urgent_makes_way_for_other_programs(
    wants: dict[str, float], slots: float, free_cores: float
) -> None:
    urgent = frozenset(sorted(wants)[:2])

    shares = guarded_shares(wants, urgent, slots, free_cores)

    assert shares.keys() == wants.keys()
    assert sum(shares.values()) <= slots + ROUNDING
    fair = fair_shares(wants, slots)
    pressing = sum(shares[owner] for owner in urgent)
    assert all(shares[owner] == fair[owner] for owner in urgent)
    assert sum(shares.values()) <= max(free_cores, pressing) + ROUNDING


def _cpu_of_seats(
    shares: Mapping[str, float], slots: int, *, ticks: int = 600, speed: float = 1.0
) -> dict[str, float]:
    """Let every chosen seat compute for a tick of 0.1 s at `speed`; return CPU seconds by owner."""
    duty = Duty(slots)
    used = dict.fromkeys(shares, 0.0)
    for tick in range(ticks):
        chosen = duty.choose(tick * 0.1, shares)
        assert len(chosen) <= slots
        for seat in chosen:
            duty.spend(seat, 0.1 * speed)
            used[seat[0]] += 0.1 * speed
    return used


@given(share=st.floats(0.05, 3.0))
def test_an_owner_alone_gets_its_share_of_cpu_time(share: float) -> None:
    used = _cpu_of_seats({"a": share}, slots=3)

    assert used["a"] / 60.0 == pytest.approx(share, abs=0.02)


@given(wants=st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 3.0), min_size=1))
def test_owners_that_share_a_machine_get_their_shares_of_cpu_time(wants: dict[str, float]) -> None:
    shares = fair_shares(wants, 3.0)

    used = _cpu_of_seats(shares, slots=3)

    for owner, share in shares.items():
        assert used[owner] / 60.0 == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("chance", [1.0, 0.5, 0.2, 0.1])
def test_owners_share_fairly_what_a_starved_machine_gives(chance: float) -> None:
    duty = Duty(1)
    machine = Random(1)
    used: defaultdict[str, float] = defaultdict(float)
    for tick in range(5000):
        (seat,) = duty.choose(tick * 0.1, dict.fromkeys("abc", 1 / 3))
        if machine.random() < chance:
            duty.spend(seat, 0.03)
            used[seat[0]] += 1

    assert min(used[owner] for owner in "abc") > 0.7 * max(used.values())


def test_a_starved_worker_does_not_make_up_for_lost_time_in_one_go() -> None:
    duty = Duty(1)
    for tick in range(100):
        duty.choose(tick * 0.1, {"a": 0.5})  # chosen, but other programs take the CPU

    chosen = 0
    for tick in range(100, 120):
        seats = duty.choose(tick * 0.1, {"a": 0.5})
        chosen += len(seats)
        for seat in seats:
            duty.spend(seat, 0.1)

    assert chosen <= 14


def test_short_jobs_cannot_outrun_their_owners_share() -> None:
    duty = Duty(1)
    used_s = 0.0
    for tick in range(600):
        for seat in duty.choose(tick * 0.1, {"a": 0.1}):
            duty.spend(seat, 0.3)  # a whole job between two looks
            used_s += 0.3

    assert used_s / 60.0 == pytest.approx(0.1, abs=0.02)


def test_a_clock_that_stands_still_or_jumps_back_earns_nothing() -> None:
    duty = Duty(1)
    (seat,) = duty.choose(10.0, {"a": 0.5})
    duty.spend(seat, 1.0)

    assert duty.choose(10.0, {"a": 0.5}) == set()
    assert duty.choose(5.0, {"a": 0.5}) == set()


def test_the_guard_tells_what_other_programs_leave() -> None:
    guard = Guard(4)
    for second in range(10):
        guard.observe(float(second), busy_s=3.0 * second, own_s=1.5 * second)

    assert guard.free_cores == pytest.approx(2.5)


def test_the_guard_forgets_what_was_more_than_two_seconds_ago() -> None:
    guard = Guard(4)
    for tick in range(100):
        guard.observe(tick * 0.1, busy_s=4.0 * min(tick * 0.1, 5.0), own_s=0.0)

    assert guard.free_cores == pytest.approx(4.0)


@given(samples=st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), max_size=10))
def test_the_guard_never_tells_of_cores_that_are_not_there(
    samples: list[tuple[float, float, float]],
) -> None:
    guard = Guard(4)
    for now_s, busy_s, own_s in samples:
        guard.observe(now_s, busy_s, own_s)
        assert 0.0 <= guard.free_cores <= 4.0
