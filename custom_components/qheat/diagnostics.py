"""Diagnostics of a home: what helps to find a fault, without secrets."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .coordinator import QheatConfigEntry

TO_REDACT = {CONF_TOKEN, CONF_URL}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: QheatConfigEntry
) -> dict[str, Any]:
    """Return the home's settings and the last state of each radiator."""
    home = async_redact_data({**entry.data, **entry.options}, TO_REDACT)
    if entry.state is not ConfigEntryState.LOADED:
        return {"home": home, "not_loaded_because": entry.reason}
    coordinator = entry.runtime_data
    return {
        "home": home,
        "machine": {
            "slots": coordinator.machine.slots,
            "lock": coordinator.machine.lock and asdict(coordinator.machine.lock),
        },
        "radiators": {
            radiator_id: {
                "settings": dict(entry.subentries[radiator_id].data),
                "state": asdict(state),
                "learned": asdict(coordinator.radiators[radiator_id].control.model),
            }
            for radiator_id, state in coordinator.data.radiators.items()
        },
    }
