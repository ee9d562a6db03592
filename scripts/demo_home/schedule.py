"""Show in a browser whether a radiator is warm in time by its schedule; needs a quiet machine."""

import argparse
import asyncio
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from .api import Api
from .browser import signed_in_page
from .errors import DemoError
from .folder import password
from .furnish import REGION, ROOM_SPEED, ROOMS
from .plan import Plan, RadiatorPlan
from .run import run_apart, say

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A minute here is an hour in the simulated rooms: a night, and most of a day.
NIGHT: Final = timedelta(minutes=7)
DAY: Final = timedelta(minutes=3)
EVENING: Final = timedelta(minutes=1)
WARM_C: Final = 19.7
# So few watts that hours of the room's clock are needed: a job takes minutes of it to begin.
RATED_W: Final = 1200


async def follow(picture: Path, folder: Path, api: Api, plan: Plan) -> None:
    """Give the living room a block of a schedule; say how warm it was when the block began."""
    [living_room, *others] = plan.radiators
    for radiator in others:
        await api.act("climate", "turn_off", entity_id=radiator.thermostat)
    now = datetime.now(ZoneInfo(str(REGION["time_zone"]))).replace(microsecond=0)
    begin = now + NIGHT
    await _give_schedule(api, begin, begin + DAY)
    while (await _thermostat(api, living_room)).get("preset_mode") != "schedule":
        await asyncio.sleep(1)
    say(f"the block begins at {begin:%H:%M:%S}, after {NIGHT.seconds * ROOM_SPEED / 3600:g} hours")
    while datetime.now(begin.tzinfo) < begin:
        await asyncio.sleep(1)
    before = await _thermostat(api, living_room)
    await asyncio.sleep((DAY + EVENING).total_seconds())
    async with signed_in_page(api.url, password(folder), size=(1440, 1640)) as page:
        await asyncio.sleep(5)
        await page.locator("hui-history-graph-card").first.screenshot(path=picture)
    warm_c = before["current_temperature"]
    say(f"{warm_c} °C when the block of 20 °C began; the picture is {picture}")
    if warm_c < WARM_C:
        raise DemoError("the room was not warm in time: did other programs need the processor?")


async def _thermostat(api: Api, radiator: RadiatorPlan) -> dict[str, Any]:
    attributes: dict[str, Any] = (await api.state(radiator.thermostat))["attributes"]
    return attributes


async def _give_schedule(api: Api, begin: datetime, end: datetime) -> None:
    until = f"{end:%H:%M:%S}" if end.date() == begin.date() else "24:00:00"
    block = {"from": f"{begin:%H:%M:%S}", "to": until}
    await api.command("schedule/create", name="Living room", **{day: [block] for day in DAYS})
    [entry] = await api.command("config_entries/get", domain="qheat")
    radiators = await api.command("config_entries/subentries/list", entry_id=entry["entry_id"])
    room = ROOMS[0]
    [radiator] = [one for one in radiators if one["title"] == room.area]
    await api.walk(
        "subentries/flow",
        [entry["entry_id"], "this_machine"],
        {
            "reconfigure": {
                "name": room.area,
                "rated_w": RATED_W,
                "idle_w": room.idle_w,
                "room": "simulated",
                "schedule_entity": "schedule.living_room",
            },
            "simulated": {"floor_area_m2": room.floor_area_m2, "speed": ROOM_SPEED},
        },
        subentry_id=radiator["subentry_id"],
    )


def main() -> int:
    """Run the demo in a folder of its own and photograph a schedule; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/screenshot-schedule", description=__doc__)
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    arguments = parser.parse_args()
    return 0 if run_apart(partial(follow, arguments.picture)) else 1


if __name__ == "__main__":
    sys.exit(main())
