"""The demo's command line."""

import argparse
import asyncio
import sys
from pathlib import Path

from .api import OWNER, Api
from .errors import DemoError
from .folder import FOLDER, password
from .plan import Plan
from .process import adopt_orphans, check_folder, check_port
from .run import run, run_apart, say
from .smoke import see_it_heat

READY = """
Home Assistant with qheat is ready:

    {url}
    name      {name}
    password  {password}

Ctrl-C stops everything. The next start goes on where this one ends; --fresh starts anew.
"""


def main() -> int:
    """Run the demo; return its exit status."""
    arguments = _arguments()
    if arguments.smoke:
        return _smoke()
    adopt_orphans()
    try:
        return _stay(arguments.port, fresh=arguments.fresh)
    except DemoError as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1


def _smoke() -> int:
    async def heat(_: Path, api: Api, plan: Plan) -> None:
        await see_it_heat(api, plan)

    if not run_apart(heat):
        return 1
    say("stopped, no process is left; the smoke test has passed")
    return 0


def _stay(port: int, *, fresh: bool) -> int:
    check_folder(FOLDER)
    check_port(port)

    async def show(api: Api, plan: Plan) -> None:
        print(READY.format(url=api.url, name=OWNER, password=password(FOLDER)), flush=True)
        await asyncio.Event().wait()

    try:
        asyncio.run(run(FOLDER, port, show, fresh=fresh))
    except asyncio.CancelledError:
        say("stopped, no process is left")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Run a real Home Assistant with qheat in it, reachable from this machine only.",
    )
    parser.add_argument("--fresh", action="store_true", help="forget the last run and start anew")
    parser.add_argument("--port", type=int, default=8123, help="default: %(default)s")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="heat by itself in a folder of its own until a job is settled, then stop",
    )
    return parser.parse_args()


sys.exit(main())
