import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
import wasmtime

from custom_components.qheat.backend.catalogue import MODULES, load_module
from custom_components.qheat.compute.modules import SHIPPED

ROOT = Path(__file__).parents[2]


def test_only_the_shipped_files_are_allowed_to_run() -> None:
    folder = ROOT / "custom_components/qheat/backend/modules"
    files = {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in folder.iterdir()}
    assert files == SHIPPED
    assert {kind: digest for digest, kind in files.items()} == MODULES


@pytest.mark.timeout(600)
def test_building_the_sources_elsewhere_gives_the_shipped_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "another place"
    shutil.copytree(ROOT / "jobs", copy / "jobs")
    (copy / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run([copy / "jobs/build", tmp_path / "built"], check=True, cwd=tmp_path)
    for kind in MODULES:
        assert (tmp_path / "built" / f"{kind}.wasm").read_bytes() == load_module(kind), kind


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_asks_for_nothing_but_its_input_and_output(kind: str) -> None:
    module = wasmtime.Module(wasmtime.Engine(), load_module(kind))
    assert {item.name for item in module.imports} == {"fd_read", "fd_write", "proc_exit"}
    assert len(load_module(kind)) < 100_000
