"""Diagnostics of a home: what helps to find a fault, without secrets."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from enum import IntEnum
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import ExtendedJSONEncoder

from .const import CONF_MACHINE
from .coordinator import QheatConfigEntry

TO_REDACT = {CONF_HOST, CONF_MACHINE, CONF_PASSWORD, CONF_TOKEN, CONF_URL, "cpid", "host_name"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: QheatConfigEntry
) -> dict[str, Any]:
    """Return the home's settings and the last state of each radiator, None of one that fails."""
    home = async_redact_data({**entry.data, **entry.options}, TO_REDACT)
    if entry.state is not ConfigEntryState.LOADED:
        return {"home": home, "not_loaded_because": entry.reason}
    coordinator = entry.runtime_data
    machine = coordinator.machine
    told = {
        "home": home,
        "machine": machine
        and {"slots": machine.slots, "lock": machine.lock and asdict(machine.lock)},
        "radiators": {
            radiator_id: {
                "settings": async_redact_data(dict(subentry.data), TO_REDACT),
                "state": (state := coordinator.data.radiators.get(radiator_id)) and asdict(state),
                "model": asdict(coordinator.radiators[radiator_id].radiator.control.model),
            }
            for radiator_id, subentry in entry.subentries.items()
            if radiator_id in coordinator.radiators
        },
        "boinc": {
            radiator_id: (details := coordinator.boinc.details(radiator_id))
            and async_redact_data(asdict(details, dict_factory=_named), TO_REDACT)
            for radiator_id in coordinator.boinc
        },
    }
    # Home Assistant would write "Infinity", of a job whose end is unknown: that is no JSON.
    text = json.dumps(told, cls=ExtendedJSONEncoder)
    finite: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
    return finite


def _named(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return fields with the names of BOINC's own numbers, which few people know."""
    return {
        name: value.name.lower() if isinstance(value, IntEnum) else value for name, value in fields
    }
