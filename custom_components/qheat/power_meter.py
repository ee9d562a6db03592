"""Power meters: entities that show the watts of a machine, of a smart plug for instance."""

from collections.abc import Callable
from math import isfinite

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfPower
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util.unit_conversion import PowerConverter

from .const import DOMAIN


def async_follow_meter(
    hass: HomeAssistant, entity_id: str, take: Callable[[float | None], None]
) -> list[Callable[[], None]]:
    """Pass on the watts that a power meter reports, when it does; return how to end that."""

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        take(watts(event.data["new_state"]))

    @callback
    def reported(event: Event[EventStateReportedData]) -> None:
        take(watts(event.data["new_state"]))

    return [
        async_track_state_change_event(hass, entity_id, changed),
        async_track_state_report_event(hass, entity_id, reported),
    ]


def is_own(hass: HomeAssistant, entity_id: str) -> bool:
    """Tell whether a power is one that we show ourselves: it would measure its own echo."""
    entity = er.async_get(hass).async_get(entity_id)
    return entity is not None and entity.platform == DOMAIN


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
