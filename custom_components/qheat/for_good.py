"""Whether Home Assistant stops for good, as far as that can be told.

Its action `homeassistant.stop` says so. A signal says nothing: services, containers and the
supervisor send the same one before an update, a restart and the end.
"""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.homeassistant.const import (
    SERVICE_HOMEASSISTANT_RESTART,
    SERVICE_HOMEASSISTANT_STOP,
)
from homeassistant.const import ATTR_DOMAIN, ATTR_SERVICE, EVENT_CALL_SERVICE
from homeassistant.core import DOMAIN as HOMEASSISTANT_DOMAIN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

_ASKED: Final = HassKey[str](f"{DOMAIN}_asked")
"""Which of the two was asked for last."""


@callback
def async_watch_stops(hass: HomeAssistant) -> None:
    """Remember from now on whether a stop or a restart was asked for."""

    @callback
    def is_either(data: Mapping[str, Any]) -> bool:
        either = (SERVICE_HOMEASSISTANT_STOP, SERVICE_HOMEASSISTANT_RESTART)
        return data[ATTR_DOMAIN] == HOMEASSISTANT_DOMAIN and data[ATTR_SERVICE] in either

    @callback
    def remember(event: Event[Any]) -> None:
        hass.data[_ASKED] = event.data[ATTR_SERVICE]

    hass.bus.async_listen(EVENT_CALL_SERVICE, remember, event_filter=is_either)


def stops_for_good(hass: HomeAssistant) -> bool:
    """Whether Home Assistant is stopping, and was not asked to come again."""
    return hass.is_stopping and hass.data.get(_ASKED) == SERVICE_HOMEASSISTANT_STOP
