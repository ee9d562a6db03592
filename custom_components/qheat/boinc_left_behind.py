"""Machines that are no radiators any more and still have our settings: a repair for each.

What a user had set is in a file of its own before the books forget it. Of that, a repair tells no
more than the radiator's name: Home Assistant adds repairs to the diagnostics that people publish.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.singleton import singleton

from .compute.boinc import Originals
from .const import CONF_MACHINE, DOMAIN
from .shelf import CheckedStore, Kept, mapping

NOT_PUT_BACK: Final = "not_put_back"
CONF_RADIATOR: Final = "radiator"
_VERSION: Final = 1
_KEYS: Final = (CONF_RADIATOR, CONF_HOST, CONF_PORT, CONF_MACHINE)

type Left = dict[str, Any]
"""All that is needed to try again, but for the password: neither issues nor books hold one."""


async def async_tell_of_left_behind(hass: HomeAssistant) -> None:
    """Raise all repairs, also those that a kill kept from the issue registry's own file."""
    _, by_repair = await _async_file(hass)
    for issue_id, left in by_repair.items():
        _tell(hass, issue_id, left)


async def async_leave_behind(hass: HomeAssistant, left: Left) -> bool:
    """Write down what a machine is to get back, and raise its repair; tell if it is on disk."""
    store, by_repair = await _async_file(hass)
    by_repair[repair_of(left)] = left
    is_written = await store.async_write(by_repair)
    _tell(hass, repair_of(left), left)
    # At its end Home Assistant writes its files later, and in any order.
    return is_written and not hass.is_stopping


async def async_write_again(hass: HomeAssistant) -> None:
    """Write down what machines are to get back, if the disk did not take it before."""
    store, by_repair = await _async_file(hass)
    if not store.is_written:
        await store.async_save(by_repair)


async def async_left_behind(hass: HomeAssistant) -> Mapping[str, Left]:
    """Return all that machines are still to get back, by repair."""
    _, by_repair = await _async_file(hass)
    return by_repair


async def async_settle(hass: HomeAssistant, machine: Mapping[str, Any]) -> None:
    """Forget what a machine is to get back: it has it, or its radiator keeps it."""
    store, by_repair = await _async_file(hass)
    if by_repair.pop(repair_of(machine), None) is not None:
        ir.async_delete_issue(hass, DOMAIN, repair_of(machine))
        await store.async_save(by_repair)


def owed(by_repair: Mapping[str, Left], machine: Mapping[str, Any]) -> Originals | None:
    """Return the settings that a machine is still to get back from a radiator that it was."""
    return originals_of(by_repair.get(repair_of(machine), {}))


def left_of(kept: Kept) -> Left | None:
    """Return what the books keep for a machine to get back; None if there is nothing."""
    originals = Originals.owed(mapping(kept, "engine"))
    if originals is None or not kept.keys() >= set(_KEYS):
        return None
    return {**{key: kept[key] for key in _KEYS}, "originals": json.dumps(originals.saved())}


def originals_of(left: Mapping[str, Any]) -> Originals | None:
    """Return the settings that a repair keeps for its machine, None if they make no sense."""
    try:
        return Originals.from_saved(json.loads(left["originals"]))
    except KeyError, TypeError, ValueError:
        return None


def repair_of(machine: Mapping[str, Any]) -> str:
    """Return the id of a machine's repair."""
    return f"{NOT_PUT_BACK}_{sha256(str(machine[CONF_MACHINE]).encode()).hexdigest()[:16]}"


@singleton(f"{DOMAIN}_left_behind")
async def _async_file(hass: HomeAssistant) -> tuple[CheckedStore, dict[str, Left]]:
    """Return the file, and what it holds by repair."""
    store = CheckedStore(hass, _VERSION, f"{DOMAIN}.left_behind", private=True, atomic_writes=True)
    saved = await store.async_load()
    by_repair: dict[str, Left] = {}
    for key in saved if isinstance(saved, dict) else ():
        left = dict(mapping(saved, key))
        # Nobody is to freeze for want of what makes no sense.
        if left.keys() >= set(_KEYS) and originals_of(left):
            by_repair[repair_of(left)] = left
    return store, by_repair


def _tell(hass: HomeAssistant, issue_id: str, left: Left) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=True,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=NOT_PUT_BACK,
        translation_placeholders={"radiator": left[CONF_RADIATOR]},
    )
