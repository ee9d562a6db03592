"""Set up the demo home through Home Assistant's API; what is there already is left alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .api import Api
from .dashboard import hang_up, hangs
from .plan import Plan, read_plan

ROOM_SPEED: Final = 60
ENGLISH: Final = "en"
HOMES: Final = {ENGLISH: "Demo home", "fr": "Maison de démonstration"}
FRENCH: Final = {"Living room": "Salon", "Bedroom": "Chambre", "Office": "Bureau"}
REGION: Final = {
    "country": "FR",
    "currency": "EUR",
    "latitude": 48.8566,
    "longitude": 2.3522,
    "time_zone": "Europe/Paris",
    "unit_system": "metric",
}


@dataclass(frozen=True, slots=True)
class DemoRoom:
    """A room of the demo home and the radiator in it."""

    area: str
    icon: str
    rated_w: int
    idle_w: int
    floor_area_m2: int
    setpoint_c: float


# On a machine with two cores one slot heats all three: a third of it still warms each room.
ROOMS: Final = (
    DemoRoom("Living room", "mdi:sofa", rated_w=2000, idle_w=20, floor_area_m2=20, setpoint_c=20),
    DemoRoom("Bedroom", "mdi:bed", rated_w=1000, idle_w=0, floor_area_m2=12, setpoint_c=17),
    DemoRoom("Office", "mdi:desk", rated_w=1000, idle_w=0, floor_area_m2=10, setpoint_c=20),
)


def rooms_in(language: str) -> tuple[DemoRoom, ...]:
    """Return the rooms under the names that they have in a language."""
    if language == ENGLISH:
        return ROOMS
    return tuple(replace(room, area=FRENCH[room.area]) for room in ROOMS)


async def furnish(api: Api, language: str = ENGLISH) -> Plan:
    """Give Home Assistant its areas, the qheat home, its radiators and the dashboard."""
    rooms, title = rooms_in(language), HOMES[language]
    await api.command("config/core/update", location_name=title, language=language, **REGION)
    areas = await _areas(api, rooms)
    entry_id = await _home(api, title)
    names = [room.area for room in rooms]
    for count, room in enumerate(rooms, 1):
        await _radiator(api, entry_id, room, areas[room.area.casefold()])
        # Before the next: each has the home loaded anew, and one such would hide another to come.
        plan = await read_plan(api, entry_id, names[:count])
    if not await hangs(api):
        for room, radiator in zip(rooms, plan.radiators, strict=True):
            await api.act(
                "climate",
                "set_temperature",
                entity_id=radiator.thermostat,
                temperature=room.setpoint_c,
                hvac_mode="heat",
            )
        await hang_up(api, plan)
    return plan


async def _areas(api: Api, rooms: Sequence[DemoRoom]) -> dict[str, str]:
    known = {
        area["name"].casefold(): area["area_id"]
        for area in await api.command("config/area_registry/list")
    }
    for room in rooms:
        if room.area.casefold() not in known:
            area = await api.command("config/area_registry/create", name=room.area, icon=room.icon)
            known[room.area.casefold()] = area["area_id"]
    return known


async def _home(api: Api, title: str) -> str:
    for entry in await api.command("config_entries/get", domain="qheat"):
        return str(entry["entry_id"])
    answers: dict[str, dict[str, Any]] = {
        "user": {"name": title, "backend": "embedded"},
        "money": {},
    }
    return str((await api.walk("flow", "qheat", answers))["entry_id"])


async def _radiator(api: Api, entry_id: str, room: DemoRoom, area_id: str) -> None:
    known = await api.command("config_entries/subentries/list", entry_id=entry_id)
    if room.area in {subentry["title"] for subentry in known}:
        return
    await api.walk(
        "subentries/flow",
        [entry_id, "this_machine"],
        {
            "user": {
                "name": room.area,
                "area": area_id,
                "rated_w": room.rated_w,
                "idle_w": room.idle_w,
                "room": "simulated",
            },
            "simulated": {"floor_area_m2": room.floor_area_m2, "speed": ROOM_SPEED},
        },
    )
