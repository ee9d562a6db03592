"""Sensor platform of the qheat integration: what a home and its radiators do now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, override

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
from .entity import HomeEntity, QheatEntity, RadiatorEntity, async_add, async_forget
from .heating import Reason
from .radiator import RadiatorState
from .radiator_coordinator import RadiatorCoordinator

PARALLEL_UPDATES = 0


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
class NowDescription[S](SensorEntityDescription):
    """Describe a sensor that shows what a radiator, or all of a home, do now."""

    value_fn: Callable[[S], StateType | datetime]
    asks_machine: bool = True
    """Whether there is nothing to show while the radiator's machine does not answer."""


_POWER: Final = partial(
    NowDescription,
    device_class=SensorDeviceClass.POWER,
    native_unit_of_measurement=UnitOfPower.WATT,
    state_class=SensorStateClass.MEASUREMENT,
    suggested_display_precision=0,
)

RADIATOR_DESCRIPTIONS: tuple[NowDescription[RadiatorState], ...] = (
    _POWER(
        key="heat_output",
        value_fn=lambda state: whole(state.engine.power_w),
    ),
    _POWER(
        key="heat_demand",
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: whole(state.demand.power_w),
    ),
    NowDescription(
        key="heat_kind",
        device_class=SensorDeviceClass.ENUM,
        options=list(HeatKind),
        value_fn=lambda state: state.engine.heat_kind,
    ),
    NowDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[*Reason, *EngineProblem],
        asks_machine=False,
        value_fn=lambda state: state.status,
    ),
    NowDescription(
        key="jobs_running",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda state: state.engine.jobs_running,
    ),
    NowDescription(
        key="jobs_paused",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.engine.jobs_paused,
    ),
    NowDescription(
        key="work_lost",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda state: state.engine.work_lost_s,
    ),
    NowDescription(
        key="power_source",
        device_class=SensorDeviceClass.ENUM,
        options=list(PowerSource),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state.engine.power_source,
    ),
    NowDescription(
        key="outdoor_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.reading.outdoor_c),
    ),
    NowDescription(
        key="heat_loss",
        native_unit_of_measurement=f"{UnitOfPower.WATT}/{UnitOfTemperature.KELVIN}",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.learned.heat_loss_w_k) if state.has_learned else None,
    ),
    NowDescription(
        key="inertia",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.HOURS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: tenths(state.learned.time_constant_h) if state.has_learned else None,
    ),
    NowDescription(
        key="next_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        asks_machine=False,
        value_fn=lambda state: minute_of(state.next_start_s),
    ),
)

HOME_DESCRIPTIONS: tuple[NowDescription[HomeState], ...] = (
    _POWER(
        key="heat_output",
        value_fn=lambda home: whole(home.power_w),
    ),
    NowDescription(
        key="jobs_running",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda home: home.jobs_running,
    ),
)

EMBEDDED_DESCRIPTIONS: tuple[NowDescription[HomeState], ...] = (
    NowDescription(
        key="option_price",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        value_fn=lambda home: home.showcase.figures.get("option_price"),
    ),
    NowDescription(
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

    shown = HOME_DESCRIPTIONS
    if coordinator.embedded is not None:
        shown += EMBEDDED_DESCRIPTIONS
    else:
        async_forget(hass, Platform.SENSOR, entry.entry_id, EMBEDDED_DESCRIPTIONS)
    home = [HomeSensor(coordinator, description) for description in shown]
    await async_add(hass, entry, async_add_entities, [*home, *books_sensors(entry.entry_id)])
    for radiator_id in coordinator.radiators:
        sensors: list[SensorEntity] = [
            *(RadiatorSensor(coordinator, radiator_id, about) for about in RADIATOR_DESCRIPTIONS),
            *books_sensors(radiator_id),
        ]
        if radiator_id in coordinator.boinc and radiator_id in entry.subentries:
            sensors += boinc_sensors(coordinator, radiator_id)
        await async_add(hass, entry, async_add_entities, sensors, radiator_id)


class NowSensor[C: HomeCoordinator | RadiatorCoordinator](QheatEntity[C], SensorEntity):
    """What is known after a tick."""

    entity_description: NowDescription[Any]

    @property
    @override
    def native_value(self) -> StateType | datetime:
        return self.entity_description.value_fn(self.coordinator.data)

    @override
    def shows(self) -> object:
        return self.native_value


class HomeSensor(HomeEntity, NowSensor[HomeCoordinator]):
    """What all radiators of the home do now."""


class RadiatorSensor(RadiatorEntity, NowSensor[RadiatorCoordinator]):
    """What a radiator does now."""

    @property
    @override
    def _asks_machine(self) -> bool:
        return self.entity_description.asks_machine
