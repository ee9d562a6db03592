"""Hourly weather: EnergyPlus weather files, or a synthetic winter where there is none."""

import math
import random
from dataclasses import dataclass
from pathlib import Path

HOURS = 75 * 24
LATITUDE = 45.7
"""Of a synthetic winter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Outdoor temperature (°C), direct normal and diffuse horizontal sun (W/m²), each hour."""

    latitude: float
    outdoor_c: tuple[float, ...]
    direct_w_m2: tuple[float, ...]
    diffuse_w_m2: tuple[float, ...]

    def outdoor_at(self, minute: int) -> float:
        """Return the outdoor temperature, between the hours."""
        hour, rest = divmod(minute, 60)
        return self.outdoor_c[hour] + (self.outdoor_c[hour + 1] - self.outdoor_c[hour]) * rest / 60

    def horizontal_w_m2(self, hour: int) -> float:
        """Return the global horizontal sun of one hour."""
        height = max(0.0, sun(self.latitude, hour * 60 + 30)[2])
        return self.direct_w_m2[hour] * height + self.diffuse_w_m2[hour]

    def on_window_w_m2(self, minute: int, azimuth: float) -> float:
        """Return the sun on a vertical window that faces `azimuth` (degrees from north)."""
        east, north, height = sun(self.latitude, minute)
        angle = math.radians(azimuth)
        incidence = max(0.0, east * math.sin(angle) + north * math.cos(angle)) if height > 0 else 0
        hour = minute // 60
        return self.direct_w_m2[hour] * incidence + 0.5 * self.diffuse_w_m2[hour]


def sun(latitude: float, minute: int) -> tuple[float, float, float]:
    """Return the sun's direction (east, north, up) at a solar minute counted from 1 January."""
    declination = math.radians(-23.44 * math.cos(2 * math.pi * (minute / 1440 + 10) / 365))
    turn = 2 * math.pi * (minute % 1440 / 1440 - 0.5)
    phi = math.radians(latitude)
    up = math.sin(phi) * math.sin(declination)
    up += math.cos(phi) * math.cos(declination) * math.cos(turn)
    north = math.cos(phi) * math.sin(declination)
    north -= math.sin(phi) * math.cos(declination) * math.cos(turn)
    return -math.cos(declination) * math.sin(turn), north, up


def read_epw(path: Path) -> Weather:
    """Read the first winter weeks of an EnergyPlus weather file."""
    lines = path.read_text(encoding="latin-1").splitlines()
    rows = [line.split(",") for line in lines[8 : 8 + HOURS]]
    # A row describes the hour before its stamp; the temperature belongs to the stamp.
    return Weather(
        latitude=float(lines[0].split(",")[6]),
        outdoor_c=(float(rows[0][6]), *(float(row[6]) for row in rows)),
        direct_w_m2=tuple(float(row[14]) for row in rows),
        diffuse_w_m2=tuple(float(row[15]) for row in rows),
    )


def synthetic(seed: int, *, mean_c: float = 3.0) -> Weather:
    """Make a winter: a slowly wandering mean, a daily swing, clear and cloudy days."""
    chance = random.Random(seed)
    drift_k, clear = 0.0, 0.5
    outdoor, direct, diffuse = [], [], []
    for hour in range(HOURS):
        if hour % 24 == 0:
            clear = chance.betavariate(0.7, 0.9)
        drift_k += -drift_k / 72 + chance.gauss(0, 0.55)
        swing_k = (1.5 + 4 * clear) * math.cos((hour % 24 - 15) / 24 * 2 * math.pi)
        outdoor.append(mean_c + drift_k + swing_k - 1.5 * clear)
        height = max(0.0, sun(LATITUDE, hour * 60 + 30)[2])
        cloud = min(1.0, max(0.0, clear + chance.gauss(0, 0.15)))
        direct.append(850 * cloud * cloud * height**0.3 if height > 0 else 0.0)
        diffuse.append(height * (110 + 180 * (1 - cloud)))
    return Weather(
        latitude=LATITUDE,
        outdoor_c=tuple(outdoor),
        direct_w_m2=tuple(direct),
        diffuse_w_m2=tuple(diffuse),
    )
