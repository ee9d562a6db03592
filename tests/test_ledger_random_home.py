"""Random histories of a whole home against sums that the ledger has no part in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.engine import Settlement
from custom_components.qheat.ledger import MAX_GAP_S, Ledger

from .ledger_data import START_S, page, read, settlement

RADIATORS = ("office", "bedroom")
NOW_S = START_S + 5000


@dataclass
class Disk:
    """What was written last, and what the sums beside it were then."""

    ledger: Mapping[str, Any]
    joules: dict[str, float]
    told: int


@dataclass
class Model:
    """Joules by trapezoids, and the backend's own list of settlements, newest word last."""

    joules: dict[str, float] = field(default_factory=lambda: dict.fromkeys(RADIATORS, 0.0))
    before: dict[str, tuple[float, float]] = field(default_factory=dict)
    words: list[Settlement] = field(default_factory=list)
    told: int = 0

    def read(self, radiator_id: str, steady_s: float, power_w: float) -> None:
        """Count the trapezoid between two readings that are near enough."""
        if radiator_id in self.before:
            at_s, before_w = self.before[radiator_id]
            if 0 < (passed_s := steady_s - at_s) <= MAX_GAP_S:
                self.joules[radiator_id] += (before_w + power_w) / 2 * passed_s
        self.before[radiator_id] = (steady_s, power_w)

    def settled(self, radiator_id: str) -> tuple[list[Settlement], int]:
        """Return what the backend has accepted and not revoked, and how many it has revoked."""
        mine = {word.settlement_id: word for word in self.words if word.radiator_id == radiator_id}
        paid = [word for word in mine.values() if word.accepted]
        return paid, len(mine) - len(paid)


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("read"),
            st.sampled_from(RADIATORS),
            st.floats(0.1, 2 * MAX_GAP_S),
            st.floats(0, 5000),
        ),
        st.tuples(st.just("settle"), st.sampled_from(RADIATORS), st.decimals(0, 10, places=6)),
        st.tuples(st.just("revoke"), st.integers(0, 30)),
        st.tuples(st.just("tell"), st.integers(1, 5), st.booleans(), st.booleans()),
        st.tuples(st.just("clock"), st.floats(-3600, 3600)),
        st.tuples(st.just("save")),
        st.tuples(st.just("kill"), st.floats(0, 4000)),
    ),
    min_size=20,
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(steps=STEPS, order=st.randoms(use_true_random=False))
def test_after_any_history_the_books_are_what_a_meter_and_the_backend_say(
    steps: list[tuple[Any, ...]], order: Any
) -> None:
    ledger, model = Ledger("EUR"), Model()
    disk = Disk(ledger.save(), dict(model.joules), 0)
    steady_s, clock_error_s = 0.0, 0.0

    def tell(words: list[Settlement]) -> None:
        for radiator_id in RADIATORS:
            mine = [word for word in words if word.radiator_id == radiator_id]
            ledger.book(radiator_id, page(*mine), NOW_S)

    for step in steps:
        match step:
            case ("read", radiator_id, passed_s, power_w):
                steady_s += passed_s
                begun_s = START_S + clock_error_s
                read(ledger, steady_s, power_w, radiator_id=radiator_id, since_s=begun_s)
                model.read(radiator_id, steady_s, power_w)
            case ("settle", radiator_id, amount):
                model.words.append(
                    settlement(
                        f"s{len(model.words)}",
                        radiator_id=radiator_id,
                        earned=amount,
                        repaid=amount / 2,
                    )
                )
            case ("revoke", number) if model.words:
                word = model.words[number % len(model.words)]
                model.words.append(replace(word, accepted=False))
            case ("tell", count, again, reordered):
                start = max(0, model.told - count) if again else model.told
                words = model.words[start : model.told + count]
                if reordered:
                    order.shuffle(words)
                tell(words)
                model.told = min(model.told + count, len(model.words))
            case ("clock", change_s):
                clock_error_s += change_s
            case ("save",):
                disk = Disk(ledger.save(), dict(model.joules), model.told)
            case ("kill", passed_s):
                ledger = Ledger.load(disk.ledger, "EUR")
                model.joules, model.told = dict(disk.joules), disk.told
                # Nobody has read anything since: what was before is another process's.
                model.before.clear()
                steady_s += passed_s
    tell(model.words[model.told :])
    # A backend that begins all over again, in any order.
    tell(order.sample(model.words, len(model.words)))
    # Of each reading two halves are rounded to 1/1024 J.
    rounded_j = len(steps) / 1024
    for radiator_id in RADIATORS:
        totals, (paid, revoked) = ledger.totals(radiator_id), model.settled(radiator_id)
        assert totals.heat_j == pytest.approx(model.joules[radiator_id], rel=1e-9, abs=rounded_j)
        assert totals.earned == sum((word.earned for word in paid), Decimal(0))
        assert totals.repaid == sum((word.repaid for word in paid), Decimal(0))
        assert (sum(totals.jobs.values()), totals.refused) == (len(paid), revoked)
