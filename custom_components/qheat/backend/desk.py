"""The one thread that may touch the store."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .store import Store


class Desk:
    """Takes work for the store and does one piece after the other, off the event loop."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qheat-backend")
        self._store: Store | None = None

    async def open(self, make: Callable[[], Store]) -> None:
        """Open the store; raises what `make` raises."""

        def open_store() -> None:
            # Here and not from the answer: whoever waits for that may be cancelled meanwhile.
            self._store = make()

        await asyncio.get_running_loop().run_in_executor(self._thread, open_store)

    async def ask[T](self, question: Callable[[Store], T]) -> T:
        """Return what `question` makes of the store; raises what it raises."""
        assert self._store is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, question, self._store)

    async def close(self) -> None:
        """Close the store once all that was asked is done; the thread ends."""

        def close_store() -> None:
            if self._store is not None:
                self._store.close()
                self._store = None

        await asyncio.get_running_loop().run_in_executor(self._thread, close_store)
        self._thread.shutdown()
