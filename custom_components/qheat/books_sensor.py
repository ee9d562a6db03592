"""Sensors of the books: heat and money, as totals of a radiator or of the whole home."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import UnitOfEnergy, UnitOfMass, UnitOfRatio
from homeassistant.helpers.typing import StateType
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .books import Balance
from .const import JOULES_PER_KWH
from .entity import QheatEntity
from .ledger import Totals
from .work_today import in_tenths

FREE: Final = "free"

type Value = StateType | Decimal


@dataclass(frozen=True, kw_only=True)
class BooksSensorDescription(SensorEntityDescription):
    """Describe a sensor that shows the books of a radiator or of the whole home."""

    value_fn: Callable[[Balance], Value]
    attributes_fn: Callable[[Balance], Mapping[str, Any]] | None = None
    daily: bool = False
    """Whether it starts anew at local midnight."""


def shown(value: Value) -> Value:
    """Round to a millionth: what is finer is nobody's heat or money."""
    if isinstance(value, Decimal):
        return round(value, 6)
    return round(value, 6) if isinstance(value, float) else value


def effective_cop(totals: Totals) -> Value:
    """Return the effective COP in words: one decimal, "free", or nothing before any cost."""
    if totals.effective_cop is not None:
        return f"{totals.effective_cop:.1f}"
    return FREE if totals.subsidy is not None else None


def _percent(share: Decimal | None) -> Decimal | None:
    return None if share is None else share * 100


_ENERGY: Final = partial(
    BooksSensorDescription,
    device_class=SensorDeviceClass.ENERGY,
    native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    state_class=SensorStateClass.TOTAL_INCREASING,
    suggested_display_precision=3,
)
_MONEY: Final = partial(
    BooksSensorDescription,
    device_class=SensorDeviceClass.MONETARY,
    state_class=SensorStateClass.TOTAL,
    suggested_display_precision=3,
)

HEAT_DESCRIPTIONS: Final = (
    _ENERGY(key="heat", value_fn=lambda balance: balance.totals.heat_j / JOULES_PER_KWH),
    _ENERGY(key="free_heat", value_fn=lambda balance: balance.totals.free_heat_j / JOULES_PER_KWH),
)

MONEY_DESCRIPTIONS: Final = (
    _MONEY(key="earnings", value_fn=lambda balance: balance.totals.earned),
    _MONEY(key="savings", value_fn=lambda balance: balance.totals.savings),
    _MONEY(key="net_heat_cost", value_fn=lambda balance: balance.totals.net_heat_cost),
    _MONEY(
        key="repaid",
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.totals.repaid,
    ),
)

WORK_DESCRIPTIONS: tuple[BooksSensorDescription, ...] = (
    BooksSensorDescription(
        key="effective_cop",
        value_fn=lambda balance: effective_cop(balance.totals),
    ),
    BooksSensorDescription(
        key="subsidy",
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_registry_enabled_default=False,
        value_fn=lambda balance: _percent(balance.totals.subsidy),
    ),
    BooksSensorDescription(
        key="co2_avoided",
        native_unit_of_measurement=UnitOfMass.KILOGRAMS,
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=2,
        entity_registry_enabled_default=False,
        value_fn=lambda balance: balance.carbon.avoided_kg(balance.totals),
        attributes_fn=lambda balance: asdict(balance.carbon),
    ),
    BooksSensorDescription(
        key="work_today",
        state_class=SensorStateClass.TOTAL,
        daily=True,
        value_fn=lambda balance: sum(balance.today.jobs.values()),
        attributes_fn=lambda balance: {
            "kinds": balance.today.kinds(),
            "refused": balance.today.refused,
            "core_hours": in_tenths(sum(balance.today.core_h.values(), 0.0)),
        },
    ),
)


def books_descriptions(currency: str) -> tuple[BooksSensorDescription, ...]:
    """Return what is shown of the books of a radiator, or of a whole home, in its currency."""
    money = (replace(one, native_unit_of_measurement=currency) for one in MONEY_DESCRIPTIONS)
    return *HEAT_DESCRIPTIONS, *money, *WORK_DESCRIPTIONS


class BooksSensor(QheatEntity[DataUpdateCoordinator[Balance]], SensorEntity):
    """A figure out of the books: of one radiator, or of all, removed ones included."""

    entity_description: BooksSensorDescription
    # The figures themselves are recorded; a new set of attributes every minute or so is not.
    _unrecorded_attributes = frozenset({"kinds", "refused", "core_hours"})

    @property
    @override
    def native_value(self) -> Value:
        return shown(self.entity_description.value_fn(self.coordinator.data))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        attributes_fn = self.entity_description.attributes_fn
        return attributes_fn(self.coordinator.data) if attributes_fn else None

    @property
    @override
    def last_reset(self) -> datetime | None:
        return self.coordinator.data.midnight if self.entity_description.daily else None

    @override
    def shows(self) -> object:
        return self.native_value, self.extra_state_attributes, self.last_reset
