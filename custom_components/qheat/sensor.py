"""Sensor platform of the qheat integration: what a home and its radiators do now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EntityCategory,
    Platform,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .boinc_sensor import boinc_sensors
from .books_sensor import BooksSensor, books_descriptions
from .compute.engine import EngineProblem, HeatKind, PowerSource
from .const import CONF_CURRENCY
from .coordinator import HomeCoordinator, HomeState, QheatConfigEntry
from .entity import HomeEntity, RadiatorEntity, async_forget
from .heating import Reason
from .radiator import RadiatorState
from .turns import async_next_turn

PARALLEL_UPDATES = 0
TOGETHER: Final = 4
"""So many are added in one turn of the loop: Home Assistant takes a millisecond for each."""


def whole(value: float | None) -> int | None:
    """Round to what is worth a line in the recorder's database."""
    return None if value is None else round(value)


def tenths(value: float | None) -> float | None:
    """Round to what is worth a line in the recorder's database."""
    return None if value is None else round(value, 1)


def minute_of(moment_s: float | None) -> datetime | None:
    """Round to what can be foreseen, so that each plan is not a line in the database."""
    if moment_s is None:
        return None
    return dt_util.utc_from_timestamp(round(moment_s / 60) * 60)


@dataclass(frozen=True, kw_only=True)
class RadiatorSensorDescription(SensorEntityDescription):
    """Describe a sensor that shows what a radiator does now."""

    value_fn: Callable[[RadiatorState], StateType | datetime]
    asks_machine: bool = True


@dataclass(frozen=True, kw_only=True)
class HomeSensorDescription(SensorEntityDescription):
    """Describe a sensor that shows what all radiators do now."""

    value_fn: Callable[[HomeState], StateType]


RADIATOR_DESCRIPTIONS: tuple[RadiatorSensorDescription, ...] = (
    RadiatorSensorDescription(
        key="heat_output",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda state: whole(state.engine.power_w),
    ),
    RadiatorSensorDescription(
        key="heat_demand",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: whole(state.demand.power_w),
    ),
    RadiatorSensorDescription(
        key="heat_kind",
        device_class=SensorDeviceClass.ENUM,
        options=list(HeatKind),
        value_fn=lambda state: state.engine.heat_kind,
    ),
    RadiatorSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[*Reason, *EngineProblem],
        asks_machine=False,
        value_fn=lambda state: state.status,
    ),
    RadiatorSensorDescription(
        key="jobs_running",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda state: state.engine.jobs_running,
    ),
    RadiatorSensorDescription(
        key="jobs_paused",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.engine.jobs_paused,
    ),
    RadiatorSensorDescription(
        key="work_lost",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.engine.work_lost_s,
    ),
    RadiatorSensorDescription(
        key="power_source",
        device_class=SensorDeviceClass.ENUM,
        options=list(PowerSource),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state.engine.power_source,
    ),
    RadiatorSensorDescription(
        key="outdoor_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.reading.outdoor_c),
    ),
    RadiatorSensorDescription(
        key="heat_loss",
        native_unit_of_measurement=f"{UnitOfPower.WATT}/{UnitOfTemperature.KELVIN}",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.learned.heat_loss_w_k) if state.has_learned else None,
    ),
    RadiatorSensorDescription(
        key="inertia",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.learned.time_constant_h) if state.has_learned else None,
    ),
    RadiatorSensorDescription(
        key="next_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: minute_of(state.next_start_s),
    ),
)

HOME_DESCRIPTIONS: tuple[HomeSensorDescription, ...] = (
    HomeSensorDescription(
        key="heat_output",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda home: whole(home.power_w),
    ),
    HomeSensorDescription(
        key="jobs_running",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda home: home.jobs_running,
    ),
)

EMBEDDED_DESCRIPTIONS: tuple[HomeSensorDescription, ...] = (
    HomeSensorDescription(
        key="option_price",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        value_fn=lambda home: home.showcase.figures.get("option_price"),
    ),
    HomeSensorDescription(
        key="docking",
        native_unit_of_measurement="kJ/mol",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        value_fn=lambda home: home.showcase.figures.get("docking"),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: QheatConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of the home and of each radiator."""
    coordinator = entry.runtime_data
    books = books_descriptions(entry.data[CONF_CURRENCY])

    def books_sensors(account_id: str) -> list[BooksSensor]:
        account = coordinator.accounts[account_id]
        return [BooksSensor(account, account_id, description) for description in books]

    async def async_add(sensors: list[SensorEntity], radiator_id: str | None) -> None:
        """Add sensors, not too many at once: a whole building's would hold up all else."""
        for few in batched(sensors, TOGETHER, strict=False):
            await async_next_turn(hass)
            async_add_entities(few, config_subentry_id=radiator_id)

    shown = HOME_DESCRIPTIONS
    if coordinator.embedded is not None:
        shown += EMBEDDED_DESCRIPTIONS
    else:
        async_forget(hass, Platform.SENSOR, entry.entry_id, EMBEDDED_DESCRIPTIONS)
    home = [HomeSensor(coordinator, description) for description in shown]
    await async_add([*home, *books_sensors(entry.entry_id)], None)
    for radiator_id in coordinator.radiators:
        sensors: list[SensorEntity] = [
            *(RadiatorSensor(coordinator, radiator_id, about) for about in RADIATOR_DESCRIPTIONS),
            *books_sensors(radiator_id),
        ]
        if radiator_id in coordinator.boinc:
            sensors += boinc_sensors(coordinator, radiator_id)
        await async_add(sensors, radiator_id)


class HomeSensor(HomeEntity, SensorEntity):
    """What all radiators of the home do now."""

    entity_description: HomeSensorDescription

    @property
    @override
    def native_value(self) -> StateType:
        return self.entity_description.value_fn(self.coordinator.data)

    @override
    def shows(self) -> object:
        return self.native_value


class RadiatorSensor(RadiatorEntity, SensorEntity):
    """What a radiator does now."""

    entity_description: RadiatorSensorDescription

    def __init__(
        self,
        home: HomeCoordinator,
        radiator_id: str,
        description: RadiatorSensorDescription,
    ) -> None:
        super().__init__(home, radiator_id, description)
        self._asks_machine = description.asks_machine

    @property
    @override
    def native_value(self) -> StateType | datetime:
        return self.entity_description.value_fn(self.state_of_radiator)

    @override
    def shows(self) -> object:
        return self.native_value
