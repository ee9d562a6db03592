"""Lets jobs that end soon run out when a heating period is over, instead of holding them for hours.

A few minutes of a slot warm no room by a tenth of a degree, and a job that is done is no job that
can be lost. Guards come after, and have the last word.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .demand import HeatDemand, RadiatorRating, Reason

RUN_OUT_S: Final = 300.0
"""For so long after the end of a heating period jobs may run on."""
SOON_S: Final = 3600.0
"""Where heat is wanted again so soon, jobs wait for it."""
CRUMB: Final = 1e-6
"""Of a slot: what arithmetic leaves over."""
WARMER_K: Final = 0.3
"""A room so much above the setpoint that was heated for takes no more."""


@dataclass(slots=True)
class RunOut:
    """What is known of the heating period that ended last."""

    rating: RadiatorRating
    _power_w: float = 0.0
    _setpoint_c: float = 0.0
    _left_s: float = 0.0

    def extend(
        self,
        demand: HeatDemand,
        *,
        time_s: float,
        elapsed_s: float,
        setpoint_c: float,
        room_c: float | None,
        jobs_left_s: Sequence[float] | None,
        by_hand: bool,
    ) -> HeatDemand:
        """Return the demand, or a little more for as many jobs as will have ended soon.

        `jobs_left_s` is in the order in which slots are given to jobs; `by_hand` tells that the
        setpoint has just changed unforeseen: then the tenant sees watts go at once.
        """
        if demand.power_w > self.rating.idle_w:
            self._power_w, self._setpoint_c, self._left_s = demand.power_w, setpoint_c, RUN_OUT_S
            return demand
        self._left_s -= elapsed_s
        if (
            by_hand
            or demand.reason is not Reason.IDLE
            or room_c is None
            or room_c > self._setpoint_c + WARMER_K
        ):
            self._left_s = 0.0
        if self._is_soon(demand, time_s):
            return demand
        busy = max(0, math.ceil((self._power_w - self.rating.idle_w) / self.rating.slot_w - CRUMB))
        slots = 0
        for left_s in (jobs_left_s or ())[:busy]:
            if not left_s <= self._left_s:
                break
            slots += 1
        if slots == 0:
            self._left_s = 0.0
            return demand
        power_w = self.rating.idle_w + slots * self.rating.slot_w
        return replace(demand, power_w=power_w, reason=Reason.DRAINING)

    def _is_soon(self, demand: HeatDemand, time_s: float) -> bool:
        """Tell whether heat is likely wanted again within the hour, or nobody knows."""
        begins_s = time_s
        for until_s, power_w in demand.outlook:
            if power_w > self.rating.idle_w and until_s > time_s:
                return begins_s < time_s + SOON_S
            begins_s = until_s
        return not demand.outlook
