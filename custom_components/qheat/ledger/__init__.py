"""Joules and jobs to kilowatt-hours and money: exact, booked once, never backwards."""

from .account import MAX_GAP_S, MAX_POWER_W, Moment
from .booking import Booking, Fault, FaultKind
from .home import Ledger
from .money import LedgerError, Tariff
from .totals import Totals

__all__ = [
    "MAX_GAP_S",
    "MAX_POWER_W",
    "Booking",
    "Fault",
    "FaultKind",
    "Ledger",
    "LedgerError",
    "Moment",
    "Tariff",
    "Totals",
]
