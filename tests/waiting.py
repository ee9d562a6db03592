"""Waiting for something to become true, on a machine however slow."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], deadline_s: float = 60.0) -> None:
    """Return once `condition` holds; raises TimeoutError."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.05)  # other processes set no events
