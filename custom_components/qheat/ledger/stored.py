"""Totals as JSON data and back; nothing that is damaged is taken for a zero."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ..compute.engine import HeatKind, PowerSource, Settlement
from .booking import MAX_ENERGY_J, MAX_ID, MAX_KIND, MAX_TIME_S, worked_at
from .money import MAX_HEAT_J, LedgerError, check_decimal, check_number, check_text
from .totals import Totals

_MAX_MONEY: Final = Decimal("1E24")
_MAX_COUNT: Final = 2**53
_MAX_DIGITS: Final = 64


def fields_of(name: str, data: object, keys: set[str]) -> Mapping[str, Any]:
    """Return `data` if it is an object with just these keys, else raise LedgerError."""
    fields = object_of(name, data)
    if fields.keys() != keys:
        odd = ", ".join(sorted(str(key)[:40] for key in fields.keys() ^ keys)[:5])
        raise LedgerError(f"{name} has missing or unknown fields: {odd}")
    return fields


def object_of(name: str, data: object) -> Mapping[str, Any]:
    """Return `data` if it is an object with any keys, else raise LedgerError."""
    if isinstance(data, Mapping):
        return data
    raise LedgerError(f"{name} is not an object")


def list_of(name: str, data: object, count: int | None = None) -> list[Any]:
    """Return `data` if it is a list, of so many (None: of any number), else raise LedgerError."""
    if isinstance(data, list) and count in (None, len(data)):
        return data
    raise LedgerError(f"{name} is not a list as it should be")


def unique_of[K, V](name: str, entries: list[tuple[K, V]]) -> dict[K, V]:
    """Return entries by key; raises LedgerError if a key is there twice."""
    by_key = dict(entries)
    if len(by_key) != len(entries):
        raise LedgerError(f"one {name} is there twice")
    return by_key


def count_of(name: str, value: object, low: int = 0, high: float = _MAX_COUNT) -> int:
    """Return `value` if it is a whole number from `low` to `high`, else raise LedgerError."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
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
    heat_j, unpriced_j, free_j, electricity, reference, repaid, earned, jobs, refused = list_of(
        "totals", data, 9
    )
    return Totals(
        heat_split_j={
            _heat_key(key): check_number("heat", part_j, MAX_HEAT_J)
            for key, part_j in object_of("heat", heat_j).items()
        },
        unpriced_heat_j=check_number("unpriced heat", unpriced_j, MAX_HEAT_J),
        free_heat_j=check_number("free heat", free_j, MAX_HEAT_J, low=-MAX_HEAT_J),
        electricity_product=_money_of("electricity cost", electricity),
        reference_product=_money_of("reference cost", reference),
        repaid=_money_of("repaid", repaid),
        earned=_money_of("earned", earned),
        jobs={
            check_text("job kind", kind, MAX_KIND): count_of("jobs", count, -_MAX_COUNT)
            for kind, count in object_of("jobs", jobs).items()
        },
        refused=count_of("refused", refused),
    )


def dump_settlement(settlement: Settlement) -> list[Any]:
    """Return a settlement as JSON data; its radiator and its currency are not in it."""
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


def load_settlement(data: object, radiator_id: str, currency: str) -> Settlement:
    """Return the settlement that `dump_settlement` described; raises LedgerError."""
    settlement_id, kind, accepted, earned, repaid, energy_j, settled_at, worked_s = list_of(
        "settlement", data, 8
    )
    if not isinstance(accepted, bool):
        raise LedgerError("accepted is neither true nor false")
    return Settlement(
        settlement_id=check_text("settlement id", settlement_id, MAX_ID),
        radiator_id=radiator_id,
        job_kind=check_text("job kind", kind, MAX_KIND),
        accepted=accepted,
        earned=_money_of("earned", earned, Decimal(0)),
        repaid=_money_of("repaid", repaid, Decimal(0)),
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


def _money_of(name: str, value: object, low: Decimal = -_MAX_MONEY) -> Decimal:
    """Return the amount that `value` writes in digits; raises LedgerError."""
    if not isinstance(value, str) or len(value) > _MAX_DIGITS:
        raise LedgerError(f"{name} is not an amount of money")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise LedgerError(f"{name} is not an amount of money") from error
    return check_decimal(name, amount, low, _MAX_MONEY)
