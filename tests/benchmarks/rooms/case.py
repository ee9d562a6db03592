"""One winter in one room, and the thermostats that can be played in it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from custom_components.qheat.compute.boinc.plan import Planner
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.engine import PowerModel
from custom_components.qheat.heating import RadiatorRating

from .baselines import Hysteresis, PlainPi, TimeProportional
from .bound import Bound
from .iso13790 import IsoRoom
from .ours import Ours
from .people import Schedule
from .radiator import AnyRadiator, GpuRadiator, IdealRadiator, PausingRadiator, Radiator
from .sensor import Sensing, Sensor
from .trial import AIR_CHANGES, Score, Thermostat, Trial
from .weather import Weather, synthetic

IDLE_W = 20.0
IDEAL_SENSING = Sensing(step_c=1e-9, lag_s=0.0, noise_k=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One winter in one room. `climate` is an EnergyPlus weather file, or empty for ISO 13790."""

    name: str
    heavy: bool
    azimuth: float
    climate: str = ""
    slots: int = 6
    slot_w: float = 80.0
    gpu_w: float = 0.0
    """What a GPU adds, that the thermostat takes for a share of each slot."""
    sensing: Sensing = field(default_factory=Sensing)
    schedule: Schedule = field(default_factory=Schedule)
    strength: float = 1.0
    """What a slot gives, of what its rating says."""
    shown: float = 1.0
    """What the radiator's meter shows, of what it gives."""
    min_on: int = 10
    knows_weather: bool = True
    forgets_every: int = 9
    air_changes: float = AIR_CHANGES
    seed: int = 1

    def run(self, thermostat: str, days: int) -> Score:
        """Play one thermostat and return its score."""
        if not self.climate:
            trial = self.trial(thermostat, synthetic(self.seed))
            mass_j_m2k = 260e3 if self.heavy else 110e3
            IsoRoom(mass_j_m2k=mass_j_m2k, azimuth=self.azimuth).run(trial, days)
            return trial.score()
        # Imported here: EnergyPlus is optional, the ISO 13790 rooms need nothing.
        from .energyplus import EnergyPlusRoom  # noqa: PLC0415

        room = EnergyPlusRoom(heavy=self.heavy, azimuth=self.azimuth, weather=self.climate)
        trial = self.trial(thermostat, room.load_weather())
        room.run(trial, days)
        return trial.score()

    def trial(self, name: str, weather: Weather) -> Trial:
        """Return what plays a thermostat, by its name, in whatever room."""
        rating = RadiatorRating(
            idle_w=IDLE_W,
            rated_w=IDLE_W + self.slots * self.slot_w + self.gpu_w,
            slots=self.slots,
        )
        thermostat = THERMOSTATS[name](rating)
        sensing = IDEAL_SENSING if isinstance(thermostat, Bound) else self.sensing
        return Trial(
            thermostat=thermostat,
            weather=weather,
            seed=self.seed,
            schedule=self.schedule,
            knows_weather=self.knows_weather,
            forgets_every=self.forgets_every,
            air_changes=self.air_changes,
            radiator=self._radiator(thermostat, rating),
            shown=self.shown,
            sensor=Sensor(sensing=sensing, chance=random.Random(self.seed + 20)),
        )

    def _radiator(self, thermostat: Thermostat, rating: RadiatorRating) -> AnyRadiator:
        if isinstance(thermostat, Bound):
            return IdealRadiator(slots=round(rating.rated_w))
        if self.gpu_w:
            cores = PowerModel(idle_w=IDLE_W, rated_w=rating.rated_w - self.gpu_w, slots=self.slots)
            planner = Planner(table=WattsTable(cores), gpu_w=self.gpu_w)
            return GpuRadiator(planner=planner, slot_w=rating.slot_w, slots=self.slots)
        slot_w = self.slot_w * self.strength
        if isinstance(thermostat, Ours) and thermostat.rating.pausable:
            return PausingRadiator(idle_w=IDLE_W, slot_w=slot_w, slots=self.slots)
        return Radiator(
            idle_w=IDLE_W,
            slot_w=slot_w,
            slots=self.slots,
            min_on=self.min_on,
            chance=random.Random(self.seed + 10),
        )


THERMOSTATS: Mapping[str, Callable[[RadiatorRating], Thermostat]] = {
    "hysteresis 0.3 K": lambda rating: Hysteresis(all_slots=rating.slots),
    "TPI": lambda rating: TimeProportional(all_slots=rating.slots),
    "PI + outdoor + 2 h lead": lambda rating: PlainPi(
        all_slots=rating.slots, slot_w=rating.slot_w, idle_w=rating.idle_w
    ),
    "qheat": Ours,
    "qheat, ends of jobs unknown": lambda rating: Ours(rating, knows_ends=False),
    "qheat, jobs that pause": lambda rating: Ours(replace(rating, pausable=True)),
    "qheat, parts of a slot": lambda rating: Ours(replace(rating, pausable=True, divisible=True)),
    "bound": lambda rating: Bound(rated_w=rating.rated_w),
}
