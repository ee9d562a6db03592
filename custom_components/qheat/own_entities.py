"""Entities of qheat itself: what one shows is no measurement of anything else."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN


def is_own(hass: HomeAssistant, entity_id: str | None) -> bool:
    """Tell whether an entity is one of qheat: to read it would be to read an echo."""
    entity = er.async_get(hass).async_get(entity_id) if entity_id else None
    return entity is not None and entity.platform == DOMAIN
