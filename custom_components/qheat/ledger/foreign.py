"""Settlements in another currency: not booked, not converted, and kept so that none is lost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ..compute.engine import Settlement
from .booking import MAX_ENERGY_J, MAX_ID, MAX_KIND, MAX_TIME_S, Booking, worked_at
from .money import CONTEXT, LedgerError, check_currency, check_number, check_text
from .stored import items_of, list_of, money_of

KEPT: Final = 256
"""The newest of each radiator; the backend has them all."""


class ForeignMoney:
    """What backends settled in a currency that is not the home's, by radiator and id."""

    def __init__(self, saved: object = None) -> None:
        """Go on from what `save` returned; what is damaged of it is left out."""
        self._kept: dict[str, dict[str, Settlement]] = {}
        if isinstance(saved, Mapping):
            for radiator_id in saved:
                try:
                    entries = list_of(radiator_id, saved)
                    loaded = [_load(radiator_id, entry) for entry in entries]
                except LedgerError:
                    continue
                self._kept[radiator_id] = {one.settlement_id: one for one in loaded}

    def note(self, radiator_id: str, booking: Booking) -> None:
        """Keep what a page could not be booked for; forget what was settled anew since."""
        kept = self._kept.setdefault(radiator_id, {})
        for fault in booking.faults:
            if fault.foreign is not None and fault.foreign.accepted:
                kept[fault.foreign.settlement_id] = fault.foreign
            elif fault.foreign is not None:
                kept.pop(fault.foreign.settlement_id, None)
        for settlement in (*booking.booked, *booking.revoked):
            kept.pop(settlement.settlement_id, None)
        newest = sorted(kept.values(), key=worked_at)[-KEPT:]
        self._kept[radiator_id] = {one.settlement_id: one for one in newest}

    def of(self, radiator_id: str) -> tuple[Settlement, ...]:
        """Return what is kept of a radiator, by the time of the work, the oldest first."""
        return tuple(sorted(self._kept.get(radiator_id, {}).values(), key=worked_at))

    def all(self) -> tuple[Settlement, ...]:
        """Return what is kept of all radiators, also of those removed since."""
        return tuple(one for radiator_id in self._kept for one in self.of(radiator_id))

    def sums(self, radiator_id: str) -> dict[str, Decimal]:
        """Return what a radiator was promised, earned and repaid together, by currency."""
        sums: dict[str, Decimal] = {}
        for one in self.of(radiator_id):
            paid = CONTEXT.add(one.earned, one.repaid)
            sums[one.currency] = CONTEXT.add(sums.get(one.currency, Decimal(0)), paid)
        return sums

    def save(self) -> dict[str, Any]:
        """Return all of it as JSON data."""
        return {
            radiator_id: [_dump(one) for one in kept.values()]
            for radiator_id, kept in self._kept.items()
            if kept
        }


def _dump(settlement: Settlement) -> list[Any]:
    return [
        settlement.settlement_id,
        settlement.job_kind,
        settlement.currency,
        str(settlement.earned),
        str(settlement.repaid),
        settlement.energy_j,
        settlement.settled_at,
        worked_at(settlement),
    ]


def _load(radiator_id: str, data: object) -> Settlement:
    settlement_id, kind, currency, earned, repaid, energy_j, settled_at, worked_s = items_of(
        "settlement", data, 8
    )
    return Settlement(
        settlement_id=check_text("settlement id", settlement_id, MAX_ID),
        radiator_id=radiator_id,
        job_kind=check_text("job kind", kind, MAX_KIND),
        accepted=True,
        earned=money_of("earned", earned, Decimal(0)),
        repaid=money_of("repaid", repaid, Decimal(0)),
        energy_j=check_number("settlement energy", energy_j, MAX_ENERGY_J),
        currency=check_currency(currency),
        settled_at=check_number("settlement time", settled_at, MAX_TIME_S),
        delivered_at=check_number("delivery time", worked_s, MAX_TIME_S),
    )
