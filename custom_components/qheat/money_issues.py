"""Repair issues about money that is not reckoned with: in another currency, or without a price."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_CURRENCY
from .coordinator import HomeCoordinator
from .prices import price_errors
from .told import async_put_off, async_tell, async_withdraw

FOREIGN_SETTLEMENTS: Final = "foreign_settlements"
PRICE_REFUSED: Final = "price_refused"

type Told = Mapping[str, tuple[str, dict[str, str]]]
"""What there is to tell, by issue id: the key of the text, and what its gaps are filled with."""


def watch_money(hass: HomeAssistant, coordinator: HomeCoordinator) -> Callable[[], None]:
    """Raise, renew and withdraw issues after each tick; return what ends that and withdraws all."""
    told: dict[str, tuple[str, dict[str, str]]] = {}

    @callback
    def tell(news: Told) -> None:
        for issue_id in told.keys() - news.keys():
            async_withdraw(hass, issue_id)
        for issue_id, (key, placeholders) in news.items():
            if told.get(issue_id) != (key, placeholders):
                async_tell(
                    hass,
                    issue_id,
                    is_fixable=False,
                    severity=ir.IssueSeverity.ERROR,
                    translation_key=key,
                    translation_placeholders=placeholders,
                )
        told.clear()
        told.update(news)

    @callback
    def look() -> None:
        tell(dict((*_foreign(coordinator), *_prices(hass, coordinator))))

    unlisten = coordinator.async_add_listener(look)

    def end() -> None:
        unlisten()
        for issue_id in told:
            async_put_off(hass, issue_id)

    return end


def _foreign(coordinator: HomeCoordinator) -> Iterator[tuple[str, tuple[str, dict[str, str]]]]:
    entry, foreign = coordinator.config_entry, coordinator.books.foreign
    for radiator_id in coordinator.radiators:
        sums = foreign.sums(radiator_id)
        if sums:
            yield (
                f"{FOREIGN_SETTLEMENTS}_{radiator_id}",
                (
                    FOREIGN_SETTLEMENTS,
                    {
                        "radiator": coordinator.radiators[radiator_id].name,
                        "count": str(len(foreign.of(radiator_id))),
                        "amounts": ", ".join(
                            f"{amount.normalize():f} {currency}"
                            for currency, amount in sorted(sums.items())
                        ),
                        "currency": entry.data[CONF_CURRENCY],
                    },
                ),
            )


def _prices(
    hass: HomeAssistant, coordinator: HomeCoordinator
) -> Iterator[tuple[str, tuple[str, dict[str, str]]]]:
    entry = coordinator.config_entry
    currency = entry.data[CONF_CURRENCY]
    for field in price_errors(hass, entry.options, currency):
        entity_id = entry.options[field]
        state = hass.states.get(entity_id)
        # While the entity is silent it has no unit: nothing is wrong with that.
        if unit := state and state.attributes.get(ATTR_UNIT_OF_MEASUREMENT):
            yield (
                f"{PRICE_REFUSED}_{entry.entry_id}_{field}",
                (PRICE_REFUSED, {"entity": entity_id, "unit": str(unit), "currency": currency}),
            )
