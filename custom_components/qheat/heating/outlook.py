"""What is to come: setpoints and weather, from callers who may send anything."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .demand import TIME_S
from .guards import believable
from .model import UNKNOWN_FADES_S

MOST_POINTS: Final = 400
OUTDOOR_C: Final = (-60.0, 60.0)
USUAL_C: Final = 5.0
COUNTS_S: Final = 3 * 3600.0
"""How long a temperature outside counts after it was told last."""
FORGOTTEN_S: Final = 42 * 86_400.0
"""After so long it is as one that nobody ever told."""

type Points = list[tuple[float, float]]


def clean_points(points: object, low: float, high: float, column: int = 1) -> Points:
    """Return the believable (time in s, value within bounds) pairs in order; nothing raises."""
    kept: Points = []
    for point in points[:MOST_POINTS] if isinstance(points, tuple | list) else ():
        if isinstance(point, tuple | list) and len(point) > column:
            at_s = believable(point[0], *TIME_S)
            value = believable(point[column], low, high)
            if at_s is not None and value is not None:
                kept.append((at_s, value))
    return sorted(kept)


def setpoints(now_c: float, changes: Points, times_s: Sequence[float]) -> list[float]:
    """Return the setpoint in force at each time."""
    when = [at_s for at_s, _ in changes]
    values = [now_c, *(to_c for _, to_c in changes)]
    return [values[bisect_right(when, time_s)] for time_s in times_s]


def interpolate(points: Points, time_s: float) -> float:
    """Return the value at a time between points in order of time; the ends go on for ever."""
    index = bisect_right(points, time_s, key=lambda point: point[0])
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (begin_s, begin), (end_s, end) = points[index - 1], points[index]
    return begin + (end - begin) * (time_s - begin_s) / (end_s - begin_s)


@dataclass(slots=True)
class Weather:
    """Outdoor temperature and sun, measured where possible and forecast otherwise."""

    outdoor_c: float = USUAL_C
    """What it is now; the unknown heat makes up for what it is wrong by."""
    is_known: bool = False
    """Whether that was measured lately, or at least forecast."""
    is_lost: bool = False
    """Whether it was told weeks ago at most, and is not now; one never told is at least even."""
    _told_s: float = -math.inf
    _source: object = None
    _beyond_k: float = 0.0
    """What it was above the forecast when it was told last."""
    _outdoor: Points = field(default_factory=list)
    _sun: Points = field(default_factory=list)

    def update(self, time_s: float, outdoor_c: float | None, forecast: object) -> None:
        """Take in a measurement and a forecast of (time in s, °C, W/m²)."""
        if forecast is not self._source:
            self._source = forecast
            self._outdoor = clean_points(forecast, *OUTDOOR_C)
            self._sun = clean_points(forecast, 0.0, 1500.0, column=2)
        if outdoor_c is not None:
            self._told_s, self.outdoor_c, self.is_known = time_s, outdoor_c, True
            if self._outdoor:
                self._beyond_k = outdoor_c - interpolate(self._outdoor, time_s)
        elif not 0 <= time_s - self._told_s <= COUNTS_S:
            self.is_known = bool(self._outdoor)
            self.outdoor_c = interpolate(self._outdoor, time_s) if self.is_known else USUAL_C
        self.is_lost = not self.is_known and 0 <= time_s - self._told_s < FORGOTTEN_S

    def save(self) -> list[float] | None:
        """Return the temperature outside and when it was told, as JSON-able values."""
        return [self._told_s, round(self.outdoor_c, 2)] if self._told_s > -math.inf else None

    def restore(self, saved: object) -> None:
        """Take up what `save` returned; anything else changes nothing."""
        match saved:
            case [told_s, outdoor_c]:
                told_s, outdoor_c = believable(told_s, *TIME_S), believable(outdoor_c, *OUTDOOR_C)
                if told_s is not None and outdoor_c is not None:
                    self._told_s, self.outdoor_c, self.is_known = told_s, outdoor_c, True

    def outdoor_at(self, time_s: float) -> float:
        """Return the outdoor temperature to expect, in °C.

        What a forecast is beside the temperature told last, it is in the hours to come as well: the
        estimate believes what is told, and its unknown heat, which fades as fast, goes with that.
        """
        if not self._outdoor:
            return self.outdoor_c
        later_s = max(0.0, time_s - self._told_s)
        beyond_k = self._beyond_k * math.exp(-later_s / UNKNOWN_FADES_S)
        return interpolate(self._outdoor, time_s) + beyond_k

    def sun_at(self, time_s: float) -> float:
        """Return the sun on the horizontal to expect, in W/m²; none where nobody forecasts it."""
        return interpolate(self._sun, time_s) if self._sun else 0.0
