"""Booking settlements exactly once, whatever a backend repeats, reorders or revokes.

A ledger remembers the newest `MEMORY` settlements of a radiator by id, and the horizon: the time
of the newest one that it has forgotten. What is unknown and not newer than the horizon may have
been booked before, so it is not booked. So nothing is ever booked twice, with a bounded memory.

All these times are the backend's. Its clock may be ahead of the home's, but the horizon never is:
else one wrong time would keep all that is settled later from being booked. What is dated ahead is
remembered besides, up to `MOST`, until the home's clock has passed it; only what comes beyond that
and is told again could be booked twice.

A refusal is the last word: it reverses what was booked, and it wins over an acceptance of the
same id that arrives after it. So the order of arrival does not change the sums. It reaches back
as far as the memory: of a settlement that is forgotten, nothing is left to reverse.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from ..compute.engine import MAX_AMOUNT, Settlement
from .money import (
    CONTEXT,
    LedgerError,
    check_currency,
    check_decimal,
    check_number,
    check_text,
    on_grid,
)

MEMORY: Final = 256
MOST: Final = 4096
"""Remembered of those settled at the newest moment, a batch of which more follow, and of those
settled ahead of the home's clock."""
MAX_ENERGY_J: Final = 3.6e9
MAX_TIME_S: Final = 1e11
MAX_ID: Final = 128
MAX_KIND: Final = 64
_FINEST_AMOUNT: Final = Decimal("1E-15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A settlement that was not booked; `detail` says why, for a person to read."""

    detail: str
    foreign: Settlement | None = None
    """The settlement, sound but for its currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What became of the settlements of one page; those booked are dated where they count."""

    booked: tuple[Settlement, ...]
    """Seen for the first time, accepted or refused, or accepted before and reversed now."""
    faults: tuple[Fault, ...]


@dataclass(slots=True, kw_only=True)
class SettlementMemory:
    """The settlements booked last, by id, and the horizon (epoch seconds) behind them."""

    settled: dict[str, Settlement] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    """The ids that were remembered or forgotten since the last volume, in order of that."""
    horizon_s: float = 0.0

    def is_news(self, settlement: Settlement) -> bool:
        """Tell whether a settlement changes anything; raises LedgerError."""
        known = self.settled.get(settlement.settlement_id)
        if known is None:
            if settlement.settled_at > self.horizon_s:
                return True
            raise LedgerError(
                f"settlement {settlement.settlement_id} is older than the ledger's memory"
            )
        if known.accepted and settlement.accepted and _amounts(known) != _amounts(settlement):
            raise LedgerError(
                f"settlement {settlement.settlement_id} was booked with other amounts"
            )
        return known.accepted and not settlement.accepted

    def remember(self, settlement: Settlement) -> None:
        """Remember a settlement, instead of the one with its id if there is one."""
        self.settled[settlement.settlement_id] = settlement
        self.changed[settlement.settlement_id] = None

    def forget(self, now_s: float) -> None:
        """Forget the oldest settlements beyond MEMORY, and move the horizon behind them.

        It moves to `now_s` (epoch seconds) at most.
        """
        if len(self.settled) <= MEMORY:
            return
        oldest = sorted(self.settled.values(), key=lambda settlement: settlement.settled_at)
        past = [one for one in oldest if one.settled_at <= now_s]
        ahead = oldest[len(past) :]
        batch = sum(one.settled_at == past[-1].settled_at for one in past)
        for settlement in (*past[: -max(MEMORY, min(batch, MOST))], *ahead[:-MOST]):
            del self.settled[settlement.settlement_id]
            self.changed[settlement.settlement_id] = None
            self.horizon_s = max(self.horizon_s, min(settlement.settled_at, now_s))


def checked(settlement: Settlement, *, radiator_id: str, now_s: float) -> Settlement:
    """Return a settlement fit for booking, but for its currency, which may be any.

    Its work cannot have been done after `now_s` (epoch seconds). Raises LedgerError.
    """
    settlement_id = check_text("settlement id", settlement.settlement_id, MAX_ID)
    check_text("job kind", settlement.job_kind, MAX_KIND)
    check_currency(settlement.currency)
    settled_at = check_number("settlement time", settlement.settled_at, MAX_TIME_S)
    worked_s = check_number("delivery time", worked_at(settlement), MAX_TIME_S)
    energy_j = check_number("settlement energy", settlement.energy_j, MAX_ENERGY_J)
    if settlement.radiator_id != radiator_id:
        raise LedgerError(f"settlement {settlement_id} is another radiator's")
    return replace(
        settlement,
        earned=_amount("earned amount", settlement.earned),
        repaid=_amount("repaid amount", settlement.repaid),
        energy_j=on_grid(energy_j),
        settled_at=settled_at,
        delivered_at=min(worked_s, settled_at, now_s),
    )


def is_job_kind(value: object) -> bool:
    """Tell whether a value may name a kind of job."""
    return isinstance(value, str) and 0 < len(value) <= MAX_KIND and value.isprintable()


def worked_at(settlement: Settlement) -> float:
    """When the heat of a settlement's job was made, in epoch seconds."""
    return settlement.settled_at if settlement.delivered_at is None else settlement.delivered_at


def _amount(name: str, value: Decimal) -> Decimal:
    amount = check_decimal(name, value, Decimal(0), MAX_AMOUNT)
    if CONTEXT.quantize(amount, _FINEST_AMOUNT) != amount:
        raise LedgerError(f"{name} has more decimal places than {_FINEST_AMOUNT}")
    return CONTEXT.normalize(amount)


def _amounts(settlement: Settlement) -> tuple[Decimal, Decimal, float]:
    return settlement.earned, settlement.repaid, settlement.energy_j
