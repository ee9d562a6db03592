"""Power meters: entities that show the watts of a machine or count its energy, of a smart plug."""

from collections.abc import Callable

from homeassistant.components.sensor import ATTR_LAST_RESET
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfEnergy, UnitOfPower
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
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    EnergyConverter,
    PowerConverter,
)

from .compute.meter import PowerMeter


def async_follow_meter(
    hass: HomeAssistant, entity_id: str, meter: PowerMeter
) -> list[Callable[[], None]]:
    """Pass on what a power meter reports, when it does; return how to end that."""

    @callback
    def show(event: Event[EventStateChangedData] | Event[EventStateReportedData]) -> None:
        state = event.data["new_state"]
        meter.take(_shown(state, PowerConverter, UnitOfPower.WATT, usual=UnitOfPower.WATT))
        total_j = _shown(state, EnergyConverter, UnitOfEnergy.JOULE)
        meter.count(total_j, state and state.attributes.get(ATTR_LAST_RESET))

    return [
        async_track_state_change_event(hass, entity_id, show),
        async_track_state_report_event(hass, entity_id, show),
    ]


def _shown(
    state: State | None, converter: type[BaseUnitConverter], unit: str, *, usual: str | None = None
) -> float | None:
    """Return what an entity shows, in `unit`; None if it shows nothing of that kind.

    `usual` is the unit of what has none.
    """
    if state is None:
        return None
    own_unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT, usual)
    try:
        return converter.convert(float(state.state), own_unit, unit)
    except TypeError, ValueError, HomeAssistantError:
        return None
