"""Heat demand from temperatures: the thermostat, its guards and a simulated room.

Pure: no Home Assistant, no input or output, no clock of its own.
"""

from .demand import FROST_LIMIT_C, HeatDemand, RadiatorRating, Reason, RoomReading, Target
from .room import DEMO_ROOMS, RoomParameters, SimulatedRoom
from .thermostat import RoomControl

__all__ = [
    "DEMO_ROOMS",
    "FROST_LIMIT_C",
    "HeatDemand",
    "RadiatorRating",
    "Reason",
    "RoomControl",
    "RoomParameters",
    "RoomReading",
    "SimulatedRoom",
    "Target",
]
