"""Actions of the qheat integration: statements, the energy dashboard and BOINC machines."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

import voluptuous as vol
from homeassistant.const import ATTR_CONFIG_ENTRY_ID, ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import (
    async_get_config_entry,
    async_get_device_and_config_entry,
    async_register_admin_service,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError, write_utf8_file_atomic

from .boinc_machines import BoincMachines
from .compute.boinc import BoincEngine, BoincError, is_account_key, project_url
from .const import BACKEND_EMBEDDED, CONF_BACKEND, DOMAIN
from .coordinator import QheatConfigEntry
from .energy_dashboard import (
    async_add_to_energy_dashboard,
    async_remove_from_energy_dashboard,
)
from .ledger import LedgerError, Statement, make_statement, statement_page
from .this_machine import database_of

EXPORT_STATEMENT: Final = "export_statement"
ATTR_FIRST: Final = "first_day"
ATTR_LAST: Final = "last_day"
ATTR_FORMAT: Final = "format"
ATTR_PATH: Final = "path"
ATTR_PROJECT_URL: Final = "project_url"
ATTR_ACCOUNT_KEY: Final = "account_key"


class StatementFormat(StrEnum):
    """How a statement is written; also the ending of its file."""

    CSV = "csv"
    JSON = "json"
    HTML = "html"


ENERGY_ACTIONS: Final = {
    "add_to_energy_dashboard": async_add_to_energy_dashboard,
    "remove_from_energy_dashboard": async_remove_from_energy_dashboard,
}

HOME_SCHEMA: Final = vol.Schema({vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})

EXPORT_SCHEMA: Final = HOME_SCHEMA.extend(
    {
        vol.Optional(ATTR_FIRST): cv.date,
        vol.Optional(ATTR_LAST): cv.date,
        vol.Required(ATTR_FORMAT): vol.Coerce(StatementFormat),
        vol.Optional(ATTR_PATH): cv.string,
    }
)

PROJECT_SCHEMA: Final = vol.Schema(
    {vol.Required(ATTR_DEVICE_ID): cv.string, vol.Required(ATTR_PROJECT_URL): cv.string}
)
ATTACH_SCHEMA: Final = PROJECT_SCHEMA.extend({vol.Required(ATTR_ACCOUNT_KEY): cv.string})

type Act = Callable[[BoincEngine, str, ServiceCall], Coroutine[Any, Any, None]]


async def _attach(engine: BoincEngine, url: str, call: ServiceCall) -> None:
    account_key = call.data[ATTR_ACCOUNT_KEY].strip()
    if not is_account_key(account_key):
        raise _misuse("no_account_key")
    await engine.attach(url, account_key)


BOINC_ACTIONS: Final[dict[str, tuple[vol.Schema, Act]]] = {
    "attach_project": (ATTACH_SCHEMA, _attach),
    "detach_project": (PROJECT_SCHEMA, lambda engine, url, _: engine.detach(url)),
    "update_project": (PROJECT_SCHEMA, lambda engine, url, _: engine.update(url)),
}


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register all actions, once for all homes."""
    hass.services.async_register(
        DOMAIN,
        EXPORT_STATEMENT,
        _export_statement,
        EXPORT_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    for name, action in ENERGY_ACTIONS.items():
        async_register_admin_service(hass, DOMAIN, name, action, HOME_SCHEMA)
    # A project runs any program of its own on the machine.
    for name, (schema, act) in BOINC_ACTIONS.items():
        async_register_admin_service(hass, DOMAIN, name, partial(_act_on_machine, act), schema)


async def _export_statement(call: ServiceCall) -> ServiceResponse:
    """Answer with a statement, write it to a file, or both."""
    hass, path = call.hass, call.data.get(ATTR_PATH)
    if path is None and not call.return_response:
        raise _misuse("statement_nowhere")
    if path is not None:
        await _check_may_write(call)
    entry: QheatConfigEntry = async_get_config_entry(
        hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID)
    )
    first, last = _span(call)
    books = entry.runtime_data.books
    archive = books.archive
    await archive.async_absorb()
    kind: StatementFormat = call.data[ATTR_FORMAT]
    make = partial(
        make_statement,
        archive.history.copy(),
        first=first,
        last=last,
        home=entry.title,
        names=books.names,
        foreign=books.foreign.all(),
        time_zone=dt_util.get_default_time_zone(),
        # This computer may be no radiator any more, and yet be in the statement.
        play_money=entry.data[CONF_BACKEND] == BACKEND_EMBEDDED
        and await asyncio.to_thread(database_of(hass, entry).exists),
    )
    try:
        # A building's takes seconds, and all who may ask for one may ask for years.
        text, sha256 = await asyncio.to_thread(_made, make, kind, hass.config.language)
    except LedgerError as err:
        raise _misuse("statement_backwards") from err
    answer: dict[str, Any] = {
        ATTR_FIRST: first.isoformat(),
        ATTR_LAST: last.isoformat(),
        "sha256": sha256,
        "statement": text,
    }
    if path is not None:
        answer[ATTR_PATH] = await asyncio.to_thread(_write, hass, path, kind, text)
    return answer if call.return_response else None


async def _check_may_write(call: ServiceCall) -> None:
    """Let files be written by administrators, and by automations, which have no user."""
    if call.context.user_id is not None:
        user = await call.hass.auth.async_get_user(call.context.user_id)
        if user is None or not user.is_admin:
            raise Unauthorized(context=call.context)


def _span(call: ServiceCall) -> tuple[date, date]:
    """Return the first and last day asked for, or those of last month."""
    first, last = call.data.get(ATTR_FIRST), call.data.get(ATTR_LAST)
    if first and last:
        return first, last
    if first or last:
        raise _misuse("statement_half_span")
    last = dt_util.now().date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _made(make: Callable[[], Statement], kind: StatementFormat, language: str) -> tuple[str, str]:
    """Return a statement's text, and the hash that goes with it."""
    statement = make()
    if kind is StatementFormat.CSV:
        return statement.csv(), statement.csv_sha256
    if kind is StatementFormat.JSON:
        return statement.json(), statement.sha256
    return statement_page(statement, language), statement.sha256


def _write(hass: HomeAssistant, path: str, kind: StatementFormat, text: str) -> str:
    """Write a statement whole or not at all, where Home Assistant may write; return the path."""
    target = Path(hass.config.path(path))
    if target.suffix != f".{kind}":
        raise _misuse("path_ending", ending=f".{kind}")
    try:
        if not hass.config.is_allowed_path(str(target)):
            folders = ", ".join(sorted(hass.config.allowlist_external_dirs))
            raise _misuse("path_not_allowed", path=path, folders=folders)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_utf8_file_atomic(str(target), text.encode(), mode="wb")
    except (OSError, ValueError, WriteError) as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="statement_not_written",
            translation_placeholders={"path": path, "detail": str(err)},
        ) from err
    return str(target)


async def _act_on_machine(act: Act, call: ServiceCall) -> None:
    """Do it to one machine."""
    engine = _engine(call.hass, call.data[ATTR_DEVICE_ID])
    try:
        url = project_url(call.data[ATTR_PROJECT_URL])
    except BoincError as err:
        raise _misuse("no_project_url") from err
    try:
        await act(engine, url, call)
    except BoincError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"action_{err.fault}",
            translation_placeholders={"detail": str(err)},
        ) from err


def _engine(hass: HomeAssistant, device_id: str) -> BoincEngine:
    device, entry = async_get_device_and_config_entry(hass, DOMAIN, device_id)
    boinc: BoincMachines = entry.runtime_data.boinc
    radiator_id = device.config_subentry_id
    if radiator_id is None or radiator_id not in boinc:
        raise _misuse("no_boinc_machine")
    return boinc.engine(radiator_id)


def _misuse(translation_key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )
