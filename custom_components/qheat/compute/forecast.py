"""What an engine makes of the heat that is likely wanted, and of how long its jobs usually take."""

import math
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final

from .engine import HeatBudget, PowerModel

CRUMB: Final = 1e-6  # of a slot: what arithmetic leaves over
LONGER: Final = 1.1
"""A job that is longer than the last ones is so by a tenth at most, or nobody knows."""
_MOST_MODULES: Final = 64
_LAST: Final = 8


def slot_wanted_s(budget: HeatBudget, power: PowerModel, slot: int, now_s: float) -> float:
    """Return for how many seconds slot number `slot`, from 0 on, is likely kept busy from now on.

    Counted until no slot is wanted; where nobody knows, until the budget ends.
    """
    if not budget.outlook:
        return max(budget.expires_s - now_s, 0.0)
    total_s = 0.0
    for length_s, slots in _to_come(budget, power, now_s):
        if slots <= CRUMB:
            break
        total_s += length_s * min(max(slots - slot, 0.0), 1.0)
    return total_s


def heat_left_s(budget: HeatBudget, power: PowerModel, now_s: float) -> float:
    """Return the seconds until no slot is likely wanted; infinite where nobody knows of an end."""
    left_s = 0.0
    for length_s, slots in _to_come(budget, power, now_s):
        if slots <= CRUMB:
            return left_s
        left_s += length_s
    return math.inf


def _to_come(budget: HeatBudget, power: PowerModel, now_s: float) -> Iterator[tuple[float, float]]:
    """Yield how many seconds how many slots are likely wanted."""
    for until_s, power_w in budget.outlook:
        if until_s > now_s:
            yield until_s - now_s, power.slots_for(power_w)
            now_s = until_s


class Lengths:
    """CPU seconds that jobs of each module take here at most, learned from the last ones done."""

    def __init__(self) -> None:
        self._done_s: OrderedDict[str, deque[float]] = OrderedDict()

    def learn(self, module_sha256: str, cpu_s: float) -> None:
        """Take in what a job has taken."""
        done_s = self._done_s.pop(module_sha256, deque(maxlen=_LAST))
        done_s.append(cpu_s)
        self._done_s[module_sha256] = done_s
        if len(self._done_s) > _MOST_MODULES:
            self._done_s.popitem(last=False)

    def left_s(self, module_sha256: str, used_s: float) -> float:
        """Return what a job likely needs still; infinite where nobody knows.

        One job in nine is longer than the last eight were.
        """
        longest_s = max(self._done_s.get(module_sha256, ()), default=0.0)
        for most_s in (longest_s, LONGER * longest_s):
            if used_s < most_s:
                return most_s - used_s
        return math.inf
