"""Calls that come together, answered together: a building asks at once for one and the same."""

import asyncio
from collections.abc import Awaitable, Callable


class Coalesced:
    """Runs `do` when called, one run at a time; all who call during a run share the next one."""

    def __init__(self, do: Callable[[], Awaitable[bool]]) -> None:
        self._do = do
        self._turn = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._answer = False

    async def __call__(self) -> bool:
        """Return the answer of a run that began after this call did."""
        self._asked += 1
        number = self._asked
        async with self._turn:
            if self._answered < number:
                answering = self._asked
                self._answer = await self._do()
                self._answered = answering
            return self._answer
