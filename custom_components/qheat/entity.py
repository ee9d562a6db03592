"""Base entities of the qheat integration."""

from abc import abstractmethod
from collections.abc import Iterable
from itertools import batched
from typing import Any, Final, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator

from .const import DOMAIN
from .coordinator import HomeCoordinator, QheatConfigEntry
from .radiator_coordinator import RadiatorCoordinator
from .turns import async_next_turn

TOGETHER: Final = 4
"""So many are added in one turn of the loop: Home Assistant takes a millisecond for each."""


@callback
def async_forget(
    hass: HomeAssistant, platform: str, key: str, descriptions: Iterable[EntityDescription]
) -> None:
    """Remove entities that a radiator or home has no more: they would be unavailable for ever."""
    registry = er.async_get(hass)
    for description in descriptions:
        unique_id = f"{key}_{description.key}"
        if entity_id := registry.async_get_entity_id(platform, DOMAIN, unique_id):
            registry.async_remove(entity_id)


async def async_add(
    hass: HomeAssistant,
    entry: QheatConfigEntry,
    add: AddConfigEntryEntitiesCallback,
    entities: Iterable[Entity],
    radiator_id: str | None = None,
) -> None:
    """Add entities of a radiator, or of the home, few at a time: a building's hold up all else."""
    for few in batched(entities, TOGETHER, strict=False):
        await async_next_turn(hass)
        # A radiator that was removed meanwhile would leave the others without.
        if radiator_id is None or radiator_id in entry.subentries:
            add(few, config_subentry_id=radiator_id)


class QheatEntity[C: DataUpdateCoordinator[Any]](CoordinatorEntity[C]):
    """An entity that is written only when it has something new to show.

    Home Assistant works out the state of whatever is written: too much for a building of
    radiators every few seconds. `key` is the id of the radiator, or of the home, that it tells of.
    """

    _attr_has_entity_name = True
    _shown: object = None

    def __init__(self, coordinator: C, key: str, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{key}_{description.key}"
        self._key = key

    @property
    @override
    def device_info(self) -> DeviceInfo:
        # Asked for once: a building would keep thousands for nothing.
        return DeviceInfo(identifiers={(DOMAIN, self._key)})

    @abstractmethod
    def shows(self) -> object:
        """Return all that the entity shows now, to be compared with what it showed before."""

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        shown = (available := self.available, self.shows() if available else None)
        if shown != self._shown:
            self._shown = shown
            self.async_write_ha_state()


class HomeEntity(QheatEntity[HomeCoordinator]):
    """An entity of the home's own device."""

    def __init__(self, coordinator: HomeCoordinator, description: EntityDescription) -> None:
        super().__init__(coordinator, coordinator.config_entry.entry_id, description)


class RadiatorEntity(QheatEntity[RadiatorCoordinator]):
    """An entity of one radiator's device."""

    def __init__(
        self, home: HomeCoordinator, radiator_id: str, description: EntityDescription
    ) -> None:
        super().__init__(home.radiators[radiator_id], radiator_id, description)
        self._home = home

    @property
    def _asks_machine(self) -> bool:
        """Whether there is nothing to show while the radiator's machine does not answer."""
        return True

    @property
    @override
    def available(self) -> bool:
        return super().available and (
            not self._asks_machine or self.coordinator.data.engine.reachable
        )
