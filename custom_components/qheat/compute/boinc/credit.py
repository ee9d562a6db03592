"""From a project's credit totals to settlements, each credit booked exactly once.

The cursor holds the totals that are booked, also of projects and host numbers that are gone: they
may come back. Whoever books a page stores its settlements and its cursor together, also when the
page holds no settlement: then neither a crash nor a late or withdrawn credit books twice or not at
all.

Who merges two records of a machine on a project's website gives one of them the credit of the
other. The account that both are in does not grow by it. A grant beside it is withdrawn first.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from hashlib import sha256
from itertools import islice
from typing import Final

from ..engine import Settlement, SettlementPage
from .client import address_of
from .replies import MAX_CREDIT, Project

MAX_TOTALS: Final = 500
"""Totals kept, one for each project and host number: more than a client may have projects."""
MAX_STEPS: Final = 128
"""Settlements kept, to take back what is withdrawn later: fewer than the ledger can reverse."""
MAX_KIND: Final = 64
_VERSION: Final = 2
_FINEST: Final = Decimal("1E-12")
_NOTHING: Final = Decimal(0)
_ROUNDED: Final = Decimal("0.1")
"""So much may the totals of a machine and its account be apart because projects round them."""
_EXACT: Final = Context(prec=60, rounding=ROUND_DOWN)
"""Absurd credit has more than Python's usual 28 digits; to refuse it is up to the ledger."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A booked total; `number` names the settlement that led to it, 0: none did.

    `rate` is what each credit was paid with then. `account` is what all machines of the user had
    together; None: it is not known.
    """

    number: int
    total: Decimal
    rate: Decimal = _NOTHING
    account: Decimal | None = None


type Marks = Mapping[str, tuple[Mark, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What credit is worth: money per credit by a project's address; nothing if it is not there."""

    rates: Mapping[str, Decimal]
    currency: str


class Book:
    """Compares totals with those booked, and writes the settlements that lie between them."""

    def __init__(
        self,
        after: str | None,
        *,
        radiator_id: str,
        machine: str | None,
        tariff: Tariff,
        settled_at: float,
    ) -> None:
        """Open behind the cursor `after`; raises ValueError for one that is not ours.

        Of the totals of another `machine` nothing is taken over: a radiator may be given one back
        that has earned meanwhile elsewhere.
        """
        self._after = after
        self._machine = sha256((machine or "").encode()).hexdigest()[:10]
        self._number, self._before = (0, {}) if after is None else _opened(after, self._machine)
        self._radiator_id = radiator_id
        self._tariff = tariff
        self._settled_at = settled_at

    def page(
        self, projects: Sequence[Project], first_seen: Mapping[str, Decimal]
    ) -> SettlementPage:
        """Return what has changed.

        A project, or host number, that is not booked yet begins with its total in `first_seen`
        (by `key_of`), else as it stands: that was earned before. Once as many totals are booked
        as are kept, it always begins as it stands: its own may have been dropped.
        A total that falls revokes the settlements that led above it, newest first; what it falls
        below the oldest one remembered is made up by credit to come.
        """
        if len(self._before) >= MAX_TOTALS:
            first_seen = {}
        settlements: list[Settlement] = []
        shown: dict[str, tuple[Mark, ...]] = {}
        for project in projects:
            key = key_of(project)
            if project.host_id and project.credit is not None and key not in shown:
                began = first_seen.get(key, project.credit)
                first = Mark(0, began, account=project.account if began == project.credit else None)
                marks = list(self._before.get(key, (first,)))
                settlements += self._settle(key, project, project.credit, marks)
                shown[key] = tuple(marks)
        # Those that are gone come first, and so are dropped first.
        marks_of = {key: marks for key, marks in self._before.items() if key not in shown} | shown
        if self._after is not None and marks_of == self._before:
            return SettlementPage(settlements=(), cursor=self._after)
        return SettlementPage(settlements=tuple(settlements), cursor=self._written(marks_of))

    def _settle(
        self, key: str, project: Project, total: Decimal, marks: list[Mark]
    ) -> Iterator[Settlement]:
        rate = self._tariff.rates.get(address_of(project.url), _NOTHING)
        while len(marks) > 1 and marks[-1].total > total:
            mark = marks.pop()
            # What is left of it stays paid as it was.
            rate = mark.rate
            if mark.number:
                yield self._settlement(key, project, mark, None)
        if total <= marks[-1].total:
            return
        merged = _merged(project, total, marks[-1])
        earned = _worth(total - marks[-1].total - merged, rate)
        if merged or not earned:
            last = marks[-1] if marks[-1].number else marks.pop()
            step = Mark(0, last.total + merged, account=last.account)
            marks.append(step if earned else Mark(0, total, account=project.account))
        if earned:
            self._number += 1
            marks.append(Mark(self._number, total, rate, project.account))
            yield self._settlement(key, project, marks[-1], earned)

    def _settlement(
        self, key: str, project: Project, mark: Mark, earned: Decimal | None
    ) -> Settlement:
        facts = json.dumps([self._radiator_id, key, mark.number, str(mark.total)])
        return Settlement(
            settlement_id=f"boinc-{sha256(facts.encode()).hexdigest()[:32]}",
            radiator_id=self._radiator_id,
            job_kind=project.name[:MAX_KIND],
            accepted=earned is not None,
            earned=earned or _NOTHING,
            repaid=_NOTHING,
            energy_j=0.0,
            currency=self._tariff.currency,
            settled_at=self._settled_at,
        )

    def _written(self, marks_of: Marks) -> str:
        oldest = max(0, self._number - MAX_STEPS)
        surplus = max(0, len(marks_of) - MAX_TOTALS)
        kept = {
            key: [_kept(mark) for mark in _revocable(marks, oldest)]
            for key, marks in islice(marks_of.items(), surplus, None)
        }
        return json.dumps([_VERSION, self._number, kept, self._machine], separators=(",", ":"))


def key_of(project: Project) -> str:
    """Return what tells a project's totals for this machine from all others."""
    text = f"{project.host_id} {address_of(project.url)}"
    return sha256(text.encode()).hexdigest()[:10]


def _kept(mark: Mark) -> list[int | str]:
    known = () if mark.account is None else (mark.account,)
    return [mark.number, *map(str, (mark.total, mark.rate, *known))]


def _merged(project: Project, total: Decimal, mark: Mark) -> Decimal:
    """Return how much of the rise from `mark` to `total` is no grant, but another record's."""
    now, then = project.account, mark.account
    # What has less than one of its machines is no account's total.
    if now is None or then is None or now < total - _ROUNDED:
        return _NOTHING
    merged = total - mark.total - max(_NOTHING, now - then)
    return merged if merged > _ROUNDED else _NOTHING


def _worth(credit: Decimal, rate: Decimal) -> Decimal:
    return _EXACT.quantize(_EXACT.multiply(credit, rate), _FINEST)


def _revocable(marks: Sequence[Mark], oldest: int) -> Sequence[Mark]:
    """Return the marks of settlements newer than `oldest`, behind the total they began at."""
    first = next((n for n, mark in enumerate(marks) if n and mark.number > oldest), len(marks))
    return marks[first - 1 :]


def _opened(cursor: str, machine: str) -> tuple[int, Marks]:
    try:
        version, number, marks, of = json.loads(cursor)
        opened = {
            str(key): tuple(Mark(int(step), *map(_amount, amounts)) for step, *amounts in kept)
            for key, kept in marks.items()
        }
        number = int(number)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError("This is not a cursor of BOINC credit") from error
    if version != _VERSION or not all(opened.values()):
        raise ValueError("This is not a cursor of BOINC credit")
    return number, opened if of == machine else {}


def _amount(text: object) -> Decimal:
    amount = Decimal(str(text))
    if not amount.is_finite() or not 0 <= amount <= MAX_CREDIT:
        raise ValueError("not an amount of credit")
    return amount
