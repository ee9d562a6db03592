"""What Home Assistant and its store ask of a custom integration's repository."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "custom_components" / "qheat"


def read(path: Path) -> Any:
    """Return the JSON in a file."""
    return json.loads(path.read_text("utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert read(INTEGRATION / "manifest.json")["version"] == project["version"]


def test_home_assistant_installs_the_wasmtime_that_we_test_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(read(INTEGRATION / "manifest.json")["requirements"]) <= set(project["dependencies"])


def test_the_manifests_keys_are_in_the_order_that_hassfest_wants() -> None:
    keys = list(read(INTEGRATION / "manifest.json"))
    assert keys[:2] == ["domain", "name"]
    assert keys[2:] == sorted(keys[2:])


def test_the_store_finds_what_it_asks_for() -> None:
    assert read(ROOT / "hacs.json")["homeassistant"] == "2026.10.0"
    for name in ("README.md", "LICENSE"):
        assert (ROOT / name).stat().st_size
    assert [path.name for path in (ROOT / "custom_components").iterdir() if path.is_dir()] == [
        "qheat"
    ]


@pytest.mark.parametrize(("name", "pixels"), [("icon", 256), ("icon@2x", 512)])
def test_the_icon_is_square_and_of_the_right_size(name: str, pixels: int) -> None:
    header = (INTEGRATION / "brand" / f"{name}.png").read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20]) == int.from_bytes(header[20:24]) == pixels


MAY_IMPORT = {
    "heating": set[str](),
    "compute": {"manifests", "wire"},
    "backend": {"manifests", "wire"},
    "ledger": {"compute"},
}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_pure_part_imports_no_home_assistant_and_nothing_from_behind_it(part: str) -> None:
    for path in (INTEGRATION / part).rglob("*.py"):
        assert imports(path) <= MAY_IMPORT[part], path


def imports(path: Path) -> set[str]:
    """Return what a file imports of Home Assistant, and of the integration outside its part."""
    depth = len(path.relative_to(INTEGRATION).parts) - 1
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("homeassistant")}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level == 0 and module.startswith("homeassistant"):
                found.add(module)
            elif node.level > depth:
                found |= {module.split(".")[0]} if module else {name.name for name in node.names}
    return found


def test_every_link_from_a_page_to_another_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text("utf-8"))
        for path, anchor in links:
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {path}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
                anchors = {
                    re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings
                }
                assert anchor in anchors, f"{page.name}: {path}#{anchor}"
