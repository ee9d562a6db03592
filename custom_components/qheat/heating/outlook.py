"""What is to come: setpoints and weather at every step of the plan."""

from bisect import bisect_right
from collections.abc import Sequence

from .guards import believable

MOST_POINTS = 400


def clean_changes(changes: object) -> list[tuple[float, float]]:
    """Return the believable (time, setpoint) pairs in order; nothing raises."""
    kept = []
    if isinstance(changes, tuple | list):
        for change in changes[:MOST_POINTS]:
            if isinstance(change, tuple | list) and len(change) == 2:
                at_s = believable(change[0], -1e12, 1e12)
                to_c = believable(change[1], 0.0, 35.0)
                if at_s is not None and to_c is not None:
                    kept.append((at_s, to_c))
    return sorted(kept)


def setpoints(
    now_c: float, changes: Sequence[tuple[float, float]], times_s: Sequence[float]
) -> list[float]:
    """Return the setpoint in force at each time."""
    when = [at_s for at_s, _ in changes]
    values = [now_c, *(to_c for _, to_c in changes)]
    return [values[bisect_right(when, time_s)] for time_s in times_s]


def interpolate(points: Sequence[tuple[float, float]], time_s: float) -> float:
    """Return the value at a time between points in order of time; the ends go on for ever."""
    index = bisect_right(points, time_s, key=lambda point: point[0])
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (begin_s, begin), (end_s, end) = points[index - 1], points[index]
    return begin + (end - begin) * (time_s - begin_s) / (end_s - begin_s)
