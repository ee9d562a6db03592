"""A room in EnergyPlus, driven minute by minute through its runtime interface."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyenergyplus import dataset
from pyenergyplus.api import EnergyPlusAPI

from .trial import Trial
from .weather import Weather, read_epw

WARMUP_W = 250.0
MATERIALS = {
    "Concrete": (0.16, 1.75, 2300, 920),
    "Slab": (0.18, 1.75, 2300, 920),
    "Screed": (0.05, 1.1, 2000, 850),
    "Insulation": (0.045, 0.04, 30, 1400),
    "Wool": (0.06, 0.04, 30, 1000),
    "Gypsum": (0.013, 0.25, 900, 1000),
    "Board": (0.022, 0.14, 650, 1700),
    "Wood": (0.03, 0.14, 600, 1700),
}
"""Thickness m, conductivity W/mK, density kg/m³, specific heat J/kgK."""
CONSTRUCTIONS = {
    True: {
        "Outside": ("Concrete", "Insulation", "Gypsum"),
        "Inside": ("Concrete",),
        "Floor": ("Slab", "Screed"),
        "Ceiling": ("Screed", "Slab"),
        "Furniture": ("Wood",),
    },
    False: {
        "Outside": ("Board", "Insulation", "Gypsum"),
        "Inside": ("Gypsum", "Wool", "Gypsum"),
        "Floor": ("Wool", "Board"),
        "Ceiling": ("Wool", "Gypsum"),
        "Furniture": ("Wood",),
    },
}
WIDTH, DEPTH, HEIGHT = 4.0, 4.5, 2.5
VOLUME_M3 = WIDTH * DEPTH * HEIGHT
WALLS = {
    "Outside": ((0, 0), (WIDTH, 0)),
    "East": ((WIDTH, 0), (WIDTH, DEPTH)),
    "North": ((WIDTH, DEPTH), (0, DEPTH)),
    "West": ((0, DEPTH), (0, 0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyPlusRoom:
    """One room: heavy or light, its window's azimuth in degrees from north, a weather file."""

    heavy: bool
    azimuth: float
    weather: str

    def load_weather(self) -> Weather:
        """Read the weather that EnergyPlus will use."""
        return read_epw(Path(dataset.weather_files[self.weather]))

    def run(self, trial: Trial, days: int) -> None:
        """Play `days` days of the trial in this room; RuntimeError if EnergyPlus fails."""
        api = EnergyPlusAPI()
        state = api.state_manager.new_state()
        exchange = api.exchange
        handles: dict[str, int] = {}
        minute = 0
        errors: list[Exception] = []

        def set_value(key: str, value: float) -> None:
            exchange.set_actuator_value(state, handles[key], value)

        def step(state: object) -> None:
            nonlocal minute
            if errors or not exchange.api_data_fully_ready(state):
                return
            if not handles:
                handles.update(_handles(exchange, state))
            if exchange.warmup_flag(state):
                set_value("radiator", WARMUP_W)
                return
            try:
                air_c = exchange.get_variable_value(state, handles["air"])
                given = trial.minute(minute, air_c)
            except Exception as error:  # noqa: BLE001 - must not pass through a C callback
                errors.append(error)
                return
            set_value("radiator", given.radiator_w)
            set_value("people", given.gains_w)
            set_value("air_changes", given.air_changes * VOLUME_M3 / 3600)
            minute += 1

        api.runtime.set_console_output_status(state, print_output=False)
        api.runtime.callback_begin_zone_timestep_before_init_heat_balance(state, step)
        exchange.request_variable(state, "Zone Mean Air Temperature", "Room")
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "room.idf"
            model.write_text(self.model(days))
            weather = dataset.weather_files[self.weather]
            code = api.runtime.run_energyplus(state, ["-w", weather, "-d", folder, str(model)])
            report = (Path(folder) / "eplusout.err").read_text()
        api.state_manager.delete_state(state)
        if errors:
            raise errors[0]
        if code or minute != days * 1440:
            raise RuntimeError(f"EnergyPlus ended after {minute} minutes:\n{report[-3000:]}")

    def model(self, days: int) -> str:
        """Return the EnergyPlus input for this room."""
        month, day = _date(days)
        objects: list[tuple[object, ...]] = [
            ("Version", "25.2"),
            ("Timestep", 60),
            ("Building", "House", self.azimuth - 180, "City", 0.04, 0.2, "FullExterior", 25, 6),
            ("GlobalGeometryRules", "UpperLeftCorner", "Counterclockwise", "Relative"),
            ("SimulationControl", "No", "No", "No", "No", "Yes"),
            ("RunPeriod", "Winter", 1, 1, "", month, day, "", "Monday", "No", "No", "No"),
            ("Zone", "Room", 0, 0, 0, 0, 1, 1, HEIGHT, VOLUME_M3),
            ("ZoneCapacitanceMultiplier:ResearchSpecial", "Air", "Room", 1.5),
            ("ScheduleTypeLimits", "Any"),
            ("Schedule:Constant", "Always", "Any", 1),
            ("WindowMaterial:SimpleGlazingSystem", "Glass", 2.2, 0.35),
            ("Construction", "Window", "Glass"),
            (
                "ZoneInfiltration:DesignFlowRate",
                *("Air changes", "Room", "Always", "Flow/Zone", 0.006, "", "", "", 1, 0, 0, 0),
            ),
            _equipment("Radiator", 0.3),
            _equipment("People", 0.5),
            ("InternalMass", "Chairs", "Furniture", "Room", "", 14),
        ]
        objects += [
            ("Material", name, "Rough", *values, 0.9, 0.6, 0.6)
            for name, values in MATERIALS.items()
        ]
        constructions = CONSTRUCTIONS[self.heavy]
        objects += [("Construction", name, *layers) for name, layers in constructions.items()]
        for name, ((x1, y1), (x2, y2)) in WALLS.items():
            corners = (x1, y1, HEIGHT, x1, y1, 0, x2, y2, 0, x2, y2, HEIGHT)
            objects.append(_surface(name, "Wall", corners, outside=name == "Outside"))
        w, d, h = WIDTH, DEPTH, HEIGHT
        objects.append(_surface("Floor", "Floor", (0, 0, 0, 0, d, 0, w, d, 0, w, 0, 0)))
        objects.append(_surface("Ceiling", "Ceiling", (0, d, h, 0, 0, h, w, 0, h, w, d, h)))
        pane = (1, 0, 2.3, 1, 0, 0.9, 3, 0, 0.9, 3, 0, 2.3)
        objects.append(
            (
                *("FenestrationSurface:Detailed", "Pane", "Window", "Window", "Outside"),
                *("", "autocalculate", "", 1, 4, *pane),
            )
        )
        return "\n".join(",".join(map(str, fields)) + ";" for fields in objects)


def _equipment(name: str, radiant: float) -> tuple[object, ...]:
    """Return a source of heat whose watts the trial sets."""
    return (
        *("OtherEquipment", name, "None", "Room", "Always", "EquipmentLevel"),
        *(1, "", "", 0, radiant, 0),
    )


def _surface(
    name: str, kind: str, corners: tuple[float, ...], *, outside: bool = False
) -> tuple[object, ...]:
    """Return a surface: the outside wall in the weather, all others between warm rooms."""
    construction = name if kind != "Wall" else "Outside" if outside else "Inside"
    around = ("Outdoors", "", "SunExposed", "WindExposed")
    if not outside:
        around = ("Adiabatic", "", "NoSun", "NoWind")
    head = ("BuildingSurface:Detailed", name, kind, construction, "Room", "")
    return (*head, *around, "autocalculate", 4, *corners)


def _handles(exchange: object, state: object) -> dict[str, int]:
    """Return EnergyPlus's handles for what the trial reads and sets."""
    found = {
        "air": exchange.get_variable_handle(state, "Zone Mean Air Temperature", "Room"),  # type: ignore[attr-defined]
    }
    for key, kind, control, name in (
        ("radiator", "OtherEquipment", "Power Level", "Radiator"),
        ("people", "OtherEquipment", "Power Level", "People"),
        ("air_changes", "Zone Infiltration", "Air Exchange Flow Rate", "Air changes"),
    ):
        found[key] = exchange.get_actuator_handle(state, kind, control, name)  # type: ignore[attr-defined]
    missing = [key for key, handle in found.items() if handle < 0]
    if missing:
        raise RuntimeError(f"EnergyPlus knows no {missing}")
    return found


def _date(days: int) -> tuple[int, int]:
    """Return month and day of the last of `days` days from 1 January."""
    for month, length in enumerate((31, 28, 31), start=1):
        if days <= length:
            return month, days
        days -= length
    raise ValueError("a winter of at most 90 days")
