"""The days of a home: what every radiator made and earned on each, kept for statements."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, tzinfo
from typing import Any, Final

from ..compute.engine import Settlement
from .booking import MAX_ID, worked_at
from .home import Ledger
from .hours import HOUR_S
from .money import LedgerError, check_currency, check_text
from .stored import dump_totals, fields_of, items_of, list_of, load_totals, object_of, unique_of
from .totals import Totals

VERSION: Final = 1
KEPT_DAYS: Final = 800
"""Of each radiator."""
KEPT_IDS: Final = 5000
"""Settlement ids of each radiator; the days before those keep their sums and lose their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one radiator made and earned on one local day."""

    totals: Totals
    settlement_ids: tuple[str, ...]
    """The settlements of its work, accepted or refused; bounded, so there may be fewer."""

    def with_ids(self, ids: Iterable[str]) -> Day:
        """Return the day with these settlements besides, each listed once."""
        all_ids = tuple(dict.fromkeys((*self.settlement_ids, *ids)))
        return replace(self, settlement_ids=all_ids)


class History:
    """Days copied out of the ledger, kept longer than the ledger keeps its hours.

    `absorb` overwrites days by their present state, so that it may be repeated at will: a history
    that was saved before the ledger, or lost its last write, is right again after the next call.
    Called after every booking and every hour, and saved once a day, it misses nothing.
    """

    def __init__(self, currency: str) -> None:
        self.currency = check_currency(currency)
        self._days: dict[str, dict[date, Day]] = {}

    def absorb(self, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Copy all open days of a ledger, by the calendar of `time_zone`; tell if any changed.

        Raises LedgerError for a ledger in another currency.
        """
        self._check(ledger)
        changed = [self.absorb_one(key, ledger, time_zone) for key in ledger.radiator_ids]
        return any(changed)

    def absorb_one(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Copy the open days of one radiator, as `absorb` does for all."""
        self._check(ledger)
        kept = self._days.get(radiator_id, {})
        days = _bounded(kept | dict(_open_days(ledger, radiator_id, kept, time_zone)))
        self._days[radiator_id] = days
        return days != kept

    def note(self, radiator_id: str, settlements: Iterable[Settlement], time_zone: tzinfo) -> None:
        """List settlements that were just booked: of a long page, the ledger remembers few."""
        days = self._days.setdefault(radiator_id, {})
        for day, ids in _ids(settlements, time_zone).items():
            known = days.get(day, Day(totals=Totals(), settlement_ids=()))
            days[day] = known.with_ids(ids)

    def _check(self, ledger: Ledger) -> None:
        if ledger.currency != self.currency:
            raise LedgerError(f"the ledger is in {ledger.currency}, not in {self.currency}")

    def days(self, first: date, last: date) -> Iterator[tuple[str, date, Day]]:
        """Yield radiator id, date and day from `first` to `last`, by radiator, then by date."""
        for radiator_id, days in self._days.items():
            for day in sorted(days):
                if first <= day <= last:
                    yield radiator_id, day, days[day]

    def save(self) -> dict[str, Any]:
        """Return all of the history as JSON data for `load`."""
        return {
            "version": VERSION,
            "currency": self.currency,
            "radiators": {
                radiator_id: [
                    [day.isoformat(), dump_totals(row.totals), list(row.settlement_ids)]
                    for day, row in days.items()
                ]
                for radiator_id, days in self._days.items()
            },
        }

    @classmethod
    def load(cls, data: object) -> History:
        """Return the history that was saved; raises LedgerError for anything else."""
        fields = fields_of("history", data, {"version", "currency", "radiators"})
        if fields["version"] != VERSION:
            raise LedgerError(f"the history was saved by another version, not {VERSION}")
        history = cls(check_currency(fields["currency"]))
        radiators = object_of("radiators", fields["radiators"])
        for radiator_id in radiators:
            check_text("radiator id", radiator_id, MAX_ID)
            days = [_load_day(entry) for entry in list_of(radiator_id, radiators)]
            history._days[radiator_id] = unique_of("day", days)
        return history


def _open_days(
    ledger: Ledger, radiator_id: str, kept: dict[date, Day], time_zone: tzinfo
) -> Iterator[tuple[date, Day]]:
    """Yield the days that are open as a whole, and those in part that are not kept yet."""
    totals: dict[date, Totals] = {}
    for hour_s, hour in ledger.hours(radiator_id).items():
        day = datetime.fromtimestamp(hour_s, time_zone).date()
        totals[day] = totals.get(day, Totals()) + hour
    ids = _ids(ledger.settlements(radiator_id), time_zone)
    closed_until_s = ledger.closed_until_s(radiator_id)
    for day, total in totals.items():
        begins_s = datetime.combine(day, time.min, time_zone).timestamp()
        known = kept.get(day)
        if known is None or begins_s >= closed_until_s:
            known_ids = () if known is None else known.settlement_ids
            yield day, Day(totals=total, settlement_ids=known_ids).with_ids(ids.get(day, ()))


def _ids(settlements: Iterable[Settlement], time_zone: tzinfo) -> dict[date, list[str]]:
    """Return the ids of settlements by the day that they count for."""
    ids: dict[date, list[str]] = {}
    for settlement in settlements:
        # Of the day of its hour, which may begin before midnight.
        begun_s = worked_at(settlement) // HOUR_S * HOUR_S
        day = datetime.fromtimestamp(begun_s, time_zone).date()
        ids.setdefault(day, []).append(settlement.settlement_id)
    return ids


def _bounded(days: dict[date, Day]) -> dict[date, Day]:
    """Keep the newest days, and the ids of the newest of them."""
    bounded: dict[date, Day] = {}
    ids_left = KEPT_IDS
    for day in sorted(days, reverse=True)[:KEPT_DAYS]:
        row = days[day]
        if len(row.settlement_ids) > ids_left:
            newest = row.settlement_ids[len(row.settlement_ids) - ids_left :]
            row = Day(totals=row.totals, settlement_ids=newest)
        bounded[day] = row
        ids_left -= len(row.settlement_ids)
    return bounded


def _load_day(data: object) -> tuple[date, Day]:
    text, totals, ids = items_of("day", data, 3)
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise LedgerError("a day has no date") from error
    return day, Day(
        totals=load_totals(totals),
        settlement_ids=tuple(
            check_text("settlement id", one, MAX_ID) for one in list_of("ids", {"ids": ids})
        ),
    )
