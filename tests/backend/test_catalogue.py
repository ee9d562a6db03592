import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.backend import catalogue, docking, molecules, option_price
from custom_components.qheat.backend.fields import FieldsError, read_numbers, write_fields

POSE = {
    "energy": 0.0,
    "agreeing": 1.0,
    "x": 0.1,
    "y": 0.2,
    "z": 9.5,
    "turn_w": 0.5,
    "turn_x": 0.5,
    "turn_y": -0.5,
    "turn_z": 0.5,
}


def honest_pose() -> dict[str, float]:
    tube, water = molecules.boron_nitride_tube(10, 12), molecules.LIGANDS["Water"]
    energy = docking.pose_energy(tube, water, (0.1, 0.2, 9.5), (0.5, 0.5, -0.5, 0.5))
    return POSE | {"energy": energy}


WATER = docking.make(0)
ASIAN = option_price.make(0)
EUROPEAN = option_price.make(7)
INPUTS = {offer.kind: offer.input_data for offer in map(catalogue.offer, range(3))}


def lines(numbers: dict[str, float]) -> bytes:
    return write_fields((key, f"{value:.17g}") for key, value in numbers.items())


def test_all_three_kinds_are_among_the_first_three_jobs() -> None:
    assert {catalogue.offer(number).kind for number in range(3)} == set(catalogue.MODULES)


def test_the_supply_is_endless_and_the_same_every_time() -> None:
    seen = set()
    for number in [*range(300), 10**6, 10**9]:
        offer = catalogue.offer(number)
        assert offer == catalogue.offer(number)
        assert offer.number == number
        assert len(offer.input_data) < 64 * 1024
        assert Decimal("0.001") <= offer.pay <= Decimal("0.004")
        seen.add((offer.kind, offer.input_data))
    assert len(seen) == 302


@given(kind=st.sampled_from(sorted(INPUTS)), output=st.binary(max_size=400))
def test_garbage_is_refused_with_a_reason(kind: str, output: bytes) -> None:
    assert catalogue.check_output(kind, INPUTS[kind], output)


@given(
    number=st.floats() | st.text(max_size=30) | st.integers(),
    key=st.sampled_from(["price", "error", "energy", "agreeing", "x", "turn_w"]),
)
def test_a_wrong_number_never_raises(number: object, key: str) -> None:
    for kind, job, good in (
        ("docking", WATER, {k: str(v) for k, v in honest_pose().items()}),
        ("option_price", EUROPEAN, {"price": "8", "error": "0.0001"}),
    ):
        output = "".join(f"{k}={v}\n" for k, v in (good | {key: str(number)}).items())
        reason = catalogue.check_output(kind, job, output.encode("utf-8", "replace"))
        assert reason is None or reason


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_read_back_as_they_were_written(numbers: dict[str, float]) -> None:
    assert read_numbers(lines(numbers), tuple(numbers)) == numbers


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"price=1\n",
        b"price=1\nerror=1",
        b"error=1\nprice=1\n",
        b"price=1\nprice=1\nerror=1\n",
        b"price=1\nerror=1\nmore=1\n",
        b"price=nan\nerror=1\n",
        b"price=inf\nerror=1\n",
        b"price=1e999\nerror=1\n",
        b"price=1_0\nerror=1\n",
        b"price= 1\nerror=1\n",
        b"price=1\r\nerror=1\n",
        b"price=\xd9\xa1\nerror=1\n",
        b"price=1\n\nerror=1\n",
        b"price=" + b"1" * 200 + b"\nerror=1\n",
    ],
)
def test_numbers_that_do_not_read_as_they_should_are_refused(output: bytes) -> None:
    with pytest.raises(FieldsError):
        read_numbers(output, ("price", "error"))


def test_a_european_price_must_be_that_of_black_and_scholes() -> None:
    assert b"style=european\nright=put\nspot=100.0\nstrike=110\n" in EUROPEAN
    low, high = option_price.price_bounds(
        option_price.Option(
            right="put", spot=100, strike=110, rate=0.03, volatility=0.3, years=1, steps=1
        )
    )
    assert low == pytest.approx(high, rel=1e-12)
    assert low == pytest.approx(15.9890, abs=1e-4)
    assert option_price.check(EUROPEAN, lines({"price": low, "error": 1e-4})) is None
    assert option_price.check(EUROPEAN, lines({"price": low + 1e-3, "error": 1e-4}))


def test_an_error_too_large_for_its_paths_excuses_nothing() -> None:
    reason = option_price.check(EUROPEAN, lines({"price": 50, "error": 10}))
    assert reason == "no such standard error comes from so many paths"
    assert option_price.check(EUROPEAN, lines({"price": 50, "error": -10})) == reason
    assert option_price.check(EUROPEAN, lines({"price": 15.9890, "error": 0})) == reason


@pytest.mark.parametrize(("price", "accepted"), [(5.36, True), (4.9, False), (6.5, False)])
def test_an_asian_price_lies_between_what_mathematics_allows(price: float, accepted: bool) -> None:
    reason = option_price.check(ASIAN, lines({"price": price, "error": 0.001}))
    assert (reason is None) is accepted


def test_the_price_of_an_accepted_output_is_shown() -> None:
    assert option_price.price(lines({"price": 5.73249, "error": 0.00412})) == 5.73249


def test_an_honest_pose_is_accepted_and_its_energy_shown() -> None:
    output = lines(honest_pose())
    assert docking.check(WATER, output) is None
    assert docking.energy_kj_mol(output) == honest_pose()["energy"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"energy": -1000.0}, "the pose has the energy"),
        ({"turn_w": 0.6}, "the turn is not a unit quaternion"),
        ({"turn_w": 1e300}, "the turn is not a unit quaternion"),
        ({"z": 30.0}, "the pose is out of the search's reach"),
        ({"z": -1e300}, "the pose is out of the search's reach"),
        ({"agreeing": 0.0}, "not a number of searches"),
        ({"agreeing": 1e6}, "not a number of searches"),
        ({"agreeing": 1.5}, "not a number of searches"),
    ],
)
def test_a_pose_that_lies_is_refused(change: dict[str, float], why: str) -> None:
    reason = docking.check(WATER, lines(honest_pose() | change))
    assert reason is not None
    assert reason.startswith(why)


def test_a_pose_inside_the_wall_is_not_bound() -> None:
    place = molecules.boron_nitride_tube(10, 12)[0].place
    tube, water = molecules.boron_nitride_tube(10, 12), molecules.LIGANDS["Water"]
    energy = docking.pose_energy(tube, water, place, (1.0, 0.0, 0.0, 0.0))
    pose = dict(zip("xyz", place, strict=True)) | {"energy": energy}
    turn = {"turn_w": 1.0, "turn_x": 0.0, "turn_y": 0.0, "turn_z": 0.0}
    reason = docking.check(WATER, lines(POSE | pose | turn))
    assert reason is not None


def test_every_ligand_is_neutral_and_every_tube_has_the_bonds_of_its_sheet() -> None:
    for ligand in molecules.LIGANDS.values():
        assert sum(atom.charge for atom in ligand) == pytest.approx(0, abs=1e-12)
    tube = molecules.boron_nitride_tube(12, 12)
    assert len(tube) == 144
    assert sum(atom.charge for atom in tube) == pytest.approx(0, abs=1e-12)
    for atom in tube[24:-24]:
        distances = sorted(math.dist(atom.place, other.place) for other in tube)
        assert distances[1:4] == pytest.approx([1.446] * 3, abs=0.02)
        assert distances[4] > 2.3
