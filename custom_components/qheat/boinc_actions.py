"""Actions on BOINC machines: attach them to projects, detach them, have them ask for work."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.service import async_get_config_entry, async_register_admin_service

from .compute.boinc import BoincEngine, BoincError, is_account_key, project_url
from .const import DOMAIN
from .coordinator import QheatConfigEntry

ATTR_PROJECT_URL: Final = "project_url"
ATTR_ACCOUNT_KEY: Final = "account_key"

_PROJECT: Final[dict[Any, Any]] = {
    vol.Required(ATTR_DEVICE_ID): cv.string,
    vol.Required(ATTR_PROJECT_URL): cv.string,
}
_WITH_KEY: Final = {**_PROJECT, vol.Required(ATTR_ACCOUNT_KEY): cv.string}

type Act = Callable[[BoincEngine, str, ServiceCall], Coroutine[Any, Any, None]]


async def _attach(engine: BoincEngine, url: str, call: ServiceCall) -> None:
    account_key = call.data[ATTR_ACCOUNT_KEY].strip()
    if not is_account_key(account_key):
        raise _misuse("no_account_key")
    await engine.attach(url, account_key)


ACTIONS: Final[dict[str, tuple[dict[Any, Any], Act]]] = {
    "attach_project": (_WITH_KEY, _attach),
    "detach_project": (_PROJECT, lambda engine, url, _: engine.detach(url)),
    "update_project": (_PROJECT, lambda engine, url, _: engine.update(url)),
}


def async_register_boinc_actions(hass: HomeAssistant) -> None:
    """Register the actions, also while no home is loaded.

    For administrators and automations: a project runs any program of its own on the machine.
    """
    for name, (schema, act) in ACTIONS.items():
        async_register_admin_service(
            hass, DOMAIN, name, partial(_async_act, act), vol.Schema(schema)
        )


async def _async_act(act: Act, call: ServiceCall) -> None:
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
    device = dr.async_get(hass).async_get(device_id)
    ids = {key for domain, key in device.identifiers if domain == DOMAIN} if device else set()
    if device is None or not ids:
        raise _misuse("no_boinc_machine")
    entry: QheatConfigEntry = async_get_config_entry(hass, DOMAIN, device.config_entry_id)
    boinc = entry.runtime_data.boinc
    for radiator_id in ids.intersection(boinc):
        return boinc.engine(radiator_id)
    raise _misuse("no_boinc_machine")


def _misuse(translation_key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=translation_key)
