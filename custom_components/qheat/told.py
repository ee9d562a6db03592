"""Raise and withdraw repair issues; what somebody has ignored stays ignored over a reload."""

import math
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

REMEMBERED_S: Final = 86_400.0
"""What comes again later was gone meanwhile, and may be another matter."""
_IGNORED: Final = HassKey[dict[str, float]](f"{DOMAIN}_ignored")
"""Issues that were ignored when their home was unloaded, and when that was by the loop's clock."""


@callback
def async_tell(hass: HomeAssistant, issue_id: str, **about: Any) -> None:
    """Raise an issue, or renew it."""
    ir.async_create_issue(hass, DOMAIN, issue_id, **about)
    ignored_s = hass.data.get(_IGNORED, {}).pop(issue_id, -math.inf)
    if hass.loop.time() - ignored_s <= REMEMBERED_S:
        ir.async_ignore_issue(hass, DOMAIN, issue_id, True)


@callback
def async_withdraw(hass: HomeAssistant, issue_id: str) -> None:
    """Withdraw an issue: there is nothing to tell any more."""
    ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_put_off(hass: HomeAssistant, issue_id: str) -> None:
    """Withdraw an issue of a home that is unloaded, and may be loaded again in a moment."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    if issue is not None and issue.dismissed_version is not None:
        hass.data.setdefault(_IGNORED, {})[issue_id] = hass.loop.time()
    async_withdraw(hass, issue_id)
