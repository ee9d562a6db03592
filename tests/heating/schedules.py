"""A day by a schedule, for the tests of thermostats."""

from custom_components.qheat.heating import Target

DAY_S = 86_400.0


def by_schedule(time_s: float) -> Target:
    """Return 20 °C from seven to ten in the evening, else 17, and what comes."""
    day_s, hour = time_s // DAY_S * DAY_S, time_s % DAY_S / 3600
    changes = ((day_s + h * 3600, to_c) for h, to_c in ((7, 20.0), (22, 17.0), (31, 20.0)))
    return Target(
        setpoint_c=20 if 7 <= hour < 22 else 17,
        upcoming=tuple(change for change in changes if change[0] > time_s),
    )
