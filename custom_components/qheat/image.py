"""Image platform of the qheat integration: the picture that the shipped jobs paint."""

from typing import Final, override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
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
        self._picture_png: bytes | None = None
        self._show()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._show()
        super()._handle_coordinator_update()

    @override
    def shows(self) -> object:
        return self._attr_image_last_updated

    def _show(self) -> None:
        picture_png = self.coordinator.data.showcase.picture_png
        if picture_png != self._picture_png:
            self._picture_png = picture_png
            self._attr_image_last_updated = dt_util.utcnow()

    @override
    async def async_image(self) -> bytes | None:
        return self._picture_png
