"""Accounts as JSON data and back; nothing that is damaged is taken for a zero.

What there are many of is a list in a fixed order: the file is written twice a minute.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ..compute.engine import HeatKind, PowerSource, Settlement
from .account import MAX_CURSOR, Account
from .booking import MAX_ENERGY_J, MAX_ID, MAX_KIND, MAX_TIME_S, SettlementMemory, worked_at
from .hours import HOUR_S, Hours
from .money import LedgerError, check_decimal, check_number, check_text
from .totals import Totals

MAX_HEAT_J: Final = 8e12
_MAX_MONEY: Final = Decimal("1E24")
_MAX_COUNT: Final = 2**53
_MAX_DIGITS: Final = 64
_ACCOUNT: Final = {
    "closed",
    "closed_until_s",
    "hours",
    "free_heat_shown_j",
    "cursor",
    "horizon_s",
    "settled",
}


def dump_account(account: Account) -> dict[str, Any]:
    """Return an account as JSON data; the last reading is left out, a restart is a gap."""
    return {
        "closed": dump_totals(account.hours.closed),
        "closed_until_s": account.hours.closed_until_s,
        "hours": [[hour_s, dump_totals(hour)] for hour_s, hour in account.hours.open.items()],
        "free_heat_shown_j": account.free_heat_shown_j,
        "cursor": account.cursor,
        "horizon_s": account.memory.horizon_s,
        "settled": [_dump_settled(settled) for settled in account.memory.settled.values()],
    }


def load_account(data: object, radiator_id: str, currency: str) -> Account:
    """Return the account that `dump_account` described; raises LedgerError."""
    fields = fields_of("account", data, _ACCOUNT)
    if fields["cursor"] is not None:
        check_text("cursor", fields["cursor"], MAX_CURSOR)
    settled = [_load_settled(entry, radiator_id, currency) for entry in list_of("settled", fields)]
    hours = [_load_hour(entry) for entry in list_of("hours", fields)]
    return Account(
        hours=Hours(
            closed=load_totals(fields["closed"]),
            closed_until_s=count_of("closed_until_s", fields["closed_until_s"]),
            open=unique_of("hour", hours),
        ),
        free_heat_shown_j=check_number(
            "free_heat_shown_j", fields["free_heat_shown_j"], MAX_HEAT_J
        ),
        cursor=fields["cursor"],
        memory=SettlementMemory(
            settled=unique_of("settlement", [(one.settlement_id, one) for one in settled]),
            horizon_s=check_number("horizon_s", fields["horizon_s"], MAX_TIME_S),
        ),
    )


def fields_of(name: str, data: object, keys: set[str]) -> Mapping[str, Any]:
    """Return `data` if it is an object with just these keys, else raise LedgerError."""
    if not isinstance(data, Mapping):
        raise LedgerError(f"{name} is not an object")
    if data.keys() != keys:
        odd = ", ".join(sorted(str(key)[:40] for key in data.keys() ^ keys)[:5])
        raise LedgerError(f"{name} has missing or unknown fields: {odd}")
    return data


def object_of(name: str, data: object) -> Mapping[str, Any]:
    """Return `data` if it is an object with any keys, else raise LedgerError."""
    if isinstance(data, Mapping):
        return data
    raise LedgerError(f"{name} is not an object")


def list_of(name: str, fields: Mapping[str, Any]) -> list[Any]:
    """Return the field of that name if it is a list, else raise LedgerError."""
    value = fields[name]
    if isinstance(value, list):
        return value
    raise LedgerError(f"{name} is not a list")


def items_of(name: str, data: object, count: int) -> list[Any]:
    """Return `data` if it is a list of so many, else raise LedgerError."""
    if isinstance(data, list) and len(data) == count:
        return data
    raise LedgerError(f"{name} is not a list of {count}")


def unique_of[K, V](name: str, entries: list[tuple[K, V]]) -> dict[K, V]:
    """Return entries by key; raises LedgerError if a key is there twice."""
    by_key = dict(entries)
    if len(by_key) != len(entries):
        raise LedgerError(f"one {name} is there twice")
    return by_key


def count_of(name: str, value: object, low: int = 0) -> int:
    """Return `value` if it is a whole number from `low`, else raise LedgerError."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= _MAX_COUNT:
        return value
    raise LedgerError(f"{name} is not a count")


def dump_totals(totals: Totals) -> list[Any]:
    """Return totals as JSON data."""
    heat_j = {f"{kind}/{source}": heat_j for (kind, source), heat_j in totals.heat_split_j.items()}
    return [
        heat_j,
        totals.unpriced_heat_j,
        totals.free_heat_j,
        str(totals.electricity_product),
        str(totals.reference_product),
        str(totals.repaid),
        str(totals.earned),
        dict(totals.jobs),
        totals.refused,
    ]


def load_totals(data: object) -> Totals:
    """Return the totals that `dump_totals` described; raises LedgerError."""
    heat_j, unpriced_j, free_j, electricity, reference, repaid, earned, jobs, refused = items_of(
        "totals", data, 9
    )
    return Totals(
        heat_split_j={
            _heat_key(key): check_number("heat", part_j, MAX_HEAT_J)
            for key, part_j in object_of("heat", heat_j).items()
        },
        unpriced_heat_j=check_number("unpriced heat", unpriced_j, MAX_HEAT_J),
        free_heat_j=check_number("free heat", free_j, MAX_HEAT_J, low=-MAX_HEAT_J),
        electricity_product=_money("electricity cost", electricity),
        reference_product=_money("reference cost", reference),
        repaid=_money("repaid", repaid),
        earned=_money("earned", earned),
        jobs={
            check_text("job kind", kind, MAX_KIND): count_of("jobs", count, -_MAX_COUNT)
            for kind, count in object_of("jobs", jobs).items()
        },
        refused=count_of("refused", refused),
    )


def _load_hour(data: object) -> tuple[int, Totals]:
    hour_s, totals = items_of("hour", data, 2)
    if count_of("hour", hour_s) % HOUR_S:
        raise LedgerError("an hour does not start on the hour")
    return hour_s, load_totals(totals)


def _dump_settled(settlement: Settlement) -> list[Any]:
    return [
        settlement.settlement_id,
        settlement.job_kind,
        settlement.accepted,
        str(settlement.earned),
        str(settlement.repaid),
        settlement.energy_j,
        settlement.settled_at,
        worked_at(settlement),
    ]


def _load_settled(data: object, radiator_id: str, currency: str) -> Settlement:
    settlement_id, kind, accepted, earned, repaid, energy_j, settled_at, worked_s = items_of(
        "settlement", data, 8
    )
    if not isinstance(accepted, bool):
        raise LedgerError("accepted is neither true nor false")
    return Settlement(
        settlement_id=check_text("settlement id", settlement_id, MAX_ID),
        radiator_id=radiator_id,
        job_kind=check_text("job kind", kind, MAX_KIND),
        accepted=accepted,
        earned=_money("earned", earned, Decimal(0)),
        repaid=_money("repaid", repaid, Decimal(0)),
        energy_j=check_number("settlement energy", energy_j, MAX_ENERGY_J),
        currency=currency,
        settled_at=check_number("settlement time", settled_at, MAX_TIME_S),
        delivered_at=check_number("delivery time", worked_s, MAX_TIME_S),
    )


def _heat_key(key: object) -> tuple[HeatKind, PowerSource]:
    kind, _, source = str(key).partition("/")
    try:
        return HeatKind(kind), PowerSource(source)
    except ValueError as error:
        raise LedgerError(f"no such kind of heat: {str(key)[:40]}") from error


def _money(name: str, value: object, low: Decimal = -_MAX_MONEY) -> Decimal:
    if not isinstance(value, str) or len(value) > _MAX_DIGITS:
        raise LedgerError(f"{name} is not an amount of money")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise LedgerError(f"{name} is not an amount of money") from error
    return check_decimal(name, amount, low, _MAX_MONEY)
