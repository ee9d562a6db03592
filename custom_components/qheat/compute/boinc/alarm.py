"""A timer for waits that nearly always end before they are due."""

import asyncio
import math
import time
from collections.abc import Callable


class Alarm:
    """Calls `ring` at a moment of `clock`, in seconds, unless that is put off or cancelled.

    To put it off touches no timer: a building's radiators would make and cancel hundreds with
    every tick, and Python's garbage collector goes through all of them.
    """

    def __init__(
        self, ring: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Ring never, until `set`."""
        self._ring = ring
        self._clock = clock
        self._due_s = self._timer_s = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due_s: float) -> None:
        """Ring at `due_s` instead of when it was to ring before."""
        self._due_s = due_s
        if due_s < self._timer_s:
            self._start_timer()

    def cancel(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_s = None, math.inf

    def _start_timer(self) -> None:
        self.cancel()
        self._timer_s = self._due_s
        left_s = max(0.0, self._due_s - self._clock())
        self._timer = asyncio.get_running_loop().call_later(left_s, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer, self._timer_s = None, math.inf
        if self._clock() < self._due_s:
            self._start_timer()
        else:
            self._ring()
