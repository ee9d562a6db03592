"""Which publishers of modules a home accepts, as the forms ask for it."""

from collections.abc import Mapping
from typing import Any

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .compute.client import JobClient
from .compute.engine import EngineError
from .const import CONF_PUBLISHERS
from .manifests import read_fingerprint


async def async_offered(
    hass: HomeAssistant, backend: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """Return kinds of jobs by their publisher's fingerprint; a backend may not tell any."""
    client = JobClient(async_get_clientsession(hass), backend[CONF_URL], backend[CONF_TOKEN])
    try:
        return dict(await client.publishers())
    except EngineError:
        return {}


def accepted(user_input: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the fingerprints that were ticked or typed, and what is wrong with them by field."""
    try:
        return sorted(set(map(read_fingerprint, user_input.get(CONF_PUBLISHERS, ())))), {}
    except ValueError:
        return [], {CONF_PUBLISHERS: "fingerprint"}
