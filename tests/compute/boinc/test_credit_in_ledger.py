"""Credit of many projects in the real ledger, over restarts: the exact sum."""

import json
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.compute.boinc import credit
from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.compute.boinc.credit import MAX_STEPS, MAX_TOTALS, Book, Tariff, key_of
from custom_components.qheat.compute.boinc.replies import MAX_CREDIT, MAX_PROJECTS, Project
from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.ledger import Ledger
from custom_components.qheat.ledger.account import MAX_CURSOR
from custom_components.qheat.ledger.booking import MEMORY

RATE: Final = Decimal("0.01")
FEW: Final = 5


def project(number: int, total: int = 0, host_id: int = 5) -> Project:
    credit = Decimal(total).quantize(Decimal("0.000001"))
    return Project(
        url=f"https://p{number}.example/",
        name=f"P{number}",
        host_id=host_id,
        credit=credit,
        account=credit,
        resource_share=100.0,
        paused=False,
    )


MACHINE: Final = "a-machine"
TARIFF: Final = Tariff(
    rates={address_of(project(n).url): RATE for n in range(MAX_PROJECTS)}, currency="EUR"
)
FREE: Final = Tariff(rates={}, currency="EUR")


class Home:
    """Looks at a client, books what it pays, and saves and loses that as a process does."""

    def __init__(self) -> None:
        self.ledger = Ledger("EUR")
        self.first_seen: dict[str, Decimal] = {}
        self.now_s = 1000.0
        self.saved = json.dumps(self.ledger.save())

    def ask(self, projects: Iterable[Project]) -> SettlementPage:
        self.now_s += 10
        shown = tuple(projects)
        for one in shown:
            assert one.credit is not None
            self.first_seen.setdefault(key_of(one), one.credit)
        after = self.ledger.cursor("hall")
        book = Book(
            after, radiator_id="hall", machine=MACHINE, tariff=TARIFF, settled_at=self.now_s
        )
        return book.page(shown, self.first_seen)

    def book(self, *projects: Project) -> SettlementPage:
        page = self.ask(projects)
        booking = self.ledger.book("hall", page, self.now_s)
        assert len(booking.booked) == len(page.settlements)
        return page

    def save(self) -> None:
        self.saved = json.dumps(self.ledger.save())

    def kill(self) -> None:
        self.ledger = Ledger.load(json.loads(self.saved), "EUR")
        self.first_seen = {}

    @property
    def earned(self) -> Decimal:
        return self.ledger.totals("hall").earned


@given(count=st.integers(1, 200), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_number_of_projects_is_paid_exactly_whatever_is_lost_repeated_or_corrected(
    count: int, seed: int
) -> None:
    random, home = Random(seed), Home()
    begun = [random.randrange(1000) for _ in range(count)]
    totals = begun

    def shown() -> list[Project]:
        return [project(n, total) for n, total in enumerate(totals)]

    def earned_at(heights: list[int]) -> Decimal:
        grown = (max(high - low, 0) for high, low in zip(heights, begun, strict=True))
        return sum(grown) * RATE

    home.ask(shown())
    totals = [low + random.randrange(2) for low in begun]
    highest = totals.copy()
    home.book(*shown())
    home.save()
    for _ in range(random.randrange(3, 12)):
        for number in random.sample(range(count), random.randrange(count + 1)):
            totals[number] = max(0, totals[number] + random.randrange(-15, 40))
            highest[number] = max(highest[number], totals[number])
        page = home.ask(present := random.sample(shown(), random.randrange(count + 1)))
        if random.random() < 0.7:
            home.now_s -= 10
            assert home.book(*present).settlements == page.settlements
            assert home.earned <= earned_at(highest)
        if random.random() < 0.5:
            home.save()
        if random.random() < 0.3:
            home.kill()
    home.book(*shown())
    assert home.earned >= earned_at(totals)
    if count <= FEW:
        assert home.earned == earned_at(totals)
    totals = [high + 1 for high in highest]
    home.book(*shown())
    home.kill()
    for _ in range(2):
        home.book(*shown())
    assert home.earned == earned_at(totals)


@pytest.mark.parametrize("count", [1, 28, 40, 200])
def test_a_project_that_is_seen_for_the_first_time_is_paid_from_there_once(count: int) -> None:
    home = Home()
    home.ask(project(n, 1000) for n in range(count))
    for total in (1010, 1020, 1030, 1030, 1030):
        home.book(*(project(n, total) for n in range(count)))
    assert home.earned == 30 * RATE * count


@pytest.fixture
def few_totals(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have only so many totals remembered: the real number takes half a minute to exceed."""
    monkeypatch.setattr(credit, "MAX_TOTALS", 20)
    return 20


def test_host_numbers_are_paid_apart_however_often_a_project_was_attached_anew(
    few_totals: int,
) -> None:
    home = Home()
    lengths = [
        len(home.book(project(0, total, host_id)).cursor or "")
        for host_id in range(1, 3 * few_totals + 1)
        for total in (0, 10)
    ]
    assert home.earned == 10 * RATE * 3 * few_totals
    assert lengths[-1] < 1.1 * lengths[3 * few_totals]


def test_a_project_that_comes_back_is_paid_for_what_came_in_between() -> None:
    home = Home()
    home.book(project(0, 100), project(1, 100))
    home.book(project(1, 110))
    home.save()
    home.kill()
    home.book(project(1, 110))
    home.book(project(0, 130), project(1, 110))
    assert home.earned == 40 * RATE


def test_what_was_dropped_is_never_paid_again(few_totals: int) -> None:
    home = Home()
    home.book(project(0))
    home.book(project(0, 10))
    for host_id in range(6, 6 + few_totals):
        home.book(project(1, 0, host_id))
    for total in (10, 10, 15):
        home.book(project(0, total))
    assert home.earned == 15 * RATE


def test_a_correction_is_exact_at_once_as_deep_as_settlements_are_kept() -> None:
    home = Home()
    for total in range(MAX_STEPS + 1):
        home.book(project(0, total), project(1, 7))
    home.book(project(0, 3), project(1, 7))
    assert home.earned == 3 * RATE


def test_a_deeper_correction_is_made_up_by_later_credit_and_nothing_is_paid_twice() -> None:
    home = Home()
    for total in range(MEMORY + MAX_STEPS):
        home.book(project(0, total))
    home.book(project(0, 0))
    assert home.earned == (MEMORY - 1) * RATE
    home.book(project(0, MEMORY - 1))
    assert home.earned == (MEMORY - 1) * RATE
    home.book(project(0, MEMORY))
    assert home.earned == MEMORY * RATE


def test_free_science_leaves_paid_settlements_in_memory() -> None:
    home = Home()
    free = replace(project(0), url="https://free.example/")
    home.book(project(0), free)
    home.book(project(0, 10), free)
    for total in range(2 * MAX_STEPS):
        home.book(project(0, 10), replace(free, credit=Decimal(total)))
    home.book(project(0, 4), replace(free, credit=Decimal(total)))
    assert home.earned == 4 * RATE


def test_a_project_that_pays_no_more_lengthens_no_cursor() -> None:
    home = Home()
    home.book(project(0))
    home.book(project(0, 10))
    cursor = home.ledger.cursor("hall")
    for total in range(10, 100):
        book = Book(cursor, radiator_id="hall", machine=MACHINE, tariff=FREE, settled_at=0.0)
        cursor = book.page([project(0, total)], {}).cursor
    assert cursor is not None
    assert len(cursor) < 140


def test_absurd_credit_is_refused_alone_and_other_projects_are_paid() -> None:
    home, dear = Home(), Tariff(rates=dict.fromkeys(TARIFF.rates, Decimal(1000)), currency="EUR")
    cursor = home.book(project(0), project(1)).cursor
    book = Book(cursor, radiator_id="hall", machine=MACHINE, tariff=dear, settled_at=home.now_s)
    page = book.page([project(0, int(MAX_CREDIT)), project(1, 4)], {})
    booking = home.ledger.book("hall", page, home.now_s)
    assert ["earned amount" in fault.detail for fault in booking.faults] == [True]
    assert home.earned == 4000


def test_the_ledger_can_reverse_all_that_may_be_revoked() -> None:
    assert MAX_STEPS <= MEMORY


def test_the_longest_cursor_fits_into_the_ledger() -> None:
    home = Home()
    most = int(MAX_CREDIT) - 10 * MAX_STEPS

    def half_merged(number: int, step: int, host_id: int = 5) -> Project:
        account = Decimal(most + 5 * MAX_STEPS + step).quantize(RATE**3)
        return replace(project(number, most + 2 * step, host_id), account=account)

    for host_id in range(10**9, 10**9 + MAX_TOTALS + 50):
        home.book(half_merged(0, 0, host_id))
    for step in range(MAX_STEPS + 1):
        page = home.book(*(half_merged(n, step) for n in range(2)))
    assert page.cursor is not None
    assert 3 * 2**14 < len(page.cursor) < MAX_CURSOR
