"""Settlements in another currency: not booked, not converted, and kept so that none is lost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ..compute.engine import Settlement
from .booking import Booking, worked_at
from .money import CONTEXT, LedgerError, check_currency
from .stored import dump_settlement, list_of, load_settlement

KEPT: Final = 256
"""The newest of each radiator; the backend has them all."""


class ForeignMoney:
    """What backends settled in a currency that is not the home's, by radiator and id."""

    def __init__(self, saved: object = None) -> None:
        """Go on from what `save` returned; what is damaged of it is left out."""
        self._kept: dict[str, dict[str, Settlement]] = {}
        if isinstance(saved, Mapping):
            for radiator_id, entries in saved.items():
                try:
                    loaded = [_load(radiator_id, entry) for entry in list_of("foreign", entries)]
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
        for settlement in booking.booked:
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
    """Return it as what is booked is kept, its currency in the place of `accepted`: all are."""
    settlement_id, kind, _, *amounts_and_times = dump_settlement(settlement)
    return [settlement_id, kind, settlement.currency, *amounts_and_times]


def _load(radiator_id: str, data: object) -> Settlement:
    settlement_id, kind, currency, *amounts_and_times = list_of("settlement", data, 8)
    accepted = [settlement_id, kind, True, *amounts_and_times]
    return load_settlement(accepted, radiator_id, check_currency(currency))
