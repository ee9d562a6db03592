"""Repair issues about schedules that are gone: the room keeps its last setpoint, day and night."""

import time
from collections.abc import Callable
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONF_SCHEDULE_ENTITY
from .coordinator import HomeCoordinator
from .told import async_put_off, async_tell, async_withdraw

SCHEDULE_GONE: Final = "schedule_gone"
GONE_AFTER_S: Final = 300.0
"""Home Assistant may take so long to start a helper, or to load it anew."""


def watch_schedules(hass: HomeAssistant, coordinator: HomeCoordinator) -> Callable[[], None]:
    """Raise and withdraw issues after each tick; return what ends that and withdraws all."""
    entry = coordinator.config_entry
    gone_s: dict[str, float] = {}

    @callback
    def look() -> None:
        now_s = time.monotonic()
        for radiator_id, one in coordinator.radiators.items():
            schedule = one.radiator.schedule
            if schedule is None or schedule.changes() is not None:
                if gone_s.pop(radiator_id, None) is not None:
                    async_withdraw(hass, f"{SCHEDULE_GONE}_{radiator_id}")
            elif now_s - gone_s.setdefault(radiator_id, now_s) >= GONE_AFTER_S:
                if (subentry := entry.subentries.get(radiator_id)) is None:
                    continue  # It was just removed.
                async_tell(
                    hass,
                    f"{SCHEDULE_GONE}_{radiator_id}",
                    is_fixable=False,
                    severity=ir.IssueSeverity.WARNING,
                    translation_key=SCHEDULE_GONE,
                    translation_placeholders={
                        "radiator": subentry.title,
                        "schedule": subentry.data[CONF_SCHEDULE_ENTITY],
                    },
                )

    unlisten = coordinator.async_add_listener(look)

    def end() -> None:
        unlisten()
        for radiator_id in gone_s:
            async_put_off(hass, f"{SCHEDULE_GONE}_{radiator_id}")

    return end
