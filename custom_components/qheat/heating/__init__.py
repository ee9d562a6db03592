"""Heat demand from temperatures: the thermostat, what is set on it, its guards, simulated rooms.

Pure: no Home Assistant, no input or output, no clock of its own.
"""

from .demand import FROST_LIMIT_C, HeatDemand, Learned, RadiatorRating, Reason, RoomReading, Target
from .guards import RatingDoubt, believable
from .learn import refit
from .room import RoomParameters, SimulatedRoom
from .thermostat import RoomControl

__all__ = [
    "FROST_LIMIT_C",
    "HeatDemand",
    "Learned",
    "RadiatorRating",
    "RatingDoubt",
    "Reason",
    "RoomControl",
    "RoomParameters",
    "RoomReading",
    "SimulatedRoom",
    "Target",
    "believable",
    "refit",
]
