"""Options of a home: prices, presets and CO2 factors, each on a page of its own."""

from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow

from . import forms
from .const import CONF_CURRENCY
from .prices import price_errors


class HomeOptionsFlow(OptionsFlow):
    """Change the options of a home."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to change."""
        return self.async_show_menu(step_id="init", menu_options=["prices", "presets", "co2"])

    async def async_step_prices(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the prices that costs and savings are reckoned with."""
        currency = self.config_entry.data[CONF_CURRENCY]
        errors = price_errors(self.hass, user_input or {}, currency)
        return self._step("prices", forms.money(currency), user_input, errors)

    async def async_step_presets(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the setpoints of the presets, and where the outdoor temperature comes from."""
        return self._step("presets", forms.PRESETS, user_input, {})

    async def async_step_co2(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the factors that avoided CO2 is reckoned with."""
        return self._step("co2", forms.CO2, user_input, {})

    def _step(
        self,
        step_id: str,
        schema: vol.Schema,
        user_input: dict[str, Any] | None,
        errors: dict[str, str],
    ) -> ConfigFlowResult:
        """Show a page, or keep what was entered on it beside the options of the other pages."""
        options = self.config_entry.options
        if user_input is not None and not errors:
            others = {key: value for key, value in options.items() if key not in schema.schema}
            return self.async_create_entry(data=others | user_input)
        shown = options if user_input is None else user_input
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
        )
