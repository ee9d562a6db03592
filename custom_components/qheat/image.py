"""Image platform of the qheat integration: the picture that the shipped jobs paint."""

from datetime import datetime
from typing import Final, override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import HomeCoordinator, QheatConfigEntry
from .entity import HomeEntity, async_forget

PARALLEL_UPDATES = 0

DESCRIPTION: Final = ImageEntityDescription(key="picture")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: QheatConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the picture of a home whose jobs come from the embedded backend."""
    if entry.runtime_data.embedded is not None:
        async_add_entities([PictureEntity(entry.runtime_data)])
    else:
        async_forget(hass, Platform.IMAGE, entry.entry_id, [DESCRIPTION])


class PictureEntity(HomeEntity, ImageEntity):
    """The picture in the making: a tile more with each job of that kind."""

    _attr_content_type = "image/png"

    def __init__(self, coordinator: HomeCoordinator) -> None:
        HomeEntity.__init__(self, coordinator, DESCRIPTION)
        ImageEntity.__init__(self, coordinator.hass)

    @property
    @override
    def image_last_updated(self) -> datetime | None:
        picture = self.coordinator.data.showcase.picture
        return None if picture is None else dt_util.utc_from_timestamp(picture.painted_at)

    @override
    def shows(self) -> object:
        return self.image_last_updated

    @override
    async def async_image(self) -> bytes | None:
        picture = self.coordinator.data.showcase.picture
        return None if picture is None else picture.png
