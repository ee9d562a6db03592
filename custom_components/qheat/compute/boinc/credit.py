"""From a project's credit totals to settlements, each credit booked exactly once.

The cursor holds the totals that are booked. Whoever books a page stores the page's settlements and
its cursor together; then neither a crash nor a late or withdrawn credit books twice or not at all.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Final

from ..engine import Settlement, SettlementPage
from .replies import MAX_CREDIT, Project

MAX_BOOKED: Final = 1000
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """The totals that are booked, by project and host number, and how many pages that took."""

    totals: Mapping[str, Decimal]
    pages: int

    def cursor(self) -> str:
        """Return this as the text that a page carries."""
        totals = {key: str(total) for key, total in self.totals.items()}
        return json.dumps([_VERSION, self.pages, totals], separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What credit is worth: money per credit by project URL; nothing for a project not named."""

    rates: Mapping[str, Decimal]
    currency: str


def page(
    projects: Sequence[Project],
    after: str | None,
    *,
    radiator_id: str,
    tariff: Tariff,
    settled_at: float,
) -> SettlementPage:
    """Return what the totals of `projects` changed by since the cursor `after`.

    A project or host number seen for the first time is booked as it stands: its credit was
    earned before. A total that falls gives a negative settlement. Raises ValueError for a cursor
    that this module did not make.
    """
    booked = _booked(after)
    totals = dict(booked.totals)
    settlements = []
    for project, key, total in _totals(projects):
        change = total - totals.get(key, total)
        if change and (rate := tariff.rates.get(project.url, Decimal(0))):
            settlements.append(
                Settlement(
                    settlement_id=_identity(radiator_id, key, booked.pages, total),
                    radiator_id=radiator_id,
                    job_kind=project.name,
                    accepted=True,
                    earned=change * rate,
                    repaid=Decimal(0),
                    energy_j=0.0,
                    currency=tariff.currency,
                    settled_at=settled_at,
                )
            )
        if len(totals) < MAX_BOOKED or key in totals:
            totals[key] = total
    if totals == booked.totals and after is not None:
        return SettlementPage(settlements=(), cursor=after)
    then = Booked(totals=totals, pages=booked.pages + 1)
    return SettlementPage(settlements=tuple(settlements), cursor=then.cursor())


def _totals(projects: Sequence[Project]) -> Iterator[tuple[Project, str, Decimal]]:
    for project in projects:
        if project.host_id and project.credit is not None:
            yield project, f"{project.host_id} {project.url}", project.credit


def _booked(cursor: str | None) -> Booked:
    if cursor is None:
        return Booked(totals={}, pages=0)
    try:
        version, pages, totals = json.loads(cursor)
        booked = Booked(
            totals={str(key): _amount(text) for key, text in totals.items()}, pages=int(pages)
        )
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError("This is not a cursor of BOINC credit") from error
    if version != _VERSION:
        raise ValueError("This cursor of BOINC credit is of another version")
    return booked


def _amount(text: object) -> Decimal:
    amount = Decimal(str(text))
    if not amount.is_finite() or not 0 <= amount <= MAX_CREDIT:
        raise ValueError("not an amount of credit")
    return amount


def _identity(radiator_id: str, key: str, pages: int, total: Decimal) -> str:
    facts = json.dumps([radiator_id, key, pages, str(total)])
    return f"boinc-{sha256(facts.encode()).hexdigest()[:32]}"
