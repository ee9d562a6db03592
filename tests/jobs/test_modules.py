"""The modules themselves: right answers, the same ones every time, and no others."""

import math
from pathlib import Path

import pytest

from custom_components.qheat.backend import catalogue, option_price, picture_tile
from custom_components.qheat.backend.fields import write_fields

from .host import run_job, shrink

OPTION: dict[str, str | float] = {
    "style": "european",
    "right": "call",
    "spot": 100,
    "strike": 100,
    "rate": 0.03,
    "volatility": 0.2,
    "years": 1,
    "steps": 1,
    "paths": 200_000,
    "seed": 1,
}
SMALLER: dict[str, dict[str, int]] = {
    "option_price": {"paths": 2000},
    "picture_tile": {"samples": 1},
    "docking": {"runs": 3, "steps": 4000},
}


def small_job(kind: str) -> bytes:
    offers = (catalogue.offer(number) for number in range(len(SMALLER)))
    job = next(offer for offer in offers if offer.kind == kind)
    return shrink(job.input_data, **SMALLER[kind])


def priced(folder: Path, terms: dict[str, str | float]) -> tuple[float, float]:
    run = run_job("option_price", write_fields((OPTION | terms).items()), folder)
    assert run.code == 0, run.complaint
    lines = dict(line.split("=") for line in run.output.decode().splitlines())
    return float(lines["price"]), float(lines["error"])


@pytest.mark.parametrize("right", ["call", "put"])
@pytest.mark.parametrize("strike", [80, 100, 130])
@pytest.mark.parametrize("steps", [1, 7])
def test_a_european_price_agrees_with_black_and_scholes(
    right: str, strike: int, steps: int, tmp_path: Path
) -> None:
    price, error = priced(tmp_path, {"right": right, "strike": strike, "steps": steps})
    # The formula itself, written out once more, independently of the code under test.
    above = (math.log(100 / strike) + 0.03 + 0.02) / 0.2
    normal = [(1 + math.erf(x / math.sqrt(2))) / 2 for x in (above, above - 0.2)]
    call = 100 * normal[0] - strike * math.exp(-0.03) * normal[1]
    exact = call if right == "call" else call - 100 + strike * math.exp(-0.03)
    assert 0 < error < 0.05
    assert abs(price - exact) < 4.5 * error


def test_an_asian_price_keeps_put_call_parity(tmp_path: Path) -> None:
    asian: dict[str, str | float] = {"style": "asian", "steps": 12, "paths": 100_000}
    call, call_error = priced(tmp_path, asian)
    put, put_error = priced(tmp_path, asian | {"right": "put", "seed": 2})
    mean = 100 * sum(math.exp(0.03 * month / 12) for month in range(1, 13)) / 12
    assert abs(call - put - math.exp(-0.03) * (mean - 100)) < 5 * math.hypot(call_error, put_error)


def test_four_times_the_paths_halve_the_error(tmp_path: Path) -> None:
    _, few = priced(tmp_path, {"paths": 40_000})
    _, many = priced(tmp_path, {"paths": 160_000})
    assert many == pytest.approx(few / 2, rel=0.05)


@pytest.mark.parametrize("kind", SMALLER)
def test_the_same_input_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    first, second = (run_job(kind, small_job(kind), tmp_path) for _ in range(2))
    assert first.code == 0, first.complaint
    assert first == second
    other_seed = small_job(kind).replace(b"seed=0\n", b"seed=7\n")
    assert run_job(kind, other_seed, tmp_path).output != first.output


@pytest.mark.parametrize("kind", SMALLER)
def test_an_honest_result_is_accepted(kind: str, tmp_path: Path) -> None:
    job = small_job(kind)
    run = run_job(kind, job, tmp_path)
    assert catalogue.check_output(kind, job, run.output) is None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"rate=0.03\n", b"", "missing: rate"),
        (b"rate=0.03\n", b"rate=0.03\nrate=0.04\n", "given twice: rate"),
        (b"rate=0.03\n", b"rate=0.03\nmood=good\n", "unknown key: mood"),
        (b"rate=0.03\n", b"rate=nan\n", "not a number: rate"),
        (b"rate=0.03\n", b"rate=inf\n", "not a number: rate"),
        (b"rate=0.03\n", b"rate=1e999\n", "out of range: rate"),
        (b"rate=0.03\n", b"rate=-0.1\n", "out of range: rate"),
        (b"rate=0.03\n", b"rate=0x1\n", "not a number: rate"),
        (b"rate=0.03\n", b"rate=\n", "not a number: rate"),
        (b"rate=0.03\n", b"rate=0.03 0.04\n", "more than one number: rate"),
        (b"rate=0.03\n", b"rate\n", "not key=value: rate"),
        (b"rate=0.03\n", b"rate=0.0\x003\n", "not text: stdin"),
        (b"style=european", b"style=bermudan", "not one of the choices: style"),
        (b"paths=200000", b"paths=100.5", "not a whole number: paths"),
        (b"paths=200000", b"paths=101", "must be even: paths"),
        (b"seed=1\n", b"seed=1", "last line is cut off: seed=1"),
        (b"seed=1\n", b"seed=1\n" * 20_000, "input too long: 64 KiB at most"),
    ],
)
def test_bad_input_is_refused_and_says_why(
    old: bytes, new: bytes, why: str, tmp_path: Path
) -> None:
    job = write_fields(OPTION.items())
    assert job.count(old) == 1
    run = run_job("option_price", job.replace(old, new), tmp_path)
    assert (run.code, run.output, run.complaint) == (1, b"", f"{why}\n")


def test_empty_input_is_refused(tmp_path: Path) -> None:
    for kind in SMALLER:
        run = run_job(kind, b"", tmp_path)
        assert (run.code, run.output) == (1, b"")
        assert run.complaint.startswith("missing: ")


@pytest.mark.parametrize(
    ("atoms", "why"),
    [
        ("ligand=0 0 0 3 0.5 0\n" * 41, "too many rows: ligand"),
        ("ligand=0 0 0 3 0.5\n", "not a number: ligand"),
        ("ligand=0 0 0 3 0.5 0 0\n", "too many columns: ligand"),
        ("ligand=0 0 0 3 -1 0\n", "minimum or depth is not positive: ligand"),
        ("ligand=0 0 1e3 3 0.5 0\n", "out of range: ligand"),
    ],
)
def test_bad_molecules_are_refused(atoms: str, why: str, tmp_path: Path) -> None:
    job = f"receptor=0 0 0 3 0.5 0\nruns=1\nsteps=1\nseed=0\n{atoms}".encode()
    run = run_job("docking", job, tmp_path)
    assert (run.code, run.output, run.complaint) == (1, b"", f"{why}\n")


def test_two_atoms_dock_at_their_resting_distance(tmp_path: Path) -> None:
    atom = "0 0 0 3 0.5 0"
    job = f"receptor={atom}\nligand={atom}\nruns=2\nsteps=20000\nseed=5\n".encode()
    lines = run_job("docking", job, tmp_path).output.decode().splitlines()
    numbers = {key: float(value) for key, value in (line.split("=") for line in lines)}
    assert numbers["energy"] == pytest.approx(-0.5, abs=1e-3)
    assert math.hypot(numbers["x"], numbers["y"], numbers["z"]) == pytest.approx(3, abs=0.05)
    assert numbers["agreeing"] == 2


def test_atoms_on_top_of_each_other_give_finite_numbers(tmp_path: Path) -> None:
    atom = "0 0 0 100 100 1"
    job = f"receptor={atom}\nligand={atom}\nruns=1\nsteps=1\nseed=0\n".encode()
    run = run_job("docking", job, tmp_path)
    assert run.code == 0
    assert b"nan" not in run.output
    assert b"inf" not in run.output


def test_a_tile_beyond_the_picture_is_refused(tmp_path: Path) -> None:
    job = shrink(small_job("picture_tile"), left=361)
    run = run_job("picture_tile", job, tmp_path)
    assert (run.code, run.output) == (1, b"")


def test_a_picture_does_not_depend_on_how_it_is_cut(tmp_path: Path) -> None:
    def render(**terms: int) -> list[bytes]:
        job = shrink(small_job("picture_tile"), **(terms | {"width": 24, "height": 16}))
        run = run_job("picture_tile", job, tmp_path)
        assert run.code == 0, run.complaint
        columns = terms["columns"] * 3
        pixels = run.output.split(b"\n", 3)[3]
        return [pixels[at : at + columns] for at in range(0, len(pixels), columns)]

    whole = render(left=0, top=0, columns=24, rows=16)
    left = render(left=0, top=0, columns=10, rows=16)
    right = render(left=10, top=0, columns=14, rows=16)
    assert [a + b for a, b in zip(left, right, strict=True)] == whole


def test_the_room_is_darker_at_night(tmp_path: Path) -> None:
    noon, night = (
        run_job("picture_tile", small_job("picture_tile").replace(b"hour=18.0", hour), tmp_path)
        for hour in (b"hour=13", b"hour=2")
    )
    assert sum(picture_tile.read_pixels(noon.output)) > sum(picture_tile.read_pixels(night.output))


def test_every_option_of_the_catalogue_has_a_price_within_its_bounds(tmp_path: Path) -> None:
    for number in range(0, 80, 7):
        job = option_price.make(number)
        job = shrink(job, paths=20_000)
        run = run_job("option_price", job, tmp_path)
        assert option_price.check(job, run.output) is None
