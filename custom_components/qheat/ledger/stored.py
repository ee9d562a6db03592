"""Accounts as JSON data and back; nothing that is damaged is taken for a zero."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ..compute.engine import HeatKind, PowerSource, Settlement
from .account import MAX_CURSOR, Account
from .booking import MAX_ENERGY_J, MAX_ID, MAX_KIND, MAX_TIME_S, SettlementMemory
from .money import LedgerError, check_decimal, check_number, check_text
from .totals import Totals

_MAX_HEAT_J: Final = 8e12
_MAX_MONEY: Final = Decimal("1E24")
_MAX_COUNT: Final = 2**53
_MAX_DIGITS: Final = 64
_TOTALS: Final = {
    "heat_j",
    "unpriced_heat_j",
    "free_heat_j",
    "electricity_product",
    "reference_product",
    "repaid",
    "earned",
    "jobs",
    "refused",
}
_ACCOUNT: Final = {"totals", "free_heat_shown_j", "cursor", "horizon_s", "settled"}
_SETTLED: Final = {"id", "kind", "accepted", "earned", "repaid", "energy_j", "at"}


def dump_account(account: Account) -> dict[str, Any]:
    """Return an account as JSON data; the last reading is left out, a restart is a gap."""
    return {
        "totals": _dump_totals(account.totals),
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
    if not isinstance(fields["settled"], list):
        raise LedgerError("settled is not a list")
    settled = [_load_settled(entry, radiator_id, currency) for entry in fields["settled"]]
    by_id = {settlement.settlement_id: settlement for settlement in settled}
    if len(by_id) != len(settled):
        raise LedgerError("a settlement is there twice")
    return Account(
        totals=_load_totals(fields["totals"]),
        free_heat_shown_j=check_number(
            "free_heat_shown_j", fields["free_heat_shown_j"], _MAX_HEAT_J
        ),
        cursor=fields["cursor"],
        memory=SettlementMemory(
            settled=by_id, horizon_s=check_number("horizon_s", fields["horizon_s"], MAX_TIME_S)
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


def _dump_totals(totals: Totals) -> dict[str, Any]:
    return {
        "heat_j": {
            f"{kind}/{source}": heat_j for (kind, source), heat_j in totals.heat_split_j.items()
        },
        "unpriced_heat_j": totals.unpriced_heat_j,
        "free_heat_j": totals.free_heat_j,
        "electricity_product": str(totals.electricity_product),
        "reference_product": str(totals.reference_product),
        "repaid": str(totals.repaid),
        "earned": str(totals.earned),
        "jobs": dict(totals.jobs),
        "refused": totals.refused,
    }


def _load_totals(data: object) -> Totals:
    fields = fields_of("totals", data, _TOTALS)
    for name in ("heat_j", "jobs"):
        if not isinstance(fields[name], Mapping):
            raise LedgerError(f"{name} is not an object")
    return Totals(
        heat_split_j={
            _heat_key(key): check_number("heat_j", heat_j, _MAX_HEAT_J)
            for key, heat_j in fields["heat_j"].items()
        },
        unpriced_heat_j=check_number("unpriced_heat_j", fields["unpriced_heat_j"], _MAX_HEAT_J),
        free_heat_j=check_number("free_heat_j", fields["free_heat_j"], _MAX_HEAT_J),
        electricity_product=_money("electricity_product", fields),
        reference_product=_money("reference_product", fields),
        repaid=_money("repaid", fields, Decimal(0)),
        earned=_money("earned", fields, Decimal(0)),
        jobs={
            check_text("job kind", kind, MAX_KIND): _count("jobs", count)
            for kind, count in fields["jobs"].items()
        },
        refused=_count("refused", fields["refused"]),
    )


def _dump_settled(settlement: Settlement) -> dict[str, Any]:
    return {
        "id": settlement.settlement_id,
        "kind": settlement.job_kind,
        "accepted": settlement.accepted,
        "earned": str(settlement.earned),
        "repaid": str(settlement.repaid),
        "energy_j": settlement.energy_j,
        "at": settlement.settled_at,
    }


def _load_settled(data: object, radiator_id: str, currency: str) -> Settlement:
    fields = fields_of("settlement", data, _SETTLED)
    if not isinstance(fields["accepted"], bool):
        raise LedgerError("accepted is neither true nor false")
    return Settlement(
        settlement_id=check_text("settlement id", fields["id"], MAX_ID),
        radiator_id=radiator_id,
        job_kind=check_text("job kind", fields["kind"], MAX_KIND),
        accepted=fields["accepted"],
        earned=_money("earned", fields, Decimal(0)),
        repaid=_money("repaid", fields, Decimal(0)),
        energy_j=check_number("energy_j", fields["energy_j"], MAX_ENERGY_J),
        currency=currency,
        settled_at=check_number("at", fields["at"], MAX_TIME_S),
    )


def _heat_key(key: object) -> tuple[HeatKind, PowerSource]:
    kind, _, source = str(key).partition("/")
    try:
        return HeatKind(kind), PowerSource(source)
    except ValueError as error:
        raise LedgerError(f"no such kind of heat: {str(key)[:40]}") from error


def _money(name: str, fields: Mapping[str, Any], low: Decimal = -_MAX_MONEY) -> Decimal:
    value = fields[name]
    if not isinstance(value, str) or len(value) > _MAX_DIGITS:
        raise LedgerError(f"{name} is not an amount of money")
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise LedgerError(f"{name} is not an amount of money") from error
    return check_decimal(name, amount, low, _MAX_MONEY)


def _count(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return value
    raise LedgerError(f"{name} is not a count")
