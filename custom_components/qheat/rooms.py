"""Where a radiator's room temperature comes from: a sensor entity, or a simulated room."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import override

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .heating import RoomParameters, RoomReading, SimulatedRoom
from .outdoors import Outdoors
from .radiator import Room
from .temperatures import read_celsius


class SensorRoom(Room):
    """A real room, read from Home Assistant's own entities."""

    speed = 1.0

    def __init__(self, hass: HomeAssistant, temperature_entity: str, outdoors: Outdoors) -> None:
        self._hass = hass
        self._temperature_entity = temperature_entity
        self._outdoors = outdoors

    @override
    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        state = self._hass.states.get(self._temperature_entity)
        wall = datetime.fromtimestamp(now_s, dt_util.get_default_time_zone())
        return RoomReading(
            time_s=now_s,
            temperature_c=read_celsius(self._hass, self._temperature_entity, now_s),
            measured_s=state.last_reported.timestamp() if state else None,
            outdoor_c=self._outdoors.celsius(now_s),
            forecast=self._outdoors.forecast(now_s),
            heat_output_w=heat_output_w,
            wall_ahead_s=(wall.utcoffset() or timedelta()).total_seconds(),
        )

    @override
    def save(self) -> dict[str, object]:
        return {}


class FastRoom(Room):
    """A simulated room whose clock runs `speed` times as fast as the real one."""

    def __init__(
        self, floor_area_m2: float, speed: float, now_s: float, saved: Mapping[str, object]
    ) -> None:
        self._room = SimulatedRoom(RoomParameters.from_area(floor_area_m2), saved)
        self.speed = speed
        self._read_s = now_s

    @override
    def read(self, now_s: float, heat_output_w: float | None) -> RoomReading:
        # A clock that was set back, or a machine that slept, stands still in the simulation.
        elapsed_s = min(max(now_s - self._read_s, 0.0), 60.0)
        self._read_s = now_s
        self._room.advance(elapsed_s * self.speed, heat_output_w or 0.0)
        return RoomReading(
            time_s=self._room.time_s,
            temperature_c=self._room.temperature_c,
            outdoor_c=self._room.outdoor_c,
            heat_output_w=heat_output_w,
        )

    @override
    def save(self) -> dict[str, object]:
        return dict(self._room.save())
