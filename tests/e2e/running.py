"""The demo home in a Home Assistant process that a test may kill and start again."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import psutil

from scripts.demo_home.api import Api
from scripts.demo_home.folder import HOST, password, prepare
from scripts.demo_home.furnish import furnish
from scripts.demo_home.plan import Plan
from scripts.demo_home.process import HassProcess, free_port

PATIENCE_S = 800


class RunningHome:
    """Home Assistant on a port of its own, signed in to, with the demo home set up."""

    api: Api
    plan: Plan

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self._hass = HassProcess(folder)

    @property
    def password(self) -> str:
        """The owner's password."""
        return password(self.folder)

    @property
    def processes(self) -> list[psutil.Process]:
        """All that Home Assistant has started and that still runs."""
        children: list[psutil.Process] = psutil.Process(self._hass.pid).children(recursive=True)
        return children

    async def start(self) -> None:
        """Start Home Assistant and wait until the home is set up."""
        prepare(self.folder, self._port, fresh=False)
        await self._hass.start()
        self.api = await Api(f"http://{HOST}:{self._port}").__aenter__()
        async with asyncio.timeout(PATIENCE_S):
            await self.api.wait_until_it_answers()
            await self.api.sign_in(self.password)
            await self.api.wait_until_it_runs()
            self.plan = await furnish(self.api)

    async def kill(self) -> None:
        """End Home Assistant as a power cut would."""
        await self._hass.kill()
        await self.api.__aexit__(None, None, None)

    async def stop(self) -> None:
        """End Home Assistant as its user would."""
        await self.api.__aexit__(None, None, None)
        await self._hass.stop()

    async def number(self, entity_id: str) -> float:
        """Return an entity's number; 0 while it has none."""
        state = (await self.api.state(entity_id))["state"]
        return 0.0 if state in {"unknown", "unavailable"} else float(state)

    def backend_rows(self, query: str) -> list[tuple[object, ...]]:
        """Read the embedded backend's database."""
        [database] = (self.folder / ".storage").glob("qheat.*.sqlite")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds; give up after a generous time."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.5)
