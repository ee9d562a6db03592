"""Whether Home Assistant has a building of radiators: then some things are done less often."""

from typing import Final

from homeassistant.core import HomeAssistant

from .const import DOMAIN

CROWD: Final = 50


def is_crowd(hass: HomeAssistant) -> bool:
    """Return whether there are more than fifty radiators, in all homes together."""
    homes = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    return sum(len(home.subentries) for home in homes) > CROWD
