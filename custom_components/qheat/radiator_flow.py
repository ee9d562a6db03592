"""Subentry flows: add or change a radiator, of this machine or of a machine with BOINC."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, override

import voluptuous as vol
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_HOST,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PORT,
)
from homeassistant.util.unit_conversion import TemperatureConverter

from . import forms
from .boinc_machines import rates_of
from .compute.boinc import BoincError, BoincFault, probe
from .const import (
    CONF_CORES,
    CONF_IDLE_W,
    CONF_MACHINE,
    CONF_POWER_ENTITY,
    CONF_RATED_W,
    CONF_RATES,
    CONF_ROOM,
    CONF_TEMPERATURE_ENTITY,
    DOMAIN,
    ROOM_SENSOR,
    ROOM_SIMULATED,
    SUBENTRY_THIS_MACHINE,
)

HELP_URL: Final = "https://github.com/qheat/qheat/blob/main/docs/boinc.md"

FAULT_TO_FIELD: Final = {
    BoincFault.UNREACHABLE: CONF_HOST,
    BoincFault.WRONG_PASSWORD: CONF_PASSWORD,
    BoincFault.NOT_BOINC: CONF_PORT,
}
"""The field beside which a fault is told; others are told above the form."""


class RadiatorFlow(ConfigSubentryFlow):
    """Ask for a radiator, then for its room."""

    new_form: ClassVar[vol.Schema]
    form: ClassVar[vol.Schema]

    def __init__(self) -> None:
        self._data: dict[str, Any] = {}

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a new radiator."""
        return await self._step_radiator("user", self.new_form, self._usual(), user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a radiator; its area is changed on the device's own page."""
        subentry = self._get_reconfigure_subentry()
        known = {CONF_NAME: subentry.title, **subentry.data}
        return await self._step_radiator("reconfigure", self.form, known, user_input)

    def _usual(self) -> dict[str, Any]:
        """Return what a new radiator usually is."""
        return {}

    async def _faults(self, user_input: dict[str, Any]) -> dict[str, str]:
        """Tell what is wrong with the answers, by field; may complete them."""
        if faults := forms.name_fault(user_input):
            return faults
        if fault := forms.meter_fault(self.hass, user_input.get(CONF_POWER_ENTITY)):
            return {CONF_POWER_ENTITY: fault}
        below = user_input[CONF_IDLE_W] < user_input[CONF_RATED_W]
        return {} if below else {CONF_IDLE_W: "idle_not_below_rated"}

    async def _step_radiator(
        self,
        step_id: str,
        schema: vol.Schema,
        known: Mapping[str, Any],
        user_input: dict[str, Any] | None,
    ) -> SubentryFlowResult:
        errors = {}
        if user_input is not None:
            self._data = dict(user_input)
            errors = await self._faults(self._data)
            if not errors and user_input[CONF_ROOM] == ROOM_SENSOR:
                return await self.async_step_sensor()
            if not errors:
                return await self.async_step_simulated()
        shown = dict(user_input or known)
        # Only what was typed just now is sent to a browser, and only while nothing speaks against.
        if user_input is None or CONF_PASSWORD in errors:
            shown.pop(CONF_PASSWORD, None)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={"help_url": HELP_URL},
        )

    async def async_step_sensor(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the room's temperature sensor."""
        errors = {}
        if user_input is not None:
            entity_id = user_input[CONF_TEMPERATURE_ENTITY]
            state = self.hass.states.get(entity_id)
            unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
            if forms.is_own(self.hass, entity_id):
                errors = {CONF_TEMPERATURE_ENTITY: "own_entity"}
            elif unit not in TemperatureConverter.VALID_UNITS:
                errors = {CONF_TEMPERATURE_ENTITY: "no_temperature"}
        return self._step_room(ROOM_SENSOR, user_input, errors)

    async def async_step_simulated(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the size of a simulated room and how fast its clock runs."""
        return self._step_room(ROOM_SIMULATED, user_input, {})

    def _step_room(
        self, room: str, user_input: dict[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        changing = self.source == SOURCE_RECONFIGURE
        if user_input is None or errors:
            known = self._get_reconfigure_subentry().data if changing else {}
            return self.async_show_form(
                step_id=room,
                data_schema=self.add_suggested_values_to_schema(
                    forms.ROOMS[room], user_input or known
                ),
                errors=errors,
                last_step=True,
            )
        name = self._data.pop(CONF_NAME)
        data = self._data | user_input
        if changing:
            entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
            return self.async_update_and_abort(entry, subentry, title=name, data=data)
        return self.async_create_entry(title=name, data=data)


class ThisMachineFlow(RadiatorFlow):
    """Add or change a radiator heated by this machine's own processors."""

    new_form = forms.NEW_RADIATOR
    form = forms.RADIATOR

    @override
    def _usual(self) -> dict[str, Any]:
        # One computer rests only once, however many radiators share it.
        homes = self.hass.config_entries.async_entries(DOMAIN)
        rests = any(home.get_subentries_of_type(SUBENTRY_THIS_MACHINE) for home in homes)
        return {CONF_IDLE_W: 0} if rests else {}


class BoincFlow(RadiatorFlow):
    """Add or change a radiator that is a machine with a BOINC client; it is tried at once."""

    new_form = forms.NEW_BOINC
    form = forms.BOINC

    @override
    async def _faults(self, user_input: dict[str, Any]) -> dict[str, str]:
        if faults := await super()._faults(user_input):
            return faults
        try:
            rates_of(user_input.get(CONF_RATES, []))
        except ValueError:
            return {CONF_RATES: "bad_rate"}
        address = {key: user_input[key] for key in (CONF_HOST, CONF_PORT)}
        known: dict[str, Any] = {}
        if self.source == SOURCE_RECONFIGURE:
            old = self._get_reconfigure_subentry().data
            user_input.setdefault(CONF_PASSWORD, old[CONF_PASSWORD])
            access = address | {CONF_PASSWORD: user_input[CONF_PASSWORD]}
            if access.items() <= old.items():
                known = {key: old[key] for key in (CONF_CORES, CONF_MACHINE)}
        try:
            found = await probe(**address, password=user_input[CONF_PASSWORD])
        except BoincError as err:
            # One that is off, and was tried before, may have a new schedule, or a new rate.
            user_input |= known
            is_off = known and err.fault is BoincFault.UNREACHABLE
            return {} if is_off else {FAULT_TO_FIELD.get(err.fault, "base"): err.fault}
        user_input |= {CONF_CORES: found.cores, CONF_MACHINE: found.cpid}
        return {CONF_HOST: "already_a_radiator"} if self._is_another(found.cpid) else {}

    @override
    def _step_room(
        self, room: str, user_input: dict[str, Any] | None, errors: dict[str, str]
    ) -> SubentryFlowResult:
        # Another dialog may have added the machine since it was tried.
        if self._is_another(self._data[CONF_MACHINE]):
            return self.async_abort(reason="already_a_radiator")
        return super()._step_room(room, user_input, errors)

    def _is_another(self, machine: str) -> bool:
        """Tell whether a machine is another radiator already, in whichever home."""
        own_id = None
        if self.source == SOURCE_RECONFIGURE:
            own_id = self._get_reconfigure_subentry().subentry_id
        return any(
            radiator.data.get(CONF_MACHINE) == machine
            for home in self.hass.config_entries.async_entries(DOMAIN)
            for radiator_id, radiator in home.subentries.items()
            if radiator_id != own_id
        )
