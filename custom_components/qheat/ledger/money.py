"""Prices and money: Decimal in one fixed context, added exactly, divided only when read."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

# Our own context: the thread's belongs to everybody in the process and may be changed by anybody.
CONTEXT: Final = Context(
    prec=40, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
JOULES_PER_KWH: Final = Decimal(3_600_000)

MAX_HEAT_J: Final = 8e12
"""More than any radiator makes in its life."""
MAX_PRICE_PER_KWH: Final = Decimal(1_000_000)
MAX_EFFICIENCY: Final = Decimal(20)

_FINEST_PRICE: Final = Decimal("1E-12")
_MIN_EFFICIENCY: Final = Decimal("0.01")
_GRID_PER_JOULE: Final = 1024


class LedgerError(Exception):
    """What was given cannot be booked or read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The prices valid now, in one currency (ISO 4217).

    Prices may be negative, as hourly ones are at times. `reference_efficiency` is heat per energy
    bought: 1 for electric heating, about 0.9 for gas, the COP for a heat pump. Raises LedgerError.
    """

    currency: str
    electricity_per_kwh: Decimal
    reference_per_kwh: Decimal
    reference_efficiency: Decimal

    def __post_init__(self) -> None:
        check_currency(self.currency)
        for name in ("electricity_per_kwh", "reference_per_kwh"):
            check_decimal(name, getattr(self, name), -MAX_PRICE_PER_KWH, MAX_PRICE_PER_KWH)
        check_decimal(
            "reference_efficiency", self.reference_efficiency, _MIN_EFFICIENCY, MAX_EFFICIENCY
        )

    @property
    def electricity(self) -> Decimal:
        """Price of a kWh of heat from this electricity, rounded to 10^-12."""
        return finest_price(self.electricity_per_kwh)

    @property
    def reference(self) -> Decimal:
        """Price of a kWh of heat from the reference heating, rounded to 10^-12."""
        return finest_price(CONTEXT.divide(self.reference_per_kwh, self.reference_efficiency))


def finest_price(price_per_kwh: Decimal) -> Decimal:
    """Round a price to 10^-12, with no zeros at its end."""
    return CONTEXT.normalize(CONTEXT.quantize(price_per_kwh, _FINEST_PRICE))


def on_grid(heat_j: float) -> float:
    """Round joules to 1/1024 J, so that sums below 2.4 GWh are exact in any order."""
    return round(heat_j * _GRID_PER_JOULE) / _GRID_PER_JOULE


def check_currency(value: object) -> str:
    """Return `value` if it looks like an ISO 4217 code, else raise LedgerError."""
    if isinstance(value, str) and re.fullmatch("[A-Z]{3}", value):
        return value
    raise LedgerError(f"not a currency code: {_short(value)}")


def check_decimal(name: str, value: object, low: Decimal, high: Decimal) -> Decimal:
    """Return `value` if it is a finite Decimal from `low` to `high`, else raise LedgerError."""
    if isinstance(value, Decimal) and value.is_finite() and low <= value <= high:
        return value
    raise LedgerError(f"{name} is not a Decimal from {low} to {high}: {_short(value)}")


def check_number(name: str, value: object, high: float, *, low: float = 0.0) -> float:
    """Return `value` if it is a finite number from `low` to `high`, else raise LedgerError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise LedgerError(f"{name} is not a number from {low:g} to {high:g}: {_short(value)}")


def check_text(name: str, value: object, longest: int) -> str:
    """Return `value` if it is printable text of 1 to `longest` characters, else raise."""
    if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable():
        return value
    raise LedgerError(f"{name} is not text of 1 to {longest} characters: {_short(value)}")


def _short(value: object) -> str:
    """Describe a value of any kind and size in few characters."""
    if isinstance(value, str | float | Decimal) or (
        isinstance(value, int) and value.bit_length() < 64
    ):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return type(value).__name__
