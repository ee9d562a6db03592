"""How long to leave alone what has failed: a backend that does not answer, or the runner."""

from random import Random
from typing import Final

_FIRST_S: Final = 1.0
_MOST_S: Final = 60.0


class Backoff:
    """Pauses that double from one failure to the next, each cut by chance by up to a half."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pause_s = _FIRST_S

    def next_s(self, at_least_s: float | None = None) -> float:
        """Return the next pause in seconds, not shorter than is asked for."""
        pause_s = self._pause_s * self._random.uniform(0.5, 1.0)
        self._pause_s = min(2 * self._pause_s, _MOST_S)
        return max(pause_s, at_least_s or 0.0)

    def reset(self) -> None:
        """Begin again with short pauses: something went well."""
        self._pause_s = _FIRST_S
