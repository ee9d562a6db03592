"""How long leases are kept while no heat is wanted."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

UNWANTED_S: Final = 300.0
"""For so long jobs that have not run yet are kept."""
KEPT_S: Final = 43_200.0
"""For so long those are kept that have begun: a night or a day out, and no work is lost."""


class Patience:
    """Calls `give_up` again and again while nothing is wanted.

    `give_up` hears whether the time is over also for jobs that have begun.
    """

    def __init__(self, give_up: Callable[[bool], None]) -> None:
        self._give_up = give_up
        self._since_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, *, wanted: bool) -> None:
        """Take in whether any heat is wanted now."""
        if wanted and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif not wanted and self._timer is None:
            self._since_s = time.monotonic()
            self._wait()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(UNWANTED_S, self._ask)

    def _ask(self) -> None:
        self._wait()
        self._give_up(time.monotonic() - self._since_s >= KEPT_S)
