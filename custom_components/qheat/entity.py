"""Base entities of the qheat integration."""

from typing import override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import HomeCoordinator
from .radiator import RadiatorState


class HomeEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of the home's own device."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: HomeCoordinator, description: EntityDescription) -> None:
        super().__init__(coordinator)
        entry = coordinator.config_entry
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})


class RadiatorEntity(CoordinatorEntity[HomeCoordinator]):
    """An entity of one radiator's device."""

    _attr_has_entity_name = True
    _asks_machine = False
    """Whether there is nothing to show while the radiator's machine does not answer."""

    def __init__(
        self, coordinator: HomeCoordinator, radiator_id: str, description: EntityDescription
    ) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._radiator_id = radiator_id
        self._attr_unique_id = f"{radiator_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, radiator_id)})

    @property
    @override
    def available(self) -> bool:
        if not super().available or self._radiator_id not in self.coordinator.data.radiators:
            return False
        return not self._asks_machine or self.state_of_radiator.engine.reachable

    @property
    def state_of_radiator(self) -> RadiatorState:
        """What the last tick found."""
        return self.coordinator.data.radiators[self._radiator_id]
