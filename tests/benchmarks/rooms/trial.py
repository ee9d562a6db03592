"""One thermostat in one room for one winter: the minute loop and the score."""

import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from .people import People, Schedule
from .radiator import AnyRadiator
from .sensor import Sensor
from .weather import Weather

DAYS, SCORED_FROM = 69, 14
AIR_CHANGES, AIRED = 0.47, 4.7
"""Air changes per hour with the window shut and open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a thermostat may know at one minute."""

    minute: int
    room_c: float
    measured: int
    outdoor_c: float | None
    power_w: float
    jobs_left_s: tuple[float, ...]
    setpoint_c: float
    upcoming: tuple[tuple[float, float], ...] | None
    forecast: tuple[tuple[float, float, float], ...]
    """(time in seconds, outdoor °C, global horizontal W/m²), hourly for a day."""


class Thermostat(Protocol):
    """What takes part in a trial."""

    @property
    def window_open(self) -> bool:
        """Whether it believes that a window is open."""

    def slots(self, seen: Observation) -> float:
        """Return how many slots should run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomInputs:
    """What a room gets in one minute: W from the radiator and people, air changes per hour."""

    radiator_w: float
    gains_w: float
    air_changes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The columns of the table."""

    rmse_k: float
    in_band: float
    below_kh: float
    below_closed_kh: float
    above_kh: float
    warm: float
    kwh: float
    starts: float
    preempted: float
    cpu_ms: float
    windows_found: float
    false_alarms: float


@dataclass(slots=True, kw_only=True)
class Trial:
    """Plays sensor, radiator, people and forecast around a room that somebody else computes."""

    thermostat: Thermostat
    weather: Weather
    seed: int
    schedule: Schedule
    radiator: AnyRadiator
    shown: float
    """What the radiator's meter shows, of what it gives."""
    sensor: Sensor
    knows_weather: bool
    forgets_every: int
    """Days from one window forgotten for forty minutes to the next."""
    air_changes: float
    air_c: list[float] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    open_window: list[bool] = field(default_factory=list)
    alarm: list[bool] = field(default_factory=list)
    energy_wh: float = 0.0
    cpu_s: float = 0.0
    _people: People = field(init=False)
    _chance: random.Random = field(init=False)
    _forecast: tuple[tuple[float, float, float], ...] = ()
    _before: tuple[float, float, float] = (0, 0, 0.0)
    _error: float = 0.0
    _sun: float = 1.0

    def __post_init__(self) -> None:
        self._people = People(self.seed, self.forgets_every)
        self._chance = random.Random(self.seed + 1)

    def minute(self, minute: int, air_c: float) -> RoomInputs:
        """Take the room's air temperature, run everything for a minute, say what the room gets."""
        self.sensor.minute(minute, air_c)
        if minute % 60 == 0:
            self._renew_forecast(minute // 60)
        if minute == SCORED_FROM * 1440:
            self._before = (self.radiator.starts, self.radiator.preempted, self.energy_wh)
        began = time.process_time()
        wanted = self.thermostat.slots(self._observe(minute))
        self.cpu_s += time.process_time() - began
        self.radiator.minute(min(max(wanted, 0), self.radiator.slots))
        gains_w, is_open = self._people.minute(minute)
        self.air_c.append(air_c)
        self.running.append(self.radiator.running)
        self.open_window.append(is_open)
        self.alarm.append(self.thermostat.window_open)
        self.energy_wh += self.radiator.power_w / 60
        return RoomInputs(
            radiator_w=self.radiator.emitted_w,
            gains_w=gains_w,
            air_changes=AIRED if is_open else self.air_changes,
        )

    def _observe(self, minute: int) -> Observation:
        assert self.sensor.value_c is not None
        return Observation(
            minute=minute,
            room_c=self.sensor.value_c,
            measured=self.sensor.measured,
            outdoor_c=self.weather.outdoor_at(minute) if self.knows_weather else None,
            power_w=self.radiator.power_w * self.shown,
            jobs_left_s=self.radiator.jobs_left_s,
            setpoint_c=self.schedule.at(minute),
            upcoming=self.schedule.upcoming(minute),
            forecast=self._forecast if self.knows_weather else (),
        )

    def _renew_forecast(self, hour: int) -> None:
        """Forecast a day with an error that grows from 0.4 to 1.6 K and sun off by 35 %."""
        if hour % 6 == 0 or not self._forecast:
            self._error = self._chance.gauss(0, 1)
        if hour % 24 == 0 or not self._forecast:
            self._sun = self._chance.lognormvariate(0, 0.35)
        last = len(self.weather.direct_w_m2) - 1
        self._forecast = tuple(
            (
                min(hour + ahead, last) * 3600.0,
                self.weather.outdoor_c[min(hour + ahead, last)]
                + self._error * (0.4 + 1.2 * ahead / 24) * (ahead > 0),
                self.weather.horizontal_w_m2(min(hour + ahead, last)) * self._sun,
            )
            for ahead in range(25)
        )

    def score(self) -> Score:
        """Score the days after the first two weeks, on the true air temperature."""
        begin, end = SCORED_FROM * 1440, len(self.air_c)
        days = (end - begin) / 1440
        aired_until = -1
        errors: list[float] = []
        below = below_closed = above = 0.0
        warm: list[bool] = []
        for minute in range(end):
            if self.open_window[minute]:
                aired_until = minute + 30
            if minute < begin:
                continue
            setpoint_c = self.schedule.at(minute)
            error_k = self.air_c[minute] - setpoint_c
            if self.running[minute]:
                # Above the day's setpoint also at night: a preheat is waste in kWh, not too warm.
                above += max(0.0, self.air_c[minute] - self.schedule.day_c - 0.2) / 60
            if not self.open_window[minute]:
                below += max(0.0, -error_k) / 60
            if minute > aired_until:
                below_closed += max(0.0, -error_k) / 60
            if minute % 1440 == self.schedule.wake and setpoint_c == self.schedule.day_c:
                warm.append(max(self.air_c[minute : minute + 11]) >= self.schedule.day_c - 0.3)
            comfort = setpoint_c == self.schedule.day_c and minute > aired_until
            if comfort and not (error_k > 0 and self.running[minute] == 0):
                errors.append(error_k)
        starts, preempted, energy_wh = self._before
        found, false_alarms = self._windows(begin)
        return Score(
            # A room that needs no heat all winter holds no band.
            rmse_k=_mean(error * error for error in errors) ** 0.5,
            in_band=100 * _mean(abs(error) <= 0.3 for error in errors),
            below_kh=below / days,
            below_closed_kh=below_closed / days,
            above_kh=above / days,
            warm=100 * _mean(warm),
            kwh=(self.energy_wh - energy_wh) / 1000 / days,
            starts=(self.radiator.starts - starts) / days,
            preempted=(self.radiator.preempted - preempted) / days,
            cpu_ms=self.cpu_s / end * 1000,
            windows_found=found,
            false_alarms=false_alarms / days,
        )

    def _windows(self, begin: int) -> tuple[float, int]:
        """Return the share of open windows noticed within ten minutes (%), and false alarms."""
        found: list[bool] = []
        false_alarms = 0
        for minute in range(begin, len(self.air_c)):
            if self.open_window[minute] and not self.open_window[minute - 1]:
                found.append(any(self.alarm[minute : minute + 10]))
            if self.alarm[minute] and not self.alarm[minute - 1]:
                false_alarms += not any(self.open_window[minute - 30 : minute + 1])
        return 100 * _mean(found), false_alarms


def _mean(values: Iterable[float]) -> float:
    """Return the mean, NaN of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else math.nan
