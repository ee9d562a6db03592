"""Which entity shows what, found in Home Assistant's registries."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .api import Api
from .errors import DemoError

LOADED_S: Final = 120.0
HOPELESS: Final = {"migration_error", "setup_error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiatorPlan:
    """A radiator and its entities, by what they show."""

    room: str
    entities: Mapping[str, str]

    @property
    def thermostat(self) -> str:
        """The radiator's climate entity."""
        return self.entities["thermostat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The home's own entities, by what they show, and its radiators."""

    entities: Mapping[str, str]
    radiators: tuple[RadiatorPlan, ...]


async def read_plan(api: Api, entry_id: str, rooms: list[str]) -> Plan:
    """Wait until the home is loaded with every room's radiator in it, then return the plan.

    It is loaded anew for each radiator: before that is over some of its entities are unknown.
    """
    async with asyncio.timeout(LOADED_S):
        while True:
            plan = await _registered(api, entry_id, rooms)
            live = await _all_live(api, plan.radiators)
            # In this order: loaded once the last radiator was there, it has all its entities.
            if await _is_loaded(api, entry_id) and live:
                return await _registered(api, entry_id, rooms)
            await asyncio.sleep(0.2)


async def _is_loaded(api: Api, entry_id: str) -> bool:
    for entry in await api.command("config_entries/get", domain="qheat"):
        if entry["state"] in HOPELESS:
            raise DemoError(f"qheat does not start: {entry['reason'] or entry['state']}")
        if entry["entry_id"] == entry_id:
            return bool(entry["state"] == "loaded")
    return False


async def _registered(api: Api, entry_id: str, rooms: list[str]) -> Plan:
    subentries = await api.command("config_entries/subentries/list", entry_id=entry_id)
    ids = {subentry["title"]: subentry["subentry_id"] for subentry in subentries}
    registry = [
        entity
        for entity in await api.command("config/entity_registry/list")
        if entity["config_entry_id"] == entry_id and entity["disabled_by"] is None
    ]
    return Plan(
        entities=_of(entry_id, registry),
        radiators=tuple(
            RadiatorPlan(room=room, entities=_of(ids[room], registry)) for room in rooms
        ),
    )


def _of(owner_id: str, registry: list[dict[str, Any]]) -> dict[str, str]:
    prefix = f"{owner_id}_"
    return {
        entity["unique_id"].removeprefix(prefix): entity["entity_id"]
        for entity in registry
        if entity["unique_id"].startswith(prefix)
    }


async def _all_live(api: Api, radiators: tuple[RadiatorPlan, ...]) -> bool:
    """Say whether each radiator has a thermostat that is not about to be reloaded."""
    live = {
        state["entity_id"]
        for state in await api.get("/api/states")
        if state["state"] != "unavailable"
    }
    return all(radiator.entities.get("thermostat") in live for radiator in radiators)
