"""This machine's slots and what they draw: one pool, however many homes are set up on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.singleton import singleton

from .compute.computer import ComputerPower
from .compute.cores import usable_cores
from .compute.machine import Machine
from .compute.rapl import Rapl
from .const import DOMAIN

# One core is left to Home Assistant and to whatever else the machine is for.
SLOTS: Final = max(1, usable_cores() - 1)


class _Share:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.machine = Machine(SLOTS)
        self.computer = ComputerPower(Rapl())
        self.homes = 0
        self.watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if self.homes == 0:
            await self.machine.start()
            self.watch = asyncio.create_task(self.computer.watch_rapl(), name="qheat rapl")
        self.homes += 1

    async def close(self) -> None:
        self.homes -= 1
        if self.homes == 0 and self.watch is not None:
            self.watch.cancel()
            await asyncio.wait([self.watch])
            await self.machine.stop()


@asynccontextmanager
async def async_shared_machine(hass: HomeAssistant) -> AsyncIterator[Machine]:
    """Lend the machine; the first home starts it, the last one stops it.

    Raises EngineError where no jobs can run on this machine.
    """
    share = _share(hass)
    async with share.lock:
        await share.open()
    try:
        yield share.machine
    finally:
        async with share.lock:
            await share.close()


def computer_power(hass: HomeAssistant) -> ComputerPower:
    """Return what this computer draws and who shares it."""
    return _share(hass).computer


@singleton(f"{DOMAIN}_machine")
def _share(hass: HomeAssistant) -> _Share:
    return _Share()
