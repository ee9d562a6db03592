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
from .stored import dump_totals, fields_of, list_of, load_totals, object_of, unique_of
from .totals import Totals

VERSION: Final = 1
KEPT_DAYS: Final = 800
"""Of each radiator."""
KEPT_IDS: Final = 5000
"""Settlement ids of each radiator; the days before those keep their sums and lose their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one radiator made and earned on one local day."""

    totals: Totals = field(default_factory=Totals)
    settlement_ids: tuple[str, ...] = ()
    """The settlements of its work, accepted or refused; bounded, so there may be fewer."""

    def __add__(self, other: Day) -> Day:
        ids = dict.fromkeys((*self.settlement_ids, *other.settlement_ids))
        return Day(totals=self.totals + other.totals, settlement_ids=tuple(ids))


_NOTHING: Final = Day()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The days of one radiator."""

    days: dict[date, Day] = field(default_factory=dict)
    """By the present calendar, and from the present books."""
    before: dict[date, Day] = field(default_factory=dict)
    """By the calendars of earlier time zones, or from earlier books."""
    until_s: float = 0.0
    """All hours that begin before this, and no others, are in `before` (epoch seconds)."""

    def all(self) -> dict[date, Day]:
        """Return all days, each once."""
        return _added(self.before, self.days)


_NONE: Final = _Kept()


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
        self._kept: dict[str, _Kept] = {}

    def absorb(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Copy a radiator's open days, by the calendar of `time_zone`; tell if any changed."""
        moved = self._move(ledger, time_zone)
        return self._absorb(radiator_id, ledger, time_zone) or moved

    def note(self, radiator_id: str, settlements: Iterable[Settlement], time_zone: tzinfo) -> None:
        """List settlements that were just booked: of a long page, the ledger remembers few."""
        kept = self._kept.get(radiator_id, _NONE)
        # By the calendar that the days are by, until they go over to another one.
        listed = _listed(settlements, kept.until_s, self._time_zone or time_zone)
        self._kept[radiator_id] = replace(kept, days=_added(kept.days, listed))

    def begin_anew(self, ledger: Ledger, now_s: float) -> None:
        """Leave the days as they are of radiators that a ledger does not know: its books are new.

        What backends tell it again is in these days, up to the end of the hour of `now_s` (epoch
        seconds).
        """
        until_s = (now_s // HOUR_S + 1) * HOUR_S
        for radiator_id in self._kept.keys() - set(ledger.radiator_ids):
            before = self._kept[radiator_id].all()
            self._kept[radiator_id] = _Kept(before=before, until_s=until_s)

    def _move(self, ledger: Ledger, time_zone: tzinfo) -> bool:
        """Go over to the calendar of a time zone; tell if that is another one."""
        before, self._time_zone = self._time_zone, time_zone
        if str(before) == str(time_zone):
            return False
        if before is None:
            return True
        for radiator_id in self._kept:
            self._absorb(radiator_id, ledger, before)
            self._freeze(radiator_id, ledger, before)
            self._absorb(radiator_id, ledger, time_zone)
        return True

    def _freeze(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> None:
        """Leave days as they are that have a closed hour; drop the others, to be copied anew.

        Ids that the ledger has forgotten stay with the dates that they are listed at.
        """
        kept = self._kept[radiator_id]
        until_s, closed_until_s = kept.until_s, ledger.closed_until_s(radiator_id)
        remembered = {one.settlement_id for one in ledger.settlements(radiator_id)}
        left = dict(kept.days)
        for day, _ in _open_days(ledger, radiator_id, kept, time_zone):
            ids = left.pop(day, _NOTHING).settlement_ids
            if forgotten := tuple(one for one in ids if one not in remembered):
                left[day] = Day(settlement_ids=forgotten)
        if until_s < closed_until_s:
            last = datetime.fromtimestamp(closed_until_s - 1, time_zone).date()
            until_s = _begin_s(last + timedelta(days=1), time_zone)
        self._kept[radiator_id] = _Kept(before=_added(kept.before, left), until_s=until_s)

    def _absorb(self, radiator_id: str, ledger: Ledger, time_zone: tzinfo) -> bool:
        kept = self._kept.get(radiator_id, _NONE)
        open_days = dict(_open_days(ledger, radiator_id, kept, time_zone))
        days = _bounded(kept.days | open_days, KEPT_DAYS, KEPT_IDS)
        days_left = KEPT_DAYS - len(days.keys() - kept.before.keys())
        ids_left = KEPT_IDS - sum(len(row.settlement_ids) for row in days.values())
        before = _bounded(kept.before, days_left, ids_left)
        self._kept[radiator_id] = replace(kept, days=days, before=before)
        return self._kept[radiator_id] != kept

    def days(self, first: date, last: date) -> Iterator[tuple[str, date, Day]]:
        """Yield radiator id, date and day from `first` to `last`, by radiator, then by date."""
        for radiator_id, kept in self._kept.items():
            for day, row in sorted(kept.all().items()):
                if first <= day <= last:
                    yield radiator_id, day, row

    def copy(self) -> History:
        """Return the days as they are now, to be looked at in a thread."""
        copied = copy(self)
        copied._kept = dict(self._kept)
        return copied

    def save(self) -> dict[str, Any]:
        """Return all of the history as JSON data for `load`."""
        return {
            "version": VERSION,
            "currency": self.currency,
            "time_zone": None if self._time_zone is None else str(self._time_zone),
            "radiators": {key: _dump_days(kept.days) for key, kept in self._kept.items()},
            "before": {
                key: [kept.until_s, _dump_days(kept.before)]
                for key, kept in self._kept.items()
                if kept.until_s or kept.before
            },
        }

    @classmethod
    def load(cls, data: object, currency: str) -> History:
        """Return the history that was saved in a currency; raises LedgerError for anything else."""
        keys = {"version", "currency", "time_zone", "radiators", "before"}
        fields = fields_of("history", data, keys)
        if fields["version"] != VERSION:
            raise LedgerError(f"the history was saved by another version, not {VERSION}")
        history = cls(check_currency(fields["currency"]))
        if history.currency != currency:
            raise LedgerError(f"the history is in {history.currency}, not in {currency}")
        if fields["time_zone"] is not None:
            history._time_zone = _load_time_zone(fields["time_zone"])
        radiators = object_of("radiators", fields["radiators"])
        before = object_of("before", fields["before"])
        for radiator_id in dict.fromkeys((*radiators, *before)):
            check_text("radiator id", radiator_id, MAX_ID)
            until_s, days = list_of("before", before.get(radiator_id, [0.0, []]), 2)
            history._kept[radiator_id] = _Kept(
                days=_load_days(radiators.get(radiator_id, [])),
                before=_load_days(days),
                until_s=check_number("until_s", until_s, MAX_TIME_S),
            )
        return history


def _open_days(
    ledger: Ledger, radiator_id: str, kept: _Kept, time_zone: tzinfo
) -> Iterator[tuple[date, Day]]:
    """Yield the days that are open as a whole, and those in part that are not kept yet."""
    totals: dict[date, Totals] = {}
    for hour_s, hour in ledger.hours(radiator_id).items():
        if hour_s >= kept.until_s:
            day = datetime.fromtimestamp(hour_s, time_zone).date()
            totals[day] = totals.get(day, Totals()) + hour
    listed = _listed(ledger.settlements(radiator_id), kept.until_s, time_zone)
    closed_until_s = ledger.closed_until_s(radiator_id)
    for day, total in totals.items():
        if day not in kept.days or max(_begin_s(day, time_zone), kept.until_s) >= closed_until_s:
            known = replace(kept.days.get(day, _NOTHING), totals=total)
            yield day, known + listed.get(day, _NOTHING)


def _listed(
    settlements: Iterable[Settlement], since_s: float, time_zone: tzinfo
) -> dict[date, Day]:
    """Return the days that settlements count for since a moment, with nothing but their ids."""
    ids: dict[date, dict[str, None]] = {}
    for settlement in settlements:
        # They count for the hour of their work, which may begin before midnight.
        hour_s = worked_at(settlement) // HOUR_S * HOUR_S
        if hour_s >= since_s:
            day = datetime.fromtimestamp(hour_s, time_zone).date()
            ids.setdefault(day, {})[settlement.settlement_id] = None
    return {day: Day(settlement_ids=tuple(listed)) for day, listed in ids.items()}


def _begin_s(day: date, time_zone: tzinfo) -> float:
    return datetime.combine(day, time.min, time_zone).timestamp()


def _added(some: dict[date, Day], more: dict[date, Day]) -> dict[date, Day]:
    """Add up days by their dates."""
    return some | {day: some[day] + row if day in some else row for day, row in more.items()}


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
    text, totals, ids = list_of("day", data, 3)
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
