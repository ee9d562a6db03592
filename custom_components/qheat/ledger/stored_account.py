"""Accounts as JSON data and back, in two parts that are written at different times.

A volume holds an account whole, up to 100 kB, and is written seldom. What has changed since its
volume is small, written often, and says what is, not what was added: so changes are right on any
volume that is older than they are and not older than the one they begin at. Changes that are
older than the volume, as a process killed between the two writes leaves them, are all in it.
Volumes are numbered by the attempts to write one, for one that failed may be on disk all the same.

Heat that a meter has yet to count is written as estimated: after a restart nobody knows any more
where the meter stood. It is added when an account is read.

What there are many of is a list in a fixed order, to be short.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from ..compute.engine import Settlement
from .account import MAX_CURSOR, Account
from .booking import MAX_ID, MAX_TIME_S, SettlementMemory
from .hours import HOUR_S, Hours
from .money import MAX_HEAT_J, LedgerError, check_number, check_text
from .stored import (
    count_of,
    dump_settlement,
    dump_totals,
    fields_of,
    list_of,
    load_settlement,
    load_totals,
    object_of,
    unique_of,
)
from .totals import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A volume or the changes since; an hour or settlement that is None is there no more."""

    volume: int = 0
    """The volume that the changes begin at; a volume's own number; 0: none."""
    tried: int = 0
    """How many volumes had been begun when this was written."""
    closed: Totals = field(default_factory=Totals)
    closed_until_s: int = 0
    free_heat_shown_j: float = 0.0
    cursor: str | None = None
    horizon_s: float = 0.0
    hours: dict[int, Totals | None] = field(default_factory=dict)
    settled: dict[str, Settlement | None] = field(default_factory=dict)
    awaited: list[tuple[int, Totals | None]] = field(default_factory=list)


_FIELDS: Final = {one.name for one in fields(_Part)}


def dump_volume(account: Account) -> dict[str, Any]:
    """Return an account whole as JSON data, for the volume that was begun last.

    The last reading is left out: a restart is a gap.
    """
    return _dump(account, account.volumes_tried, account.hours.open, account.memory.settled)


def dump_changes(account: Account) -> dict[str, Any]:
    """Return what has changed since an account's volume as JSON data; all, if it has none."""
    hours, memory = account.hours, account.memory
    if not account.volume:
        return _dump(account, 0, hours.open, memory.settled)
    return _dump(account, account.volume, hours.changed, memory.changed)


def load_account(changes: object, volume: object, radiator_id: str, currency: str) -> Account:
    """Return the account of which these are the two parts; None: that part is not there.

    Raises LedgerError.
    """
    whole = _Part() if volume is None else _load(volume, radiator_id, currency)
    lost = changes is None and volume is not None
    since = None if lost else _load(changes, radiator_id, currency)
    if since is None or since.tried < whole.tried:
        since = replace(whole, hours={}, settled={})
    if whole.volume < since.volume:
        raise LedgerError(f"volume {since.volume} is missing, there is {whole.volume}")
    hours, settled = whole.hours | since.hours, whole.settled | since.settled
    account = Account(
        volume=since.volume,
        volumes_tried=since.tried,
        by_hour=Hours(
            closed=since.closed,
            closed_until_s=since.closed_until_s,
            open={hour_s: totals for hour_s, totals in hours.items() if totals is not None},
            changed=dict.fromkeys(since.hours),
        ),
        free_heat_shown_j=since.free_heat_shown_j,
        cursor=since.cursor,
        memory=SettlementMemory(
            settled={key: one for key, one in settled.items() if one is not None},
            changed=dict.fromkeys(since.settled),
            horizon_s=since.horizon_s,
        ),
    )
    for hour_s, totals in since.awaited:
        account.hours.add(hour_s, totals or Totals())
    return account


def _dump(
    account: Account, volume: int, hours: Iterable[int], settled: Iterable[str]
) -> dict[str, Any]:
    awaited = [[hour_s, dump_totals(totals)] for hour_s, totals in account.awaited.estimated()]
    # Absent without a meter that counts.
    return ({"awaited": awaited} if awaited else {}) | {
        "volume": volume,
        "tried": account.volumes_tried,
        "closed": dump_totals(account.hours.closed),
        "closed_until_s": account.hours.closed_until_s,
        "hours": [
            [hour_s, dump_totals(account.hours.open[hour_s])]
            if hour_s in account.hours.open
            else [hour_s]
            for hour_s in hours
        ],
        "free_heat_shown_j": account.free_heat_shown_j,
        "cursor": account.cursor,
        "horizon_s": account.memory.horizon_s,
        "settled": [
            dump_settlement(account.memory.settled[settlement_id])
            if settlement_id in account.memory.settled
            else [settlement_id]
            for settlement_id in settled
        ],
    }


def _load(data: object, radiator_id: str, currency: str) -> _Part:
    part = fields_of("account", {"awaited": []} | dict(object_of("account", data)), _FIELDS)
    if part["cursor"] is not None:
        check_text("cursor", part["cursor"], MAX_CURSOR)
    return _Part(
        volume=count_of("volume", part["volume"]),
        tried=count_of("tried", part["tried"]),
        closed=load_totals(part["closed"]),
        closed_until_s=_hour(part["closed_until_s"]),
        free_heat_shown_j=check_number("free_heat_shown_j", part["free_heat_shown_j"], MAX_HEAT_J),
        cursor=part["cursor"],
        horizon_s=check_number("horizon_s", part["horizon_s"], MAX_TIME_S),
        hours=unique_of("hour", [_load_hour(entry) for entry in list_of("hours", part["hours"])]),
        settled=unique_of(
            "settlement",
            [
                _load_settled(entry, radiator_id, currency)
                for entry in list_of("settled", part["settled"])
            ],
        ),
        awaited=[_load_hour(entry) for entry in list_of("awaited", part["awaited"])],
    )


def _load_hour(data: object) -> tuple[int, Totals | None]:
    if isinstance(data, list) and len(data) == 1:
        return _hour(data[0]), None
    hour_s, totals = list_of("hour", data, 2)
    return _hour(hour_s), load_totals(totals)


def _hour(value: object) -> int:
    hour_s = count_of("hour", value, high=MAX_TIME_S)
    if hour_s % HOUR_S:
        raise LedgerError("an hour does not start on the hour")
    return hour_s


def _load_settled(data: object, radiator_id: str, currency: str) -> tuple[str, Settlement | None]:
    if isinstance(data, list) and len(data) == 1:
        return check_text("settlement id", data[0], MAX_ID), None
    settlement = load_settlement(data, radiator_id, currency)
    return settlement.settlement_id, settlement
