"""Power meters: entities that show the watts of a machine or count its energy, of a smart plug."""

from collections.abc import Callable
from math import isfinite
from typing import Final

from homeassistant.components.sensor import (
    ATTR_LAST_RESET,
    ATTR_STATE_CLASS,
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    UnitOfEnergy,
    UnitOfPower,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter

from .compute.meter import PowerMeter
from .own_entities import is_own

COUNTING: Final = {SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING}


def async_follow_meter(
    hass: HomeAssistant, entity_id: str, meter: PowerMeter
) -> list[Callable[[], None]]:
    """Pass on what a power meter reports, when it does; return how to end that."""

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        show(event.data["new_state"])

    @callback
    def reported(event: Event[EventStateReportedData]) -> None:
        show(event.data["new_state"])

    def show(state: State | None) -> None:
        meter.take(watts(state))
        meter.count(joules(state), state and state.attributes.get(ATTR_LAST_RESET))

    return [
        async_track_state_change_event(hass, entity_id, changed),
        async_track_state_report_event(hass, entity_id, reported),
    ]


def meter_fault(hass: HomeAssistant, entity_id: str | None) -> str | None:
    """Return why an entity cannot be a power meter, as the key of an error; None: it can."""
    if entity_id is None:
        return None
    if is_own(hass, entity_id):
        return "own_meter"
    state = hass.states.get(entity_id)
    if state is None or state.attributes.get(ATTR_DEVICE_CLASS) != SensorDeviceClass.ENERGY:
        return None
    counts = state.attributes.get(ATTR_STATE_CLASS) in COUNTING
    return None if counts else "no_counter"


def watts(state: State | None) -> float | None:
    """Return the watts that an entity shows, in whichever unit; None if it shows none."""
    if state is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, UnitOfPower.WATT)
    try:
        power_w = PowerConverter.convert(float(state.state), unit, UnitOfPower.WATT)
    except TypeError, ValueError, HomeAssistantError:
        return None
    return power_w if isfinite(power_w) else None


def joules(state: State | None) -> float | None:
    """Return the joules that an entity has counted, in whichever unit; None if it counts none."""
    if state is None:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    try:
        total_j = EnergyConverter.convert(float(state.state), unit, UnitOfEnergy.JOULE)
    except TypeError, ValueError, HomeAssistantError:
        return None
    return total_j if isfinite(total_j) else None
