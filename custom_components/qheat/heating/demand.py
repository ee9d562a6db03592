"""The words between the thermostat and the rest of the house: readings in, heat demand out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FROST_LIMIT_C: Final = 5.0
"""Room temperature below which a radiator heats even when it is off, in °C."""
SETPOINT_C: Final = (0.0, 35.0)
"""Setpoints that anybody can mean, in °C."""
TIME_S: Final = (-1e12, 1e12)
"""Moments that a clock can show, in seconds."""


class Reason(StrEnum):
    """Why the thermostat asks for the heat that it asks for."""

    OFF = "off"
    """Switched off by the tenant."""
    IDLE = "idle"
    """Warm enough."""
    HEATING = "heating"
    """Heating to or holding the setpoint."""
    PREHEATING = "preheating"
    """Heating now to be warm in time for a setpoint to come."""
    FROST = "frost"
    """The room is near freezing: heat whatever the setting."""
    TOO_WARM = "too_warm"
    """The room is dangerously warm: no heat whatever the setting."""
    SENSOR_SILENT = "sensor_silent"
    """No believable or no new temperature for too long: no heat."""
    SENSOR_STUCK = "sensor_stuck"
    """Much heat and not the least change in the reading: no heat until it changes."""
    DRAINING = "draining"
    """No heat is wanted within the hour: jobs that end soon are let run out, and none begins."""
    WINDOW_OPEN = "window_open"
    """The temperature leaps as it does with an open window: no more heat than before, for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiatorRating:
    """What a radiator can give: `idle_w` with nothing running, `rated_w` with all slots busy.

    With `pausable`, jobs can be paused at no loss; with `divisible`, a part of a slot can be busy,
    so that demands need not be whole slots.
    """

    idle_w: float
    rated_w: float
    slots: int
    pausable: bool = False
    divisible: bool = False

    def __post_init__(self) -> None:
        """Refuse a rating that no radiator can have, with a ValueError."""
        if not 0 <= self.idle_w < self.rated_w < 1e6 or not 1 <= self.slots <= 4096:
            raise ValueError(f"not a radiator's rating: {self}")

    @property
    def slot_w(self) -> float:
        """Power that one busy slot adds, in watts."""
        return (self.rated_w - self.idle_w) / self.slots


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomReading:
    """What is known of the room at `time_s`, in seconds on the room's own clock.

    `temperature_c` is the last reading, None where there is none; `measured_s` says when the sensor
    took it (None: now), so that a value passed twice is not taken for two measurements, and an old
    one not for the room's. `heat_output_w` is the radiator's power since the last step (None:
    unknown); `output_measured` says that it was measured and that nothing, such as a want of jobs,
    kept the radiator from giving what was asked, `output_metered` that a meter did, of all that the
    machine takes: what a processor says of itself makes no doubt of a rating. `forecast` holds
    (time in seconds, outdoor °C, sun in W/m² on the horizontal) in order of time. `jobs_left_s`
    holds the seconds that each running job still needs, 0 for one that has just ended (None:
    unknown): with it, heat is taken back where that loses no work. `wall_ahead_s` is what the clock
    on the wall is ahead of the room's own, by which people live.
    """

    time_s: float
    temperature_c: float | None
    outdoor_c: float | None = None
    heat_output_w: float | None = None
    output_measured: bool = False
    output_metered: bool = False
    measured_s: float | None = None
    forecast: tuple[tuple[float, float, float], ...] = ()
    jobs_left_s: tuple[float, ...] | None = None
    wall_ahead_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the tenant wants: a setpoint in °C (None: off) and those to come.

    `upcoming` holds (time in seconds on the room's clock, setpoint in °C), in order; with None
    nobody tells, and what comes every day is learned and expected. Below `comfort_floor_c` heat
    without a job is allowed; the frost limit holds even when off.
    """

    setpoint_c: float | None
    upcoming: tuple[tuple[float, float], ...] | None = None
    comfort_floor_c: float = FROST_LIMIT_C


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatDemand:
    """What the thermostat asks for, in watts, and why; `own_heat` allows heat without a job.

    `outlook` holds the watts that are likely wanted later on, as (until when on the room's clock,
    watts until then) in order of time; it is empty where nobody knows.
    """

    power_w: float
    reason: Reason
    own_heat: bool = False
    outlook: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a room is now taken for, for people to read."""

    heat_loss_w_k: float
    """Watts that every kelvin between room and outdoors costs."""
    time_constant_h: float
    """Hours in which the room loses two thirds of its warmth."""
    gains_w: float
    """What people and things give on average over the day."""
    days: int
    """Days that this was learned from, at most six weeks."""
