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

SOON_S: Final = 300.0
"""Who is asked to stop and does it does so by then; whoever asked else was refused."""
_ASKED: Final = HassKey[tuple[str, float]](f"{DOMAIN}_asked")
"""Which of the two was asked for last, and when by the loop's clock."""


@callback
def async_watch_stops(hass: HomeAssistant) -> None:
    """Remember from now on whether a stop or a restart was asked for."""

    @callback
    def is_either(data: Mapping[str, Any]) -> bool:
        either = (SERVICE_HOMEASSISTANT_STOP, SERVICE_HOMEASSISTANT_RESTART)
        return data[ATTR_DOMAIN] == HOMEASSISTANT_DOMAIN and data[ATTR_SERVICE] in either

    @callback
    def remember(event: Event[Any]) -> None:
        hass.data[_ASKED] = event.data[ATTR_SERVICE], hass.loop.time()

    hass.bus.async_listen(EVENT_CALL_SERVICE, remember, event_filter=is_either)


def stops_for_good(hass: HomeAssistant) -> bool:
    """Whether Home Assistant is stopping, and was not asked to come again."""
    asked, at_s = hass.data.get(_ASKED, ("", 0.0))
    is_stop = asked == SERVICE_HOMEASSISTANT_STOP and hass.loop.time() - at_s <= SOON_S
    return hass.is_stopping and is_stop
