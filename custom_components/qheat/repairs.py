"""Repair flows of the qheat integration."""

from typing import Any, override

from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant


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


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of the only kind of issue that has one."""
    return TakeBackFlow()
