"""Calibration of this computer in Home Assistant: when it may run, and what becomes of it."""

from collections.abc import Callable, Sequence
from typing import Final

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .compute.calibration import (
    Calibration,
    CalibrationError,
    CalibrationFault,
    Fit,
    slots_to_try,
)
from .const import CONF_IDLE_W, CONF_RATED_W, DOMAIN, SUBENTRY_THIS_MACHINE
from .coordinator import QheatConfigEntry
from .heating import Reason
from .machine_share import computer_power

NOT_LOADED: Final = "not_loaded"
MACHINE_UNFIT: Final = "machine_unfit"
GUARDS: Final = {Reason.TOO_WARM, Reason.SENSOR_SILENT, Reason.SENSOR_STUCK}
"""Under these nothing burns, whatever it burns for."""


def obstacle(hass: HomeAssistant, entry: QheatConfigEntry) -> str | None:
    """Return why this computer cannot be calibrated now, None if it can."""
    if entry.state is not ConfigEntryState.LOADED:
        return NOT_LOADED
    if entry.runtime_data.machine is None:
        return MACHINE_UNFIT
    if computer_power(hass).measured() is None:
        return CalibrationFault.NO_METER
    return None if may_burn(hass) else CalibrationFault.GUARDED


def may_burn(hass: HomeAssistant) -> bool:
    """Tell whether the guards of all rooms that this computer heats allow heat, in all homes."""
    radiators = _this_machine_everywhere(hass)
    return all(_allows(entry, subentry.subentry_id) for entry, subentry in radiators)


async def async_calibrate(
    hass: HomeAssistant, entry: QheatConfigEntry, told: Callable[[float], None]
) -> Fit:
    """Measure and fit what this computer draws. Raises CalibrationError."""
    machine = entry.runtime_data.machine if entry.state is ConfigEntryState.LOADED else None
    if machine is None:
        raise CalibrationError(CalibrationFault.STOPPED)
    calibration = Calibration(machine, computer_power(hass), may_burn=lambda: may_burn(hass))
    return await calibration.run(told)


def planned(hass: HomeAssistant, entry: QheatConfigEntry) -> dict[str, str]:
    """Return what the form says of a calibration that is to come, where nothing is in its way."""
    machine, measured = entry.runtime_data.machine, computer_power(hass).measured()
    assert machine is not None
    assert measured is not None
    return {
        "levels": str(len(slots_to_try(machine.slots))),
        "power_w": f"{measured.reading.power_w:.0f}",
    }


def described(fit: Fit) -> dict[str, str]:
    """Return what the form says of a calibration that is done."""
    rows = (
        f"| {one.busy_slots:.2f} | {one.power_w:.1f} | {fit.power_w(one.busy_slots):.1f} |"
        for one in fit.levels
    )
    return {
        "rows": "\n".join(rows),
        "idle_w": f"{fit.idle_w:.1f}",
        "slot_w": f"{fit.slot_w:.1f}",
        "residual_w": f"{fit.residual_w:.1f}",
    }


@callback
def async_take_over(hass: HomeAssistant, fit: Fit) -> None:
    """Keep a fit as the power of this computer's radiators, of whichever home.

    Only one has the computer's idle power: the one that has it already.
    """
    own = sorted(_this_machine_everywhere(hass), key=lambda one: -one[1].data[CONF_IDLE_W])
    for number, (entry, subentry) in enumerate(own):
        idle_w = 0.0 if number else round(fit.idle_w, 1)
        rated_w = round(idle_w + fit.slot_w * fit.slots, 1)
        hass.config_entries.async_update_subentry(
            entry,
            subentry,
            data={**subentry.data, CONF_IDLE_W: idle_w, CONF_RATED_W: rated_w},
        )


def _this_machine_everywhere(
    hass: HomeAssistant,
) -> Sequence[tuple[QheatConfigEntry, ConfigSubentry]]:
    """Return the radiators that are this machine, of all homes that are not disabled."""
    homes = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    return [
        (entry, subentry)
        for entry in homes
        for subentry in entry.get_subentries_of_type(SUBENTRY_THIS_MACHINE)
    ]


def _allows(entry: QheatConfigEntry, radiator_id: str) -> bool:
    if entry.state is not ConfigEntryState.LOADED or not entry.runtime_data.last_update_success:
        return False
    state = entry.runtime_data.data.radiators.get(radiator_id)
    return state is not None and state.demand.reason not in GUARDS
