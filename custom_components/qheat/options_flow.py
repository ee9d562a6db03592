"""Options of a home, each page on its own; calibration of this computer's power is one."""

import asyncio
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow

from . import forms
from .calibrating import async_calibrate, async_take_over, described, obstacle, planned
from .compute.calibration import CalibrationError, Fit
from .const import (
    BACKEND_OPERATOR,
    CONF_BACKEND,
    CONF_CURRENCY,
    CONF_OUTDOOR_ENTITY,
    CONF_PUBLISHERS,
    SUBENTRY_THIS_MACHINE,
)
from .prices import price_errors
from .publishers import accepted, async_offered


class HomeOptionsFlow(OptionsFlow):
    """Change the options of a home."""

    _calibration: asyncio.Task[Fit] | None = None

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to change."""
        pages = ["prices", "presets", "co2"]
        if self.config_entry.get_subentries_of_type(SUBENTRY_THIS_MACHINE):
            pages.append("calibrate")
        if self.config_entry.data[CONF_BACKEND] == BACKEND_OPERATOR:
            pages += ["publishers", "unpaid"]
        return self.async_show_menu(step_id="init", menu_options=pages)

    async def async_step_prices(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the prices that costs and savings are reckoned with."""
        currency = self.config_entry.data[CONF_CURRENCY]
        errors = price_errors(self.hass, user_input or {}, currency)
        return self._step("prices", forms.money(currency), user_input, errors)

    async def async_step_presets(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the setpoints of the presets, and where the outdoor temperature comes from."""
        outdoors = (user_input or {}).get(CONF_OUTDOOR_ENTITY)
        errors = {CONF_OUTDOOR_ENTITY: "own_entity"} if forms.is_own(self.hass, outdoors) else {}
        return self._step("presets", forms.PRESETS, user_input, errors)

    async def async_step_co2(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the factors that avoided CO2 is reckoned with."""
        return self._step("co2", forms.CO2, user_input, {})

    async def async_step_publishers(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Accept publishers of modules by their keys' fingerprints, or remove them."""
        publishers, errors = accepted(user_input or {})
        if user_input is not None and not errors:
            user_input = {CONF_PUBLISHERS: publishers}
        entry = self.config_entry
        offered: dict[str, tuple[str, ...]] = dict.fromkeys(
            entry.options.get(CONF_PUBLISHERS, ()), ()
        )
        # What is to be kept waits for no backend that is silent.
        if user_input is None or errors:
            offered |= await async_offered(self.hass, entry.data)
        schema, texts = forms.publishers(offered), forms.in_full(offered)
        return self._step("publishers", schema, user_input, errors, **texts)

    async def async_step_unpaid(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose whether unpaid jobs are taken."""
        return self._step("unpaid", forms.UNPAID, user_input, {})

    async def async_step_calibrate(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say what a calibration does, or why there can be none."""
        if (reason := obstacle(self.hass, self.config_entry)) is not None:
            return self.async_abort(reason=reason)
        if user_input is not None:
            return await self.async_step_calibrating()
        return self.async_show_form(
            step_id="calibrate",
            description_placeholders=planned(self.hass, self.config_entry),
        )

    async def async_step_calibrating(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show how far the calibration is; Home Assistant ends it with the dialog."""
        if self._calibration is None:
            self._calibration = self.hass.async_create_task(
                async_calibrate(self.hass, self.config_entry, self.async_update_progress),
                "qheat calibration",
                eager_start=False,
            )
        if not self._calibration.done():
            return self.async_show_progress(
                step_id="calibrating",
                progress_action="calibrating",
                progress_task=self._calibration,
            )
        return self.async_show_progress_done(next_step_id="calibrated")

    async def async_step_calibrated(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what was measured, and keep it if the user agrees."""
        assert self._calibration is not None
        try:
            fit = self._calibration.result()
        except CalibrationError as err:
            return self.async_abort(reason=err.fault)
        if user_input is None:
            return self.async_show_form(
                step_id="calibrated",
                description_placeholders=described(fit),
                last_step=True,
            )
        async_take_over(self.hass, fit)
        return self.async_create_entry(data=dict(self.config_entry.options))

    def _step(
        self,
        step_id: str,
        schema: vol.Schema,
        user_input: dict[str, Any] | None,
        errors: dict[str, str],
        **texts: str,
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
            description_placeholders=texts,
        )
