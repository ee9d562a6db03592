"""Money that is not reckoned with: in another currency, or without a price."""

from typing import Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.helpers import issue_registry as ir

from .const import CONF_CURRENCY
from .coordinator import HomeCoordinator
from .issues import Found, Issue
from .prices import PRICE_ENTITIES, price_errors, read_price

FOREIGN_SETTLEMENTS: Final = Issue(key="foreign_settlements", severity=ir.IssueSeverity.ERROR)
PRICE_REFUSED: Final = Issue(key="price_refused", severity=ir.IssueSeverity.ERROR)
PRICE_SILENT: Final = Issue(key="price_silent", after_s=3 * 3600.0)


def find_foreign_settlements(home: HomeCoordinator) -> Found:
    """Yield radiators that were paid in another currency."""
    foreign = home.books.foreign
    for radiator_id, one in home.radiators.items():
        if sums := foreign.sums(radiator_id):
            amounts = (f"{amount.normalize():f} {unit}" for unit, amount in sorted(sums.items()))
            texts = {
                "radiator": one.name,
                "count": str(len(foreign.of(radiator_id))),
                "amounts": ", ".join(amounts),
                "currency": home.config_entry.data[CONF_CURRENCY],
            }
            yield FOREIGN_SETTLEMENTS, radiator_id, texts


def find_lost_prices(home: HomeCoordinator) -> Found:
    """Yield price entities that show no price, or none in the home's currency."""
    entry = home.config_entry
    currency = entry.data[CONF_CURRENCY]
    refused = price_errors(home.hass, entry.options, currency)
    for field in entry.options.keys() & set(PRICE_ENTITIES):
        entity_id, about = entry.options[field], f"{entry.entry_id}_{field}"
        state = home.hass.states.get(entity_id)
        # While the entity is silent it has no unit: nothing is wrong with that.
        unit = state and state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        if unit and field in refused:
            texts = {"entity": entity_id, "unit": str(unit), "currency": currency}
            yield PRICE_REFUSED, about, texts
        elif read_price(state, currency) is None:
            yield PRICE_SILENT, about, {"entity": entity_id}
