"""Publishers of modules: which a home accepts, and the serials of their manifests it has seen."""

from collections.abc import Mapping
from typing import Any, Final

from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.storage import Store

from .compute.client import JobClient
from .compute.engine import EngineError
from .const import CONF_PUBLISHERS
from .manifests import read_fingerprint
from .shelf import home_store

SAVE_AFTER_S: Final = 1.0


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
    """Return the fingerprints that were chosen or typed, and what is wrong with them by field."""
    try:
        return sorted(set(map(read_fingerprint, user_input.get(CONF_PUBLISHERS, ())))), {}
    except ValueError:
        return [], {CONF_PUBLISHERS: "fingerprint"}


class Serials:
    """The highest serials seen, on disk: what an older manifest allowed stays over."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store: Store[dict[str, int]] = home_store(hass, entry_id, "serials")
        self._unsaved: Mapping[str, int] | None = None

    async def async_read(self) -> Mapping[str, int]:
        """Return what was written last; what is no serial is left out."""
        saved: object = await self._store.async_load()
        if not isinstance(saved, dict):
            return {}
        return {str(key): serial for key, serial in saved.items() if type(serial) is int}

    def keep(self, serials: Mapping[str, int]) -> None:
        """Write soon what `serials`, by publisher and module, holds then."""
        self._unsaved = serials
        self._store.async_delay_save(lambda: dict(serials), SAVE_AFTER_S)

    async def async_close(self) -> None:
        """Write at once what is due: a home that is removed or read anew is soon too late."""
        if self._unsaved is not None:
            await self._store.async_save(dict(self._unsaved))
