"""Repair issues of a home: raised after a tick that finds something to see to, and withdrawn after.

What somebody has ignored stays ignored over a reload.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .coordinator import HomeCoordinator

REMEMBERED_S: Final = 86_400.0
"""What comes again later was gone meanwhile, and may be another matter."""
_IGNORED: Final = HassKey[dict[str, float]](f"{DOMAIN}_ignored")
"""Issues that were ignored when their home was unloaded, and when that was by the loop's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """How something is told that a person has to see to."""

    key: str
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING
    fixable: bool = False
    after_s: float = 0.0
    """For so long it may last before it is told."""


type Found = Iterable[tuple[Issue, str, dict[str, str]]]
"""Issues, each with what it is about, which ends its id, and the placeholders of its text."""


def watch_issues(
    home: HomeCoordinator, find: Callable[[HomeCoordinator], Found]
) -> Callable[[], None]:
    """Raise, renew and withdraw issues after each tick; return what ends that and withdraws all."""
    hass = home.hass
    registry = ir.async_get(hass)
    since_s: dict[str, float] = {}

    @callback
    def look() -> None:
        now_s = monotonic()
        found = {
            f"{issue.key}_{about}": (issue, about, texts) for issue, about, texts in find(home)
        }
        for issue_id in since_s.keys() - found.keys():
            del since_s[issue_id]
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        for issue_id, (issue, about, texts) in found.items():
            if now_s - since_s.setdefault(issue_id, now_s) < issue.after_s:
                continue
            told = registry.async_get_issue(DOMAIN, issue_id)
            # To raise one anew takes seven times as long, and a building may have hundreds.
            if told and told.active and told.translation_placeholders == texts:
                continue
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id,
                data={"entry_id": home.config_entry.entry_id, "about": about},
                is_fixable=issue.fixable,
                severity=issue.severity,
                translation_key=issue.key,
                translation_placeholders=texts,
            )
            ignored_s = hass.data.get(_IGNORED, {}).pop(issue_id, -math.inf)
            if hass.loop.time() - ignored_s <= REMEMBERED_S:
                ir.async_ignore_issue(hass, DOMAIN, issue_id, True)

    unlisten = home.async_add_listener(look)

    def end() -> None:
        unlisten()
        # Over a restart Home Assistant itself knows what was ignored.
        if hass.is_stopping:
            return
        for issue_id in since_s:
            issue = registry.async_get_issue(DOMAIN, issue_id)
            if issue is not None and issue.dismissed_version is not None:
                hass.data.setdefault(_IGNORED, {})[issue_id] = hass.loop.time()
            ir.async_delete_issue(hass, DOMAIN, issue_id)

    return end
