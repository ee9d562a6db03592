"""Repair flows of the qheat integration."""

from collections.abc import Mapping
from typing import Any, Final, override

import voluptuous as vol
from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .boinc_left_behind import (
    NOT_PUT_BACK,
    async_left_behind,
    async_settle,
    originals_of,
    repair_of,
)
from .compute.boinc import BoincError, BoincFault, probe, put_back_late
from .const import CONF_MACHINE, DOMAIN, SUBENTRY_BOINC
from .coordinator import QheatConfigEntry

PUT_BACK_FORM: Final = vol.Schema(
    {
        vol.Required(CONF_HOST): vol.All(TextSelector(), vol.Strip),
        vol.Required(CONF_PASSWORD): vol.All(
            TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")),
            vol.Strip,
        ),
    }
)


class TakeBackFlow(ConfirmRepairFlow):
    """Take a BOINC machine back from whoever set its run mode by hand."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        if user_input is not None:
            data: dict[str, Any] = self.data or {}
            entry: QheatConfigEntry | None = self.hass.config_entries.async_get_entry(
                data["entry_id"]
            )
            if entry is None or entry.state is not ConfigEntryState.LOADED:
                return self.async_abort(reason="not_loaded")
            boinc = entry.runtime_data.boinc
            if data["about"] not in boinc:
                return self.async_abort(reason="no_radiator")
            boinc.engine(data["about"]).take_back()
        return await super().async_step_confirm(user_input)


class PutBackFlow(RepairsFlow):
    """Give a BOINC machine that is no radiator any more its own settings back."""

    async def async_step_init(self, _: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_password()

    async def async_step_password(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask for the password, which was forgotten with the radiator, and try."""
        left = (await async_left_behind(self.hass)).get(self.issue_id)
        if left is None:
            return self.async_create_entry(data={})
        # Its radiator has its settings to put back.
        if _is_of_radiator(self.hass, self.issue_id):
            return self.async_abort(reason="radiator_again")
        machine = left | {CONF_HOST: (user_input or left)[CONF_HOST]}
        errors = {}
        if user_input is not None:
            error = await _put_back(machine, user_input[CONF_PASSWORD])
            if error is None:
                await async_settle(self.hass, left)
                return self.async_create_entry(data={})
            errors["base"] = error
        return self.async_show_form(
            step_id="password",
            data_schema=self.add_suggested_values_to_schema(PUT_BACK_FORM, machine),
            errors=errors,
            description_placeholders={"radiator": left["radiator"], "host": left[CONF_HOST]},
        )


def _is_of_radiator(hass: HomeAssistant, issue_id: str) -> bool:
    """Tell whether a repair's machine heats again."""
    return any(
        repair_of(subentry.data) == issue_id
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
        for subentry in entry.get_subentries_of_type(SUBENTRY_BOINC)
    )


async def _put_back(machine: Mapping[str, Any], password: str) -> str | None:
    """Put the settings of a machine back; return what keeps us from it."""
    host, port, originals = machine[CONF_HOST], machine[CONF_PORT], originals_of(machine)
    try:
        if (await probe(host, port, password)).cpid != machine[CONF_MACHINE]:
            return "another_machine"
        if originals is not None:
            await put_back_late(host, port, password, originals)
    except BoincError as err:
        return "wrong_password" if err.fault is BoincFault.WRONG_PASSWORD else "no_answer"
    return None


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    return PutBackFlow() if issue_id.startswith(NOT_PUT_BACK) else TakeBackFlow()
