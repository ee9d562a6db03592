"""Repair flows of the qheat integration."""

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

from .boinc_machines import NOT_PUT_BACK, originals_of
from .compute.boinc import BoincError, BoincFault, probe, put_back_late
from .const import CONF_MACHINE

PASSWORD_FORM: Final = vol.Schema(
    {
        vol.Required(CONF_PASSWORD): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        )
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
            entry = self.hass.config_entries.async_get_entry(data["entry_id"])
            if entry is None or entry.state is not ConfigEntryState.LOADED:
                return self.async_abort(reason="not_loaded")
            entry.runtime_data.boinc.engine(data["radiator_id"]).take_back()
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
        data: dict[str, Any] = self.data or {}
        errors = {}
        if user_input is not None:
            originals = originals_of(data)
            address = data[CONF_HOST], data[CONF_PORT], user_input[CONF_PASSWORD]
            try:
                found = await probe(*address)
                if data[CONF_MACHINE] not in found.names(data[CONF_HOST], data[CONF_PORT]):
                    errors["base"] = "another_machine"
                elif originals is not None:
                    await put_back_late(*address, originals)
            except BoincError as err:
                is_wrong = err.fault is BoincFault.WRONG_PASSWORD
                errors["base"] = "wrong_password" if is_wrong else "no_answer"
            if not errors:
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="password",
            data_schema=PASSWORD_FORM,
            errors=errors,
            description_placeholders={"radiator": data["radiator"], "host": data[CONF_HOST]},
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    return PutBackFlow() if issue_id.startswith(NOT_PUT_BACK) else TakeBackFlow()
