"""Days lived by a routine, for its tests."""

from collections.abc import Callable
from typing import Any

from custom_components.qheat.heating import Target
from custom_components.qheat.heating.routine import Routine

DAY_S, HOUR_S = 86_400.0, 3600.0
SEVEN, NIGHT = 7 * HOUR_S, 22 * HOUR_S

type Plan = Callable[[int, float], float]
"""The setpoint in °C that is set on a day (0 is a Monday) at a second of it."""


def by_day(day: int, now_s: float) -> float:
    """Return 20 °C from seven to ten, else 17."""
    return 20.0 if SEVEN <= now_s < NIGHT else 17.0


def live(
    routine: Routine, days: range, plan: Plan = by_day, *, told: bool = False, every_s: float = 300
) -> dict[int, Target]:
    """Live through days; return what was foreseen at five each morning."""
    mornings = {}
    for step in range(int(len(days) * DAY_S / every_s)):
        time_s = days[0] * DAY_S + step * every_s
        day, now_s = divmod(time_s, DAY_S)
        target = Target(setpoint_c=plan(int(day), now_s), upcoming=() if told else None)
        target = routine.anticipate(target, time_s, 0.0)
        if now_s == 5 * HOUR_S:
            mornings[int(day)] = target
    return mornings


def known(routine: Routine) -> list[tuple[float, bool, list[float]]]:
    """Return what has been learned: °C, whether it is a rise, when it was seen."""
    changes: Any = routine.save()["changes"]
    return [tuple(change) for change in changes]


def rises(target: Target) -> list[float]:
    """Return the seconds of the day at which the target foresees a rise."""
    return [at_s % DAY_S for at_s, to_c in target.upcoming or () if to_c > 17]
