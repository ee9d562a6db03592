"""The rooms, radiators, sensors and schedules that thermostats are compared in."""

from .case import Case
from .people import Schedule
from .sensor import Sensing

ORIENTATIONS = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}
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
        name="radiator of 0.6 of its rating",
        heavy=True,
        azimuth=180,
        climate=OKLAHOMA,
        slots=12,
        strength=0.6,
        seed=26,
    ),
    Case(
        name="meter that shows half",
        heavy=False,
        azimuth=90,
        climate=STERLING,
        slots=9,
        shown=0.5,
        seed=27,
    ),
    Case(
        name="PC whose GPU gives 400 of 600 W",
        heavy=True,
        azimuth=90,
        climate=OKLAHOMA,
        slots=12,
        slot_w=15,
        gpu_w=400,
        seed=28,
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
"""Rooms with something odd about them; docs/rooms.md says which had a part in a decision."""
SETS = {
    "iso": ISO13790,
    "energyplus": ENERGYPLUS,
    "others": OTHERS,
    "held-out": HELD_OUT,
    "odd": ODD,
}
