"""The rooms, radiators, sensors and schedules that thermostats are compared in."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from custom_components.qheat.heating import RadiatorRating

from .baselines import Hysteresis, PlainPi, TimeProportional
from .bound import Bound
from .iso13790 import IsoRoom
from .ours import Ours
from .people import Schedule
from .radiator import IdealRadiator, PausingRadiator, Radiator
from .sensor import Sensing, Sensor
from .trial import AIR_CHANGES, Score, Thermostat, Trial
from .weather import Weather, synthetic

IDLE_W = 20.0
ORIENTATIONS = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}
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
    sensing: Sensing = field(default_factory=Sensing)
    schedule: Schedule = field(default_factory=Schedule)
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
            idle_w=IDLE_W, rated_w=IDLE_W + self.slots * self.slot_w, slots=self.slots
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
            sensor=Sensor(sensing=sensing, chance=random.Random(self.seed + 20)),
        )

    def _radiator(
        self, thermostat: Thermostat, rating: RadiatorRating
    ) -> Radiator | PausingRadiator | IdealRadiator:
        if isinstance(thermostat, Bound):
            return IdealRadiator(slots=round(rating.rated_w))
        if isinstance(thermostat, Ours) and thermostat.rating.pausable:
            return PausingRadiator(idle_w=IDLE_W, slot_w=self.slot_w, slots=self.slots)
        return Radiator(
            idle_w=IDLE_W,
            slot_w=self.slot_w,
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
MILD, STERLING, COLDER = "usa_ca_fresno", "usa_va_sterling", "usa_nj_newark"
CHICAGO, DENVER, OKLAHOMA = "usa_il_chicago", "usa_co_denver", "usa_ok_oklahoma"
BOULDER, LAS_VEGAS = "usa_co_boulder", "usa_nv_las_vegas"


def _weight(*, heavy: bool) -> str:
    return "heavy" if heavy else "light"


ENERGYPLUS = [
    Case(name=f"Fresno {_weight(heavy=heavy)} {to}", heavy=heavy, azimuth=azimuth, climate=MILD)
    for heavy in (True, False)
    for to, azimuth in ORIENTATIONS.items()
]
OTHERS = [
    Case(name="Sterling heavy N 740 W", heavy=True, azimuth=0, climate=STERLING, slots=9),
    Case(name="Newark light S 980 W", heavy=False, azimuth=180, climate=COLDER, slots=12),
    Case(name="25 W slots", heavy=False, azimuth=0, climate=MILD, slots=19, slot_w=25),
    Case(name="160 W slots", heavy=True, azimuth=180, climate=MILD, slots=3, slot_w=160),
    Case(
        name="poor sensor",
        heavy=True,
        azimuth=0,
        climate=MILD,
        sensing=Sensing(step_c=0.2, every=5, lag_s=900),
    ),
    Case(name="0.5 °C sensor", heavy=False, azimuth=90, climate=MILD, sensing=Sensing(step_c=0.5)),
    Case(
        name="irregular sensor",
        heavy=True,
        azimuth=270,
        climate=MILD,
        sensing=Sensing(every=10, irregular=True),
    ),
    Case(
        name="early birds, 19/15 °C",
        heavy=False,
        azimuth=180,
        climate=STERLING,
        slots=9,
        schedule=Schedule(blocks=((5 * 60 + 30, 21 * 60),), day_c=19, night_c=15),
    ),
]
ISO13790 = [
    Case(name=f"ISO 13790 {_weight(heavy=heavy)} {to}", heavy=heavy, azimuth=ORIENTATIONS[to])
    for heavy in (True, False)
    for to in ("N", "S")
]
HELD_OUT = [
    Case(name="Chicago heavy E 980 W", heavy=True, azimuth=90, climate=CHICAGO, slots=12, seed=2),
    Case(name="Denver light W 740 W", heavy=False, azimuth=270, climate=DENVER, slots=9, seed=3),
    Case(name="Oklahoma light S 500 W", heavy=False, azimuth=180, climate=OKLAHOMA, seed=4),
    Case(name="Newark heavy N 740 W", heavy=True, azimuth=0, climate=COLDER, slots=9, seed=16),
    Case(name="Boulder light E 980 W", heavy=False, azimuth=90, climate=BOULDER, slots=12, seed=17),
    Case(name="Las Vegas heavy W", heavy=True, azimuth=270, climate=LAS_VEGAS, seed=18),
]
"""Rooms that nothing was tuned on."""
ODD = [
    Case(
        name="weekends away",
        heavy=True,
        azimuth=270,
        climate=OKLAHOMA,
        schedule=Schedule(away=(5, 6)),
        seed=5,
    ),
    Case(name="300 W", heavy=True, azimuth=90, climate=MILD, slots=5, slot_w=56, seed=6),
    Case(
        name="no weather at all",
        heavy=False,
        azimuth=0,
        climate=OKLAHOMA,
        slots=9,
        knows_weather=False,
        seed=7,
    ),
    Case(
        name="sensor every 5 min, 10 min late",
        heavy=True,
        azimuth=180,
        climate=OKLAHOMA,
        sensing=Sensing(every=5, lag_s=600),
        seed=8,
    ),
    Case(
        name="sensor 15 min late",
        heavy=False,
        azimuth=0,
        climate=STERLING,
        slots=9,
        sensing=Sensing(lag_s=900),
        seed=10,
    ),
    Case(
        name="sensor of 0.2 °C every 5 min",
        heavy=True,
        azimuth=90,
        climate=STERLING,
        slots=9,
        sensing=Sensing(step_c=0.2, every=5),
        seed=11,
    ),
    Case(
        name="sensor of 0.5 °C",
        heavy=True,
        azimuth=0,
        climate=OKLAHOMA,
        slots=9,
        sensing=Sensing(step_c=0.5),
        seed=12,
    ),
    Case(
        name="sensor with 0.1 K of noise",
        heavy=False,
        azimuth=90,
        climate=OKLAHOMA,
        slots=9,
        sensing=Sensing(step_c=0.01, noise_k=0.1),
        seed=20,
    ),
    Case(
        name="sensor of 10 min, asked every minute",
        heavy=True,
        azimuth=180,
        climate=OKLAHOMA,
        sensing=Sensing(every=10, asked=True),
        seed=24,
    ),
    Case(
        name="sensor now and then, 10 min",
        heavy=False,
        azimuth=270,
        climate=STERLING,
        slots=9,
        sensing=Sensing(every=10, irregular=True),
        seed=13,
    ),
    Case(
        name="sensor now and then, asked every minute",
        heavy=False,
        azimuth=270,
        climate=STERLING,
        slots=9,
        sensing=Sensing(every=10, irregular=True, asked=True),
        seed=25,
    ),
    Case(
        name="sensor of 0.5 K changes, hourly else",
        heavy=True,
        azimuth=90,
        climate=STERLING,
        slots=9,
        sensing=Sensing(step_c=0.01, every=60, noise_k=0.02, on_change_k=0.5),
        seed=21,
    ),
    Case(
        name="sensor of 0.5 K changes, 2 h else",
        heavy=False,
        azimuth=180,
        climate=OKLAHOMA,
        slots=9,
        sensing=Sensing(step_c=0.1, every=120, noise_k=0.02, on_change_k=0.45),
        seed=22,
    ),
    Case(
        name="sensor of 0.2 K changes, hourly else",
        heavy=False,
        azimuth=0,
        climate=STERLING,
        slots=9,
        sensing=Sensing(step_c=0.1, every=60, noise_k=0.02, on_change_k=0.15),
        seed=23,
    ),
    Case(
        name="slots that run an hour",
        heavy=False,
        azimuth=90,
        climate=STERLING,
        slots=9,
        min_on=60,
        seed=9,
    ),
    Case(
        name="slots of 25 W",
        heavy=True,
        azimuth=270,
        climate=STERLING,
        slots=28,
        slot_w=25,
        seed=14,
    ),
    Case(
        name="slots of 160 W",
        heavy=False,
        azimuth=0,
        climate=STERLING,
        slots=5,
        slot_w=160,
        seed=15,
    ),
    Case(
        name="window forgotten every other day",
        heavy=True,
        azimuth=180,
        climate=STERLING,
        slots=9,
        forgets_every=2,
        seed=19,
    ),
]
"""Rooms with something odd about them, that nothing was tuned on either."""
SETS = {
    "iso": ISO13790,
    "energyplus": ENERGYPLUS,
    "others": OTHERS,
    "held-out": HELD_OUT,
    "odd": ODD,
}
