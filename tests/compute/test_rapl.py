"""RAPL on a tree of files as Linux shows it, and on trees as it should never show them."""

import os
from pathlib import Path

import pytest

from custom_components.qheat.compute.rapl import Rapl

RANGE_UJ = 262_143_328_850


def zone(root: Path, name: str, label: str = "package-0", energy: str = "0") -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "name").write_text(f"{label}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    return folder


def use(folder: Path, joules: float) -> None:
    energy = folder / "energy_uj"
    energy.write_text(f"{(int(energy.read_text()) + round(joules * 1e6)) % (RANGE_UJ + 1)}\n")


def test_a_machine_without_rapl_has_no_watts(tmp_path: Path) -> None:
    rapl = Rapl(tmp_path / "not there")
    assert rapl.power_w(1.0) is None
    assert rapl.power_w(2.0) is None
    assert not rapl.is_there


def test_the_watts_are_the_mean_since_the_last_look(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", energy="123456789")
    rapl = Rapl(tmp_path)
    assert rapl.power_w(100.0) is None
    assert rapl.is_there
    use(package, 65 * 4)
    assert rapl.power_w(104.0) == pytest.approx(65)
    use(package, 10 * 5)
    assert rapl.power_w(109.0) == pytest.approx(10)


def test_looking_leaves_no_file_open(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0")
    rapl = Rapl(tmp_path)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    rapl.power_w(1.0)
    rapl.power_w(2.0)
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_packages_are_added_and_parts_and_second_looks_are_not(tmp_path: Path) -> None:
    packages = [zone(tmp_path, "intel-rapl:0"), zone(tmp_path, "intel-rapl:1", "package-1-die-0")]
    others = [
        zone(tmp_path, "intel-rapl:0:0", "core"),
        zone(tmp_path, "intel-rapl:0:1", "package-0"),
        zone(tmp_path, "intel-rapl-mmio:0"),
        zone(tmp_path, "intel-rapl:2", "psys"),
        zone(tmp_path, "dtpm"),
    ]
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    for folder in [*packages, *others]:
        use(folder, 100)
    assert rapl.power_w(10.0) == pytest.approx(20)


def test_a_counter_that_wraps_around_goes_on(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", energy=str(RANGE_UJ - 50_000_000))
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    use(package, 150)
    assert int((package / "energy_uj").read_text()) < 150_000_000
    assert rapl.power_w(5.0) == pytest.approx(30)


def test_a_counter_that_is_reset_shows_nothing_once(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", energy="9000000000")
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    (package / "energy_uj").write_text("0")
    assert rapl.power_w(5.0) is None
    use(package, 50)
    assert rapl.power_w(10.0) == pytest.approx(10)


@pytest.mark.parametrize("now_s", [10.0, 9.0, 71.0, float("nan"), float("inf")])
def test_no_time_a_long_time_and_time_that_is_none_show_nothing(
    tmp_path: Path, now_s: float
) -> None:
    package = zone(tmp_path, "intel-rapl:0")
    rapl = Rapl(tmp_path)
    rapl.power_w(10.0)
    use(package, 10)
    assert rapl.power_w(now_s) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-5",
        b"nan",
        b"1e3",
        b"12 34",
        b"9" * 64,
        b"9" * 10_000_000,
        b"\xff\xfe",
        b"\x00",
        "٣".encode(),
        str(RANGE_UJ + 1).encode(),
    ],
)
@pytest.mark.parametrize("file", ["energy_uj", "max_energy_range_uj"])
def test_a_file_that_holds_no_count_shows_nothing(
    tmp_path: Path, file: str, content: bytes
) -> None:
    package = zone(tmp_path, "intel-rapl:0", energy="70")
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    if (file, content) != ("max_energy_range_uj", str(RANGE_UJ + 1).encode()):
        (package / file).write_bytes(content)
        assert rapl.power_w(5.0) is None
        assert not rapl.is_there


@pytest.mark.parametrize("odd", ["missing", "folder", "dangling", "pipe", "loop"])
def test_one_package_that_cannot_be_read_hides_the_others(tmp_path: Path, odd: str) -> None:
    seen, hidden = zone(tmp_path, "intel-rapl:0"), zone(tmp_path, "intel-rapl:1", "package-1")
    energy = hidden / "energy_uj"
    energy.unlink()
    match odd:
        case "folder":
            energy.mkdir()
        case "dangling":
            energy.symlink_to("gone")
        case "pipe":
            os.mkfifo(energy)
        case "loop":
            energy.symlink_to("energy_uj")
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    use(seen, 50)
    assert rapl.power_w(5.0) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_file_for_root_only_shows_nothing(tmp_path: Path) -> None:
    (zone(tmp_path, "intel-rapl:0") / "energy_uj").chmod(0)
    rapl = Rapl(tmp_path)
    assert rapl.power_w(0.0) is None
    assert rapl.power_w(5.0) is None


def test_packages_that_come_and_go_show_nothing_until_they_stay(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0")
    rapl = Rapl(tmp_path)
    rapl.power_w(0.0)
    second = zone(tmp_path, "intel-rapl:1", "package-1")
    assert rapl.power_w(5.0) is None
    use(first, 50)
    use(second, 100)
    assert rapl.power_w(10.0) == pytest.approx(30)
    for file in second.iterdir():
        file.unlink()
    assert rapl.power_w(15.0) is None
    use(first, 50)
    assert rapl.power_w(20.0) == pytest.approx(10)
