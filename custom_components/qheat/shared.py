"""One job for many: a building asks at once for what needs to be done only once."""

import asyncio
from collections.abc import Awaitable, Callable


class Shared:
    """Does something when called; all who call while it is being done share the next time."""

    def __init__(self, do: Callable[[], Awaitable[bool]]) -> None:
        self._do = do
        self._turn = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._answer = False

    async def __call__(self) -> bool:
        """Return what was answered by a time that began after this call did."""
        self._asked += 1
        number = self._asked
        async with self._turn:
            if self._answered < number:
                answering = self._asked
                self._answer = await self._do()
                self._answered = answering
            return self._answer
