"""Turns of the event loop, shared out among the radiators of all homes.

One home has a whole building of them, or a hundred homes have three each: what is done for each of
them is done in a turn of its own, or it would hold up everything else.
"""

import asyncio

from homeassistant.core import HomeAssistant
from homeassistant.helpers.singleton import singleton

from .const import DOMAIN


@singleton(f"{DOMAIN}_pace")
def pace(hass: HomeAssistant) -> asyncio.Lock:
    """Return what is held by whoever waits for the next turn."""
    return asyncio.Lock()


async def async_next_turn(hass: HomeAssistant) -> None:
    """Go on in a turn that nobody else has who asks for one."""
    async with pace(hass):
        await asyncio.sleep(0)
