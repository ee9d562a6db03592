"""The days of a home: what every radiator made and earned on each, kept for statements."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..compute.engine import Settlement
from .booking import MAX_ID, MAX_TIME_S, worked_at
from .home import Ledger
from .hours import HOUR_S
from .money import LedgerError, check_currency, check_number, check_text
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

    def __add__(self, other: Day) -> Day:
        return replace(self, totals=self.totals + other.totals).with_ids(other.settlement_ids)

    def with_ids(self, ids: Iterable[str]) -> Day:
        """Return the day with these settlements besides, each listed once."""
        all_ids = tuple(dict.fromkeys((*self.settlement_ids, *ids)))
        return replace(self, settlement_ids=all_ids)


_NOTHING: Final = Day(totals=Totals(), settlement_ids=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """The days of one radiator by the calendars of earlier time zones, or from earlier books."""

    until_s: float = 0.0
    """All hours that begin before this, and no others, are in these days (epoch seconds)."""
    days: dict[date, Day] = field(default_factory=dict)


class History:
    """Days copied out of the ledger, kept longer than the ledger keeps its hours.

    `absorb` overwrites days by their present state, so that it may be repeated at will: a history
    that was saved before the ledger, or lost its last write, is right again after the next call.
    Called after every booking and every hour, and saved once a day, it misses nothing.

    When the time zone changes, the days that are open as a whole are copied anew by its calendar,
    and older ones stay as they were: each hour is in one day.
    """

    def __init__(self, currency: str) -> None:
        self.currency = check_currency(currency)
        self._time_zone: tzinfo | None = None
        self._days: dict[str, dict[date, Day]] = {}
        self._before: dict[str, _Before] = {}

    def absorb(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Copy a radiator's open days, by the calendar of `time_zone`; tell if any changed."""
        moved = self._move(ledger, time_zone)
        return self._absorb(radiator_id, ledger, time_zone) or moved

    def note(self, radiator_id: str, settlements: Iterable[Settlement], time_zone: tzinfo) -> None:
        """List settlements that were just booked: of a long page, the ledger remembers few."""
        days = self._days.setdefault(radiator_id, {})
        until_s = self._before.get(radiator_id, _Before()).until_s
        since = (one for one in settlements if _hour_of(one) >= until_s)
        # By the calendar that the days are by, until they go over to another one.
        for day, ids in _ids(since, self._time_zone or time_zone).items():
            days[day] = days.get(day, _NOTHING).with_ids(ids)

    def begin_anew(self, ledger: Ledger, now_s: float) -> None:
        """Leave the days as they are of radiators that a ledger does not know: its books are new.

        What backends tell it again is in these days, up to the end of the hour of `now_s` (epoch
        seconds).
        """
        until_s = (now_s // HOUR_S + 1) * HOUR_S
        for radiator_id in self._days.keys() - set(ledger.radiator_ids):
            days = dict(self._before.get(radiator_id, _Before()).days)
            for day, row in self._days[radiator_id].items():
                days[day] = days.get(day, _NOTHING) + row
            self._before[radiator_id] = _Before(until_s=until_s, days=days)
            self._days[radiator_id] = {}

    def _move(self, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Go over to the calendar of a time zone; tell if that is another one."""
        before, self._time_zone = self._time_zone, time_zone
        if str(before) == str(time_zone):
            return False
        if before is None:
            return True
        for radiator_id in self._days:
            self._absorb(radiator_id, ledger, before)
            self._freeze(radiator_id, ledger, before)
            self._absorb(radiator_id, ledger, time_zone)
        return True

    def _freeze(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> None:
        """Leave days as they are that have a closed hour; drop the others, to be copied anew.

        Ids that the ledger has forgotten stay with the dates that they are listed at.
        """
        before = self._before.get(radiator_id, _Before())
        until_s, closed_until_s = before.until_s, ledger.closed_until_s(radiator_id)
        remembered = {one.settlement_id for one in ledger.settlements(radiator_id)}
        days, kept = dict(before.days), self._days[radiator_id]
        anew = dict(_open_days(ledger, radiator_id, kept, time_zone, until_s))
        for day, row in kept.items():
            left = row
            if day in anew:
                left = _NOTHING.with_ids(one for one in row.settlement_ids if one not in remembered)
            if left != _NOTHING:
                days[day] = days.get(day, _NOTHING) + left
        if until_s < closed_until_s:
            last = datetime.fromtimestamp(closed_until_s - 1, time_zone).date()
            until_s = _begin_s(last + timedelta(days=1), time_zone)
        self._before[radiator_id] = _Before(until_s=until_s, days=days)
        self._days[radiator_id] = {}

    def _absorb(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> bool:
        kept = self._days.get(radiator_id, {})
        before = self._before.get(radiator_id, _Before())
        open_days = dict(_open_days(ledger, radiator_id, kept, time_zone, before.until_s))
        days = _bounded(kept | open_days, KEPT_DAYS, KEPT_IDS)
        self._days[radiator_id] = days
        if not before.days:
            return days != kept
        days_left = KEPT_DAYS - len(days.keys() - before.days.keys())
        ids_left = KEPT_IDS - sum(len(row.settlement_ids) for row in days.values())
        days_before = _bounded(before.days, days_left, ids_left)
        self._before[radiator_id] = replace(before, days=days_before)
        return (days, days_before) != (kept, before.days)

    def days(self, first: date, last: date) -> Iterator[tuple[str, date, Day]]:
        """Yield radiator id, date and day from `first` to `last`, by radiator, then by date."""
        for radiator_id, days in self._days.items():
            before = self._before.get(radiator_id, _Before()).days
            for day in sorted(days.keys() | before.keys()):
                if first <= day <= last:
                    yield radiator_id, day, before.get(day, _NOTHING) + days.get(day, _NOTHING)

    def copy(self) -> History:
        """Return the days as they are now, to be looked at in a thread."""
        copied = copy(self)
        copied._days = {radiator_id: dict(days) for radiator_id, days in self._days.items()}
        copied._before = dict(self._before)
        return copied

    def save(self) -> dict[str, Any]:
        """Return all of the history as JSON data for `load`."""
        return {
            "version": VERSION,
            "currency": self.currency,
            "time_zone": None if self._time_zone is None else str(self._time_zone),
            "radiators": {key: _dump_days(days) for key, days in self._days.items()},
            "before": {
                key: [before.until_s, _dump_days(before.days)]
                for key, before in self._before.items()
            },
        }

    @classmethod
    def load(cls, data: object, currency: str) -> History:
        """Return the history that was saved in a currency; raises LedgerError for anything else."""
        # Versions that did not go over to another time zone saved neither the zone nor days before.
        older: dict[str, Any] = {"time_zone": None, "before": {}}
        keys = {"version", "currency", "time_zone", "radiators", "before"}
        fields = fields_of("history", older | dict(object_of("history", data)), keys)
        if fields["version"] != VERSION:
            raise LedgerError(f"the history was saved by another version, not {VERSION}")
        history = cls(check_currency(fields["currency"]))
        if history.currency != currency:
            raise LedgerError(f"the history is in {history.currency}, not in {currency}")
        if fields["time_zone"] is not None:
            history._time_zone = _load_time_zone(fields["time_zone"])
        radiators = object_of("radiators", fields["radiators"])
        for radiator_id in radiators:
            check_text("radiator id", radiator_id, MAX_ID)
            history._days[radiator_id] = _load_days(radiators[radiator_id])
        before = object_of("before", fields["before"])
        for radiator_id in before:
            until_s, days = items_of("before", before[radiator_id], 2)
            history._before[check_text("radiator id", radiator_id, MAX_ID)] = _Before(
                until_s=check_number("until_s", until_s, MAX_TIME_S), days=_load_days(days)
            )
        return history


def _open_days(
    ledger: Ledger, radiator_id: str, kept: dict[date, Day], time_zone: tzinfo, since_s: float
) -> Iterator[tuple[date, Day]]:
    """Yield the days that are open as a whole, and those in part that are not kept yet.

    Of all that, what was in the hours that begin at `since_s` (epoch seconds) or later.
    """
    totals: dict[date, Totals] = {}
    for hour_s, hour in ledger.hours(radiator_id).items():
        if hour_s >= since_s:
            day = datetime.fromtimestamp(hour_s, time_zone).date()
            totals[day] = totals.get(day, Totals()) + hour
    since = (one for one in ledger.settlements(radiator_id) if _hour_of(one) >= since_s)
    ids = _ids(since, time_zone)
    closed_until_s = ledger.closed_until_s(radiator_id)
    for day, total in totals.items():
        if day not in kept or max(_begin_s(day, time_zone), since_s) >= closed_until_s:
            known = kept.get(day, _NOTHING)
            yield day, replace(known, totals=total).with_ids(ids.get(day, ()))


def _ids(settlements: Iterable[Settlement], time_zone: tzinfo) -> dict[date, list[str]]:
    """Return the ids of settlements by the day that they count for."""
    ids: dict[date, list[str]] = {}
    for settlement in settlements:
        day = datetime.fromtimestamp(_hour_of(settlement), time_zone).date()
        ids.setdefault(day, []).append(settlement.settlement_id)
    return ids


def _hour_of(settlement: Settlement) -> float:
    """Return the start of the hour that a settlement counts for; it may be before midnight."""
    return worked_at(settlement) // HOUR_S * HOUR_S


def _begin_s(day: date, time_zone: tzinfo) -> float:
    return datetime.combine(day, time.min, time_zone).timestamp()


def _bounded(days: dict[date, Day], most: int, ids_left: int) -> dict[date, Day]:
    """Keep the newest days, and the ids of the newest of them."""
    bounded: dict[date, Day] = {}
    for day in sorted(days, reverse=True)[:most]:
        row = days[day]
        if len(row.settlement_ids) > ids_left:
            newest = row.settlement_ids[len(row.settlement_ids) - ids_left :]
            row = Day(totals=row.totals, settlement_ids=newest)
        bounded[day] = row
        ids_left -= len(row.settlement_ids)
    return bounded


def _dump_days(days: dict[date, Day]) -> list[Any]:
    return [
        [day.isoformat(), dump_totals(row.totals), list(row.settlement_ids)]
        for day, row in days.items()
    ]


def _load_days(data: object) -> dict[date, Day]:
    return unique_of("day", [_load_day(entry) for entry in list_of("days", data)])


def _load_time_zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(check_text("time zone", name, MAX_ID))
    except (ValueError, KeyError, OSError) as error:
        raise LedgerError("there is no such time zone") from error


def _load_day(data: object) -> tuple[date, Day]:
    text, totals, ids = items_of("day", data, 3)
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise LedgerError("a day has no date") from error
    return day, Day(
        totals=load_totals(totals),
        settlement_ids=tuple(
            check_text("settlement id", one, MAX_ID) for one in list_of("ids", ids)
        ),
    )
