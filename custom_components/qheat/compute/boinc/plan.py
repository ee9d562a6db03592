"""From a heat budget to what the client may do, and that to BOINC's preferences."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .watts import WattsTable

_ROOT: Final = "<global_preferences>"
_ROOT_END: Final = "</global_preferences>"
SMALLEST_DUTY: Final = 0.05
SMALLEST_PULSED: Final = 0.1
"""Part of a core below which it is not worth pulsing all of them."""
_SMALL_STEP: Final = 0.02
"""Share of the machine's range below which a change is not worth writing a file."""
_MAX_PERCENT: Final = 100.0
_ROUND_UP: Final = 1e-4
"""The client truncates cores * percent / 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the client may do: so many cores, so much of the time, and the GPU or not."""

    cores: int = 0
    duty: float = 1.0
    gpu: bool = False


OFF: Final = Plan()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """What the tasks that a client holds can make use of."""

    narrowest: int = 1
    """Fewest cores that any of them runs on."""
    gpu: bool = False
    """Whether there is one for the GPU."""


UNKNOWN: Final = AtHand()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """What may be planned with on one radiator."""

    table: WattsTable
    gpu_w: float = 0.0
    """What the GPU adds when it computes; 0 where there is none."""

    def has_room_for_gpu(self, power_w: float) -> bool:
        """Tell whether the GPU may compute within `power_w` watts.

        The client has no preference for zero cores: it computes only beside one.
        """
        return self.gpu_w > 0 and power_w >= self.table.watts(1) + self.gpu_w

    def plan(self, power_w: float, at_hand: AtHand = UNKNOWN) -> Plan:
        """Return what gives the most heat within `power_w` watts with the tasks at hand."""
        if not power_w > self.table.idle_w:
            return OFF
        gpu = at_hand.gpu and self.has_room_for_gpu(power_w)
        narrowest = at_hand.narrowest
        if gpu:
            power_w -= self.gpu_w
        whole = self.table.cores_for(power_w)
        if whole < self.table.model.slots:
            cores = min(max(whole + 1, narrowest), self.table.model.slots)
            span_w = self.table.watts(cores) - self.table.idle_w
            duty = math.floor(100 * (power_w - self.table.idle_w) / span_w) / 100
            more = narrowest > whole or duty * cores >= whole + SMALLEST_PULSED
            if duty >= SMALLEST_DUTY and more:
                return Plan(cores=cores, duty=min(duty, 1.0), gpu=gpu)
        return Plan(cores=whole, gpu=gpu)

    def watts(self, plan: Plan) -> float:
        """Return the watts of a plan that is fully used."""
        span_w = self.table.watts(plan.cores) - self.table.idle_w
        return self.table.idle_w + span_w * plan.duty + self.gpu_w * plan.gpu

    def worth(self, now: Plan, then: Plan, power_w: float) -> bool:
        """Tell whether going from one plan to another is worth a change."""
        if now == then:
            return False
        now_w = self.watts(now)
        range_w = self.watts(Plan(cores=self.table.model.slots)) - self.table.idle_w
        small = abs(self.watts(then) - now_w) < _SMALL_STEP * range_w
        return not (small and now.gpu == then.gpu and now_w <= power_w and now.cores and then.cores)


def preferences_for(plan: Plan, cores: int) -> dict[str, float]:
    """Return the preferences that hold a machine with `cores` cores to a plan.

    The `niu_` pair rules clients since 8.0 while nobody sits at the machine; older ones ignore it.
    """
    share = min(_MAX_PERCENT, _MAX_PERCENT * plan.cores / cores + _ROUND_UP)
    duty = _MAX_PERCENT * plan.duty
    return {
        "max_ncpus_pct": share,
        "niu_max_ncpus_pct": share,
        "cpu_usage_limit": duty,
        "niu_cpu_usage_limit": duty,
        "leave_apps_in_memory": 1.0,
    }


def override_with(original: str, wanted: Mapping[str, float]) -> str:
    """Return the user's own preferences file with `wanted` in the place of what it says."""
    begin, end = original.find(_ROOT) + len(_ROOT), original.rfind(_ROOT_END)
    own = original[begin:end] if len(_ROOT) <= begin <= end else ""
    names = "|".join(map(re.escape, wanted))
    replaced = rf"<(?:{names})\s*/>|<(?:{names})>[^<]*</(?:{names})>"
    # A pattern that begins with any amount of space takes minutes for a file full of it.
    kept = "".join(part.rstrip() for part in re.split(replaced, own))
    ours = "".join(f"\n   <{name}>{value:.10g}</{name}>" for name, value in wanted.items())
    return f"{_ROOT}{kept}{ours}\n{_ROOT_END}"
