"""The molecules that docking jobs take: small ones, and boron nitride nanotubes.

Depths and resting distances of atoms are those of the DREIDING force field (Mayo, Olafson and
Goddard, 1990). Charges are TIP3P's for water, TraPPE's for carbon dioxide, OPLS-AA's for the other
ligands, and an assumed 0.4 e on a tube's atoms. Lengths in angstrom, energies in kJ/mol.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

type Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Atom:
    """An atom: where it is, and how it pulls and pushes others.

    Two of its kind rest at the distance `rest`, where they gain the energy `depth`; `charge` in
    elementary charges.
    """

    place: Point
    rest: float
    depth: float
    charge: float


_KJ_PER_KCAL: Final = 4.184
_FORCE_FIELD: Final = {  # resting distance, depth in kcal/mol
    "H": (3.195, 0.0152),
    "B": (4.02, 0.095),
    "C": (3.8983, 0.0951),
    "N": (3.6621, 0.0774),
    "O": (3.4046, 0.0957),
}
_BOND: Final = 1.446
_TUBE_CHARGE: Final = 0.4


def _atom(element: str, place: Point, charge: float) -> Atom:
    rest, depth = _FORCE_FIELD[element]
    return Atom(place, rest, depth * _KJ_PER_KCAL, charge)


def _corner(turn: float, radius: float, height: float) -> Point:
    """Place on a ring around the z axis, `turn` being a part of the circle."""
    angle = 2.0 * math.pi * turn
    return (radius * math.cos(angle), radius * math.sin(angle), height)


LIGANDS: Final[Mapping[str, tuple[Atom, ...]]] = {
    "Water": (
        _atom("O", (0.0, 0.0, 0.0), -0.834),
        _atom("H", (0.7570, 0.5859, 0.0), 0.417),
        _atom("H", (-0.7570, 0.5859, 0.0), 0.417),
    ),
    "Carbon dioxide": (
        _atom("C", (0.0, 0.0, 0.0), 0.70),
        _atom("O", (1.16, 0.0, 0.0), -0.35),
        _atom("O", (-1.16, 0.0, 0.0), -0.35),
    ),
    "Benzene": (
        *(_atom("C", _corner(corner / 6, 1.40, 0.0), -0.115) for corner in range(6)),
        *(_atom("H", _corner(corner / 6, 2.48, 0.0), 0.115) for corner in range(6)),
    ),
    "Ammonia": (
        _atom("N", (0.0, 0.0, 0.0), -1.02),
        *(_atom("H", _corner(corner / 3, 0.9377, 0.3807), 0.34) for corner in range(3)),
    ),
    "Methane": (
        _atom("C", (0.0, 0.0, 0.0), -0.24),
        _atom("H", (0.6293, 0.6293, 0.6293), 0.06),
        _atom("H", (0.6293, -0.6293, -0.6293), 0.06),
        _atom("H", (-0.6293, 0.6293, -0.6293), 0.06),
        _atom("H", (-0.6293, -0.6293, 0.6293), 0.06),
    ),
}


def boron_nitride_tube(around: int, rings: int) -> tuple[Atom, ...]:
    """Return a zigzag (around, 0) nanotube of `rings` rings, its axis on z, centred on 0.

    Its geometry is that of the rolled sheet; its two ends are open and bare.
    """
    radius = math.sqrt(3.0) * _BOND * around / (2.0 * math.pi)
    heights = [_BOND * (1.5 * (ring // 2) + 0.5 * (ring % 2)) for ring in range(rings)]
    return tuple(
        _atom(
            "BN"[ring % 2],
            _corner((corner + (ring % 4 in (1, 2)) / 2) / around, radius, height - heights[-1] / 2),
            (_TUBE_CHARGE, -_TUBE_CHARGE)[ring % 2],
        )
        for ring, height in enumerate(heights)
        for corner in range(around)
    )
