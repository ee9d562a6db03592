"""Config flow of the qheat integration: a home; `radiator_flow` adds radiators to it."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from yarl import URL

from . import forms
from .compute.client import JobClient, UnusableTokenError
from .compute.engine import EngineError, EngineProblem
from .const import (
    BACKEND_EMBEDDED,
    BACKEND_OPERATOR,
    CONF_BACKEND,
    CONF_CURRENCY,
    CONF_PUBLISHERS,
    DOMAIN,
    SUBENTRY_BOINC,
    SUBENTRY_THIS_MACHINE,
)
from .options_flow import HomeOptionsFlow
from .prices import price_errors
from .publishers import accepted, async_offered
from .radiator_flow import BoincFlow, ThisMachineFlow

PROBLEM_TO_ERROR = {
    EngineProblem.BACKEND_UNREACHABLE: "cannot_connect",
    EngineProblem.BACKEND_REFUSED: "invalid_auth",
    EngineProblem.BACKEND_FAULTY: "invalid_backend",
    EngineProblem.BACKEND_VERSION: "unknown_version",
}


class QheatConfigFlow(ConfigFlow, domain=DOMAIN):
    """Add a home."""

    def __init__(self) -> None:
        self._data: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self._offered: dict[str, tuple[str, ...]] = {}

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return {SUBENTRY_THIS_MACHINE: ThisMachineFlow, SUBENTRY_BOINC: BoincFlow}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        return HomeOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the home's name and where its jobs come from."""
        errors = forms.name_fault(user_input) if user_input else {}
        if user_input is not None and not errors:
            self._data = dict(user_input)
            if user_input[CONF_BACKEND] == BACKEND_OPERATOR:
                return await self.async_step_operator()
            # A flow that was left half-way, by a page loaded anew, stays until the next restart.
            await self.async_set_unique_id(BACKEND_EMBEDDED, raise_on_progress=False)
            self._abort_if_unique_id_configured()
            self._data[CONF_CURRENCY] = self.hass.config.currency
            return await self.async_step_money()
        known = user_input or {CONF_NAME: self.hass.config.location_name}
        return self._show_form("user", forms.HOME, known, errors)

    async def async_step_operator(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the operator's address and token, and try them."""
        errors = {}
        if user_input is not None:
            user_input |= {CONF_URL: _tidy(user_input[CONF_URL])}
            self._async_abort_entries_match({CONF_URL: user_input[CONF_URL]})
            errors = await self._try_backend(user_input)
            if not errors:
                self._data |= user_input
                self._offered = await async_offered(self.hass, self._data)
                return await (
                    self.async_step_publishers() if self._offered else self.async_step_money()
                )
        return self._show_form("operator", forms.OPERATOR, user_input, errors)

    async def async_step_publishers(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which of the backend's publishers may have their modules run; none unless chosen."""
        publishers, errors = accepted(user_input or {})
        if user_input is not None and not errors:
            self._options = {CONF_PUBLISHERS: publishers}
            return await self.async_step_money()
        schema, texts = forms.publishers(self._offered), forms.in_full(self._offered)
        return self._show_form("publishers", schema, user_input, errors, **texts)

    async def async_step_money(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the prices that savings are worked out from."""
        currency = self._data[CONF_CURRENCY]
        errors = price_errors(self.hass, user_input or {}, currency)
        if user_input is not None and not errors:
            # Another dialog may have added the same operator since it was tried.
            self._async_abort_entries_match({CONF_URL: self._data.get(CONF_URL)})
            name = self._data.pop(CONF_NAME)
            return self.async_create_entry(
                title=name, data=self._data, options=self._options | user_input
            )
        return self._show_form("money", forms.money(currency), user_input, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change the operator's address or token."""
        entry = self._get_reconfigure_entry()
        if entry.data[CONF_BACKEND] == BACKEND_EMBEDDED:
            return self.async_abort(reason="embedded")
        return await self._change_backend("reconfigure", forms.OPERATOR, entry, user_input)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start anew after the operator refused the token."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new token."""
        return await self._change_backend(
            "reauth_confirm", forms.TOKEN, self._get_reauth_entry(), user_input
        )

    async def _change_backend(
        self,
        step_id: str,
        schema: vol.Schema,
        entry: ConfigEntry,
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        errors = {}
        if user_input is not None:
            if CONF_URL in user_input:
                user_input |= {CONF_URL: _tidy(user_input[CONF_URL])}
                if user_input[CONF_URL] != entry.data[CONF_URL]:
                    self._async_abort_entries_match({CONF_URL: user_input[CONF_URL]})
            self._data = dict(entry.data)
            errors = await self._try_backend(self._data | user_input)
            if not errors and self._data[CONF_CURRENCY] != entry.data[CONF_CURRENCY]:
                errors = {"base": "other_currency"}
            if not errors:
                return self.async_update_and_abort(entry, data_updates=user_input)
        known = {CONF_URL: entry.data[CONF_URL]}
        return self._show_form(step_id, schema, user_input or known, errors)

    async def _try_backend(self, backend: Mapping[str, Any]) -> dict[str, str]:
        """Ask the backend for the account; its currency becomes the home's."""
        try:
            client = JobClient(
                async_get_clientsession(self.hass), backend[CONF_URL], backend[CONF_TOKEN]
            )
        except UnusableTokenError:
            return {CONF_TOKEN: "invalid_auth"}
        except ValueError:
            return {CONF_URL: "insecure_url"}
        try:
            account = await client.account()
        except EngineError as err:
            return {"base": PROBLEM_TO_ERROR[err.problem]}
        self._data[CONF_CURRENCY] = account.currency
        return {}

    def _show_form(
        self,
        step_id: str,
        schema: vol.Schema,
        values: Mapping[str, Any] | None,
        errors: dict[str, str],
        **texts: str,
    ) -> ConfigFlowResult:
        shown = {key: value for key, value in (values or {}).items() if key != CONF_TOKEN}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=texts,
        )


def _tidy(address: str) -> str:
    """Write the same address the same way, so that no backend is added twice."""
    try:
        return str(URL(address.strip())).rstrip("/")
    except ValueError:
        return address
