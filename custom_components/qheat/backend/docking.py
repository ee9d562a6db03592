"""Jobs that dock a small molecule at a boron nitride nanotube, and the energy of their pose."""

import math
from collections.abc import Sequence
from typing import Final

from .fields import FieldsError, read_numbers, read_words, write_fields
from .molecules import LIGANDS, Atom, Point, boron_nitride_tube

type Turn = tuple[float, float, float, float]
"""A rotation as a unit quaternion w, x, y, z."""

_COULOMB: Final = 1389.35457644
"""Energy in kJ/mol of two elementary charges one angstrom apart."""
_CLOSEST: Final = 0.01
"""Square of the distance in angstrom below which the energy rises no further."""
_SEARCH_MARGIN: Final = 6.0
_TUBES: Final = (10, 12, 9, 14, 11)
_RINGS: Final = 12
_STEPS: Final = 50_000
_PAIRS_PER_JOB: Final = 4_000_000_000
_KEYS: Final = ("energy", "agreeing", "x", "y", "z", "turn_w", "turn_x", "turn_y", "turn_z")


def make(number: int) -> bytes:
    """Return the input of the docking job with this number, from 0 on."""
    ligand = tuple(LIGANDS.values())[number % len(LIGANDS)]
    around = _TUBES[number // len(LIGANDS) % len(_TUBES)]
    receptor = boron_nitride_tube(around, _RINGS)
    fields: list[tuple[str, str | float]] = [("receptor", _row(atom)) for atom in receptor]
    fields += [("ligand", _row(atom)) for atom in ligand]
    fields += [
        ("runs", _PAIRS_PER_JOB // (_STEPS * len(ligand) * len(receptor))),
        ("steps", _STEPS),
        ("seed", number),
    ]
    return write_fields(fields)


def check(input_data: bytes, output: bytes) -> str | None:
    """Return why this output is not a bound pose with its true energy, or None if it is."""
    try:
        numbers = read_numbers(output, _KEYS)
    except FieldsError as error:
        return str(error)
    words = read_words(input_data)
    receptor = [_atom(row) for row in words["receptor"]]
    place, turn = _pose(numbers)
    if not math.isclose(math.hypot(*turn), 1.0, rel_tol=1e-9):
        return "the turn is not a unit quaternion"
    if not _in_reach(place, receptor):
        return "the pose is out of the search's reach"
    if numbers["agreeing"] not in range(1, int(words["runs"][0]) + 1):
        return "not a number of searches that can agree"
    energy = pose_energy(receptor, [_atom(row) for row in words["ligand"]], place, turn)
    if not math.isclose(numbers["energy"], energy, rel_tol=1e-9, abs_tol=1e-6):
        return f"the pose has the energy {energy:.6g}, not {numbers['energy']:.6g}"
    return None if energy < 0.0 else "the pose is not bound"


def energy_kj_mol(output: bytes) -> float:
    """Return the energy of the best pose that an accepted output has."""
    return read_numbers(output, _KEYS)["energy"]


def pose_energy(
    receptor: Sequence[Atom], ligand: Sequence[Atom], place: Point, turn: Turn
) -> float:
    """Return the energy in kJ/mol of the ligand turned, then moved; place in angstrom.

    Lennard-Jones 12-6 with Lorentz-Berthelot mixing, plus Coulomb in vacuum.
    """
    placed = [(atom, _moved(atom.place, place, turn)) for atom in ligand]
    return math.fsum(
        _pair_energy(atom, other, math.dist(at, other.place))
        for atom, at in placed
        for other in receptor
    )


def _pair_energy(atom: Atom, other: Atom, distance: float) -> float:
    square = max(distance * distance, _CLOSEST)
    six = ((atom.rest + other.rest) / 2) ** 6 / square**3
    depth = math.sqrt(atom.depth * other.depth)
    return depth * (six - 2.0) * six + _COULOMB * atom.charge * other.charge / math.sqrt(square)


def _cross(a: Point, b: Point) -> Point:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _moved(point: Point, place: Point, turn: Turn) -> Point:
    w, x, y, z = turn
    once = _cross((x, y, z), point)
    twice = _cross((x, y, z), once)
    return (
        point[0] + 2.0 * (w * once[0] + twice[0]) + place[0],
        point[1] + 2.0 * (w * once[1] + twice[1]) + place[1],
        point[2] + 2.0 * (w * once[2] + twice[2]) + place[2],
    )


def _in_reach(place: Point, receptor: Sequence[Atom]) -> bool:
    return all(
        min(atom.place[axis] for atom in receptor) - _SEARCH_MARGIN
        <= place[axis]
        <= max(atom.place[axis] for atom in receptor) + _SEARCH_MARGIN
        for axis in range(3)
    )


def _row(atom: Atom) -> str:
    numbers = (*atom.place, atom.rest, atom.depth, atom.charge)
    return " ".join(f"{number:.9f}" for number in numbers)


def _atom(row: str) -> Atom:
    x, y, z, rest, depth, charge = map(float, row.split())
    return Atom((x, y, z), rest, depth, charge)


def _pose(numbers: dict[str, float]) -> tuple[Point, Turn]:
    place = (numbers["x"], numbers["y"], numbers["z"])
    return place, (numbers["turn_w"], numbers["turn_x"], numbers["turn_y"], numbers["turn_z"])
