"""Take the picture of the dashboard that the README shows."""

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path

from .api import Api
from .browser import signed_in_page
from .folder import REPOSITORY, password
from .plan import Plan
from .run import run_apart, say
from .smoke import NO_VALUE

SETTLE_S = 10


async def photograph(minutes: float, picture: Path, folder: Path, api: Api, plan: Plan) -> None:
    """Let the home heat for a while; take its picture when there is something to see."""
    say(f"heating for {minutes:g} minutes, and until no other program needs the processor")
    await asyncio.sleep(minutes * 60)
    async with signed_in_page(api.url, password(folder), size=(1440, 1640), scale=1.5) as page:
        await asyncio.sleep(SETTLE_S)
        while not await _worth_a_picture(api, plan):
            await asyncio.sleep(1)
        await page.screenshot(path=picture)
    say(f"the picture is {picture}")


async def _worth_a_picture(api: Api, plan: Plan) -> bool:
    """Say whether the living room heats with a job, money has come in, and a picture is there."""
    living_room = plan.radiators[0].entities
    shown = [plan.entities["earnings"], plan.entities["picture"], living_room["jobs_running"]]
    states = {entity_id: (await api.state(entity_id))["state"] for entity_id in shown}
    if NO_VALUE & set(states.values()):
        return False
    status = (await api.state(living_room["status"]))["state"]
    return (
        status == "heating"
        and float(states[plan.entities["earnings"]]) > 0
        and float(states[living_room["jobs_running"]]) > 0
    )


def main() -> int:
    """Run the demo in a folder of its own and photograph it; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/screenshot", description=__doc__)
    parser.add_argument("--minutes", type=float, default=12, help="default: %(default)s")
    parser.add_argument("picture", nargs="?", default=REPOSITORY / "docs/images/dashboard.png")
    arguments = parser.parse_args()
    return 0 if run_apart(partial(photograph, arguments.minutes, arguments.picture)) else 1


if __name__ == "__main__":
    sys.exit(main())
