"""Records of a machine that are merged on a project's website are no work."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.compute.boinc.credit import Book, key_of
from custom_components.qheat.compute.boinc.replies import Project

from .credited import PROJECT, TARIFF, URL, Ledger, Science

RATE: Final = TARIFF.rates[address_of(URL)]


class Home:
    """Looks at a client that the project has just answered, and books what it finds."""

    def __init__(self) -> None:
        self.science = Science(others=Decimal(10**6))
        self.ledger = Ledger()
        self.tariff = TARIFF
        self.told: Callable[[Project], Project] = lambda project: project
        """What the project, or its client, makes of what it ought to tell."""
        self.look()

    def look(self, *, stored: bool = True) -> None:
        page = self.ledger.ask_all([self.told(self.science.reply())], self.tariff)
        if stored:
            self.ledger.book(page)

    def work(self, *grants: int) -> None:
        """Be granted one after the other, and look after each."""
        for credit in grants:
            self.science.total += credit
            self.look()

    @property
    def paid(self) -> Decimal:
        return self.ledger.earned / RATE


@pytest.fixture
def home() -> Home:
    """Return a home whose machine has earned 30 since it was first seen."""
    home = Home()
    home.work(10, 20)
    return home


@pytest.mark.parametrize("own", [0, 7])
@pytest.mark.parametrize("earned", [(), (10, 20)])
def test_what_an_older_record_brings_is_not_paid_and_all_else_is(
    own: int, earned: tuple[int, ...]
) -> None:
    home = Home()
    home.work(*earned)
    home.science.merge(10**6)
    home.work(own)
    assert home.paid == sum(earned) + own
    home.work(5)
    assert home.paid == sum(earned) + own + 5


def test_a_former_number_of_the_same_machine_is_not_paid_again_when_it_is_merged(
    home: Home,
) -> None:
    home.science.number_anew()
    home.work(0, 10)
    home.science.merge(30)
    home.look()
    assert home.paid == 40


def test_of_a_merge_no_more_is_paid_than_others_of_the_account_have_earned_meanwhile(
    home: Home,
) -> None:
    home.science.merge(50_000)
    for _ in range(2):
        home.science.others += 400
        home.look()
    assert home.paid == 30 + 400


def test_totals_that_are_rounded_each_by_itself_are_no_merge(home: Home) -> None:
    for _ in range(10):
        home.science.others -= Decimal("0.000001")
        home.work(1)
    assert home.paid == 40
    assert home.ledger.cursor is not None
    (marks,) = json.loads(home.ledger.cursor)[2].values()
    assert all(number for number, *_ in marks[1:])


def test_an_account_that_is_rounded_below_its_only_record_still_tells_a_merge(home: Home) -> None:
    home.science.merge(10**6)
    home.science.others -= Decimal("0.000001")
    home.work(0, 5)
    assert home.paid == 35


@pytest.mark.parametrize("grants", [(0, 7), (7,)])
def test_credit_that_comes_after_a_merge_or_with_it_and_is_withdrawn_is_taken_back(
    home: Home, grants: tuple[int, ...]
) -> None:
    home.science.merge(50_000)
    home.work(*grants)
    home.science.others += 1000
    home.work(-3)
    assert home.paid == 34


def test_a_merge_at_a_project_that_pays_nothing_changes_no_later_pay(home: Home) -> None:
    home.tariff = replace(TARIFF, rates={})
    home.science.merge(50_000)
    home.look()
    home.tariff = TARIFF
    home.work(10)
    assert home.paid == 40


def test_a_page_that_finds_a_merge_and_is_not_stored_finds_it_again(home: Home) -> None:
    home.science.merge(50_000)
    for _ in range(3):
        home.science.total += 5
        home.look(stored=False)
    home.look()
    assert home.paid == 30 + 15


@pytest.mark.parametrize("account", [None, Decimal(0), Decimal(1000)])
def test_an_account_that_is_not_told_or_has_less_than_its_machine_leaves_all_paid(
    home: Home, account: Decimal | None
) -> None:
    home.told = lambda project: replace(project, account=account)
    home.work(1000)
    assert home.paid == 1030


@pytest.mark.parametrize(("lost", "paid"), [(400, 600), (1500, 0)])
def test_what_another_machine_of_the_account_loses_meanwhile_is_not_paid_here(
    home: Home, lost: int, paid: int
) -> None:
    home.science.others -= lost
    home.work(1000)
    assert home.paid == 30 + paid
    home.work(5)
    assert home.paid == 30 + paid + 5


def test_of_what_came_since_a_project_was_first_seen_its_account_tells_nothing() -> None:
    project = replace(PROJECT, credit=Decimal(40), account=Decimal(40))
    book = Book(None, radiator_id="hall", machine=None, tariff=TARIFF, settled_at=0.0)
    (settlement,) = book.page([project], {key_of(project): Decimal(30)}).settlements
    assert settlement.earned / RATE == 10


def test_a_cursor_from_before_accounts_were_known_pays_on_and_finds_what_is_merged_later() -> None:
    home = Home()
    assert home.ledger.cursor is not None
    version, number, kept, of = json.loads(home.ledger.cursor)
    before = {key: [mark[:3] for mark in marks] for key, marks in kept.items()}
    home.ledger.cursor = json.dumps([version, number, before, of])
    home.work(20)
    home.science.merge(50_000)
    home.work(-5)
    assert home.paid == 20


@pytest.mark.parametrize("mark", ['[0,"1","0","nan"]', '[0,"1","0","-1"]', '[0,"1","0",{}]'])
def test_a_cursor_with_no_good_account_is_refused(mark: str) -> None:
    ledger = Ledger()
    ledger.cursor = f'[2,0,{{"a":[{mark}]}},"m"]'
    with pytest.raises(ValueError, match="cursor"):
        ledger.ask_all([PROJECT])


@given(data=st.data())
def test_whatever_is_merged_what_is_paid_is_what_was_granted_and_not_taken_back(
    data: st.DataObject,
) -> None:
    home = Home()
    science, expected, since = home.science, 0, 0
    events = st.sampled_from(["grant", "grant", "back", "merge", "number", "lost"])
    for event in data.draw(st.lists(events, max_size=40)):
        match event:
            case "grant":
                science.total += (credit := data.draw(st.integers(1, 200)))
                expected, since = expected + credit, since + credit
            case "back":
                home.look()
                science.total -= (credit := data.draw(st.integers(0, since)))
                expected, since = expected - credit, since - credit
            case "merge":
                home.look()
                science.merge(data.draw(st.integers(0, 10**4)))
                science.total += (since := data.draw(st.integers(0, 200)))
                expected += since
            case "number":
                home.look()
                science.number_anew()
                since = 0
        home.look(stored=event != "lost")
    home.look()
    assert home.paid == expected
