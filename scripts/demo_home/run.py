"""One run of the demo, from the start of Home Assistant until nothing of it is left."""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import ClientError

from .api import Api
from .errors import DemoError
from .folder import HOST, password, prepare
from .furnish import ENGLISH, furnish
from .plan import Plan
from .process import HassProcess, adopt_orphans, end_orphans, free_port

START_TIMEOUT_S: Final = 300
FURNISHED: Final = "furnished"
"""A file that says that a run has set up the whole home."""
NOTHING: Final = Plan(entities={}, radiators=())
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

type Visit = Callable[[Api, Plan], Awaitable[None]]
type VisitApart = Callable[[Path, Api, Plan], Awaitable[None]]


def say(text: str) -> None:
    """Tell the person at the terminal how far the demo is."""
    print(f"demo: {text}", flush=True)


async def run(
    folder: Path, port: int, visit: Visit, *, fresh: bool = False, language: str = ENGLISH
) -> None:
    """Start Home Assistant, set it up, do `visit`, stop; a signal cuts the visit short.

    What an earlier run has set up is left alone, and the plan is empty.
    Raises DemoError if something fails or a process is left, CancelledError after a signal.
    """
    prepare(folder, port, fresh=fresh)
    hass = HassProcess(folder)
    _obey_signals()
    try:
        await hass.start()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(hass.run())
            await _set_up(f"http://{HOST}:{port}", folder, visit, language)
            watch.cancel()
    except* (DemoError, ClientError) as errors:
        reason = min(errors.exceptions, key=lambda err: not isinstance(err, DemoError))
        raise DemoError(f"{reason}\nHome Assistant's last words:\n{hass.log_tail()}") from errors
    finally:
        say("stopping")
        await asyncio.shield(_stop(hass))


def run_apart(visit: VisitApart, *, language: str = ENGLISH) -> bool:
    """Run the demo in a folder of its own for `visit`, and tell whether that came to its end."""
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="qheat-demo-") as name:
        folder = Path(name)
        try:
            asyncio.run(run(folder, free_port(), partial(visit, folder), language=language))
        except DemoError as err:
            print(f"demo: {err}", file=sys.stderr)
            return False
        except asyncio.CancelledError:
            say("interrupted")
            return False
    return True


async def _stop(hass: HassProcess) -> None:
    await hass.stop()
    if stubborn := await end_orphans():
        raise DemoError(f"these processes had to be killed: {', '.join(stubborn)}")


async def _set_up(url: str, folder: Path, visit: Visit, language: str) -> None:
    started_s = time.monotonic()
    say("starting Home Assistant")
    async with Api(url) as api:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await api.wait_until_it_answers()
                plan = NOTHING
                # Later it is its user's, who may have changed anything, the password too.
                if not (furnished := folder / FURNISHED).exists():
                    await api.sign_in(password(folder))
                    await api.wait_until_it_runs()
                    say("setting up the home")
                    plan = await furnish(api, language)
                    furnished.touch()
        except TimeoutError as err:
            raise DemoError(f"Home Assistant is not ready after {START_TIMEOUT_S} s") from err
        say(f"ready after {time.monotonic() - started_s:.0f} s")
        await visit(api, plan)


def _obey_signals() -> None:
    """End this task in order at the first signal; further ones change nothing."""
    task = asyncio.current_task()
    assert task is not None
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(
            number, lambda: task.cancelling() or task.cancel()
        )
