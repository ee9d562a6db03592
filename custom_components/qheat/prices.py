"""Prices of a home: each fixed, or read from an entity at every tick."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfEnergy,
)
from homeassistant.core import HomeAssistant, State

from .const import (
    CONF_CO2_ELECTRICITY,
    CONF_CO2_REFERENCE,
    CONF_CO2_SOURCE,
    CONF_ELECTRICITY_PRICE,
    CONF_ELECTRICITY_PRICE_ENTITY,
    CONF_REFERENCE_EFFICIENCY,
    CONF_REFERENCE_KIND,
    CONF_REFERENCE_PRICE,
    CONF_REFERENCE_PRICE_ENTITY,
)
from .ledger import (
    MAX_PRICE_PER_KWH,
    REFERENCE_DEFAULTS,
    Carbon,
    ReferenceKind,
    Tariff,
    finest_price,
)

PRICE_ENTITIES: Final = (CONF_ELECTRICITY_PRICE_ENTITY, CONF_REFERENCE_PRICE_ENTITY)

SYMBOLS: Final = {
    "€": {"EUR"},
    "£": {"GBP"},
    "$": {"AUD", "CAD", "NZD", "USD"},
}
"""Currency signs that sensors put in the place of a code, and what they may stand for."""

KWH_PER_UNIT: Final[Mapping[str, Decimal]] = {
    UnitOfEnergy.WATT_HOUR: Decimal("0.001"),
    UnitOfEnergy.KILO_WATT_HOUR: Decimal(1),
    UnitOfEnergy.MEGA_WATT_HOUR: Decimal(1000),
}

ELECTRIC: Final = (ReferenceKind.ELECTRIC, ReferenceKind.HEAT_PUMP)


class PriceUnitError(Exception):
    """An entity's unit is no price of energy in the home's currency; says the key of the error."""


def kwh_of(unit: object, currency: str) -> Decimal:
    """Return how many kWh a price in `unit`, as `EUR/kWh`, is for; raises PriceUnitError."""
    money, _, energy = str(unit).partition("/")
    kwh = KWH_PER_UNIT.get(energy)
    if kwh is None:
        raise PriceUnitError("price_unit")
    if money != currency and currency not in SYMBOLS.get(money, ()):
        raise PriceUnitError("price_currency")
    return kwh


def price_errors(hass: HomeAssistant, values: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Return what is wrong with the chosen price entities, by field."""
    errors = {}
    for field in PRICE_ENTITIES:
        if field in values:
            state = hass.states.get(values[field])
            try:
                kwh_of(state and state.attributes.get(ATTR_UNIT_OF_MEASUREMENT), currency)
            except PriceUnitError as err:
                errors[field] = str(err)
    return errors


def fixed_tariff(options: Mapping[str, Any], currency: str) -> Tariff:
    """Return the prices that hold where no entity gives one, as fine as the ledger's."""
    return Tariff(
        currency=currency,
        electricity_per_kwh=finest_price(Decimal(str(options[CONF_ELECTRICITY_PRICE]))),
        reference_per_kwh=finest_price(Decimal(str(options[CONF_REFERENCE_PRICE]))),
        reference_efficiency=_efficiency(options),
    )


class Prices:
    """The prices valid now; unknown while an entity that gives one of them is silent."""

    def __init__(self, hass: HomeAssistant, fixed: Tariff, options: Mapping[str, Any]) -> None:
        self._hass = hass
        self._fixed = fixed
        self._options = options

    def now(self) -> Tariff | None:
        """Return the tariff valid now, None while a price is unknown or makes no sense."""
        fixed = self._fixed
        electricity = self._price(CONF_ELECTRICITY_PRICE_ENTITY, fixed.electricity_per_kwh)
        reference = self._price(CONF_REFERENCE_PRICE_ENTITY, fixed.reference_per_kwh)
        if electricity is None or reference is None:
            return None
        return replace(fixed, electricity_per_kwh=electricity, reference_per_kwh=reference)

    def _price(self, field: str, fixed: Decimal) -> Decimal | None:
        if field not in self._options:
            return fixed
        return read_price(self._hass.states.get(self._options[field]), self._fixed.currency)


def read_price(state: State | None, currency: str) -> Decimal | None:
    """Return the price of a kWh that an entity shows, None while it shows none to believe."""
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return None
    try:
        kwh = kwh_of(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT), currency)
        price = Decimal(state.state) / kwh
        return price if abs(price) <= MAX_PRICE_PER_KWH else None
    except ArithmeticError, PriceUnitError:
        return None


def carbon_of(options: Mapping[str, Any]) -> Carbon:
    """Return the factors of a home, from its options or the defaults of its other heating."""
    kind = _kind(options)
    electricity = options.get(CONF_CO2_ELECTRICITY)
    usual = electricity if kind in ELECTRIC else REFERENCE_DEFAULTS[kind].co2_g_per_kwh
    return Carbon(
        reference_g_per_kwh=options.get(CONF_CO2_REFERENCE, usual),
        electricity_g_per_kwh=electricity,
        reference_efficiency=float(_efficiency(options)),
        source=options.get(CONF_CO2_SOURCE),
        reference_source=(
            None if CONF_CO2_REFERENCE in options else REFERENCE_DEFAULTS[kind].co2_source
        ),
    )


def _kind(options: Mapping[str, Any]) -> ReferenceKind:
    return ReferenceKind(options.get(CONF_REFERENCE_KIND, ReferenceKind.ELECTRIC))


def _efficiency(options: Mapping[str, Any]) -> Decimal:
    usual = REFERENCE_DEFAULTS[_kind(options)].efficiency
    return Decimal(str(options.get(CONF_REFERENCE_EFFICIENCY, usual)))
