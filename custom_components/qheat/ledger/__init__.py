"""Joules and jobs to kilowatt-hours and money: exact, booked once, never backwards."""

from .account import MAX_GAP_S, MAX_JOB_KINDS, OTHER_JOBS, Moment, Reading
from .booking import MEMORY, is_job_kind
from .foreign import ForeignMoney
from .history import History
from .home import Ledger
from .money import MAX_PRICE_PER_KWH, LedgerError, Tariff, finest_price
from .reference import REFERENCE_DEFAULTS, Carbon, ReferenceKind
from .statement import Statement, make_statement
from .statement_page import statement_page
from .totals import Totals

__all__ = [
    "MAX_GAP_S",
    "MAX_JOB_KINDS",
    "MAX_PRICE_PER_KWH",
    "MEMORY",
    "OTHER_JOBS",
    "REFERENCE_DEFAULTS",
    "Carbon",
    "ForeignMoney",
    "History",
    "Ledger",
    "LedgerError",
    "Moment",
    "Reading",
    "ReferenceKind",
    "Statement",
    "Tariff",
    "Totals",
    "finest_price",
    "is_job_kind",
    "make_statement",
    "statement_page",
]
