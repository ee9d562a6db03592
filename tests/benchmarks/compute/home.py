"""A real Home Assistant while its own machine computes: its event loop, and how watts follow.

One home on the embedded backend, one radiator that has all of the machine's slots, a room that
stays cold. `slots_watch` measures from inside: first with no workers, then in the same process with
all slots busy. A block is the CPU time that the loop's thread used between two firings of a 5 ms
timer. Then heating is turned off and the setpoint up again: when do workers stop and run, as the
kernel tells their state, and when does the entity for the heat output cross the middle?
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from scripts.demo_home.folder import prepare
from scripts.demo_home.process import HassProcess, free_port
from tests.benchmarks.boinc_home.seed import entries

from .figure import Figure, spread

SECONDS: Final = 30.0
TURNS: Final = 4
PATIENCE_S: Final = 400.0
_WATCHES: Final = (
    Path(__file__).parents[1] / "boinc_home" / "loop_watch",
    Path(__file__).parent / "slots_watch",
)


async def measure(effort: float) -> list[Figure]:
    """Run Home Assistant and return what it measured of itself."""
    with tempfile.TemporaryDirectory(prefix="qheat-home-") as name:
        folder = Path(name)
        prepare(folder, free_port(), fresh=False)
        for watch in _WATCHES:
            (folder / "custom_components" / watch.name).symlink_to(watch, target_is_directory=True)
        (folder / ".storage" / "core.config_entries").write_text(json.dumps(_entries()))
        wanted = {
            "file": str(folder / "measured.json"),
            "seconds": max(SECONDS * effort, 2.0),
            "turns": max(round(TURNS * effort), 1),
        }
        with (folder / "configuration.yaml").open("a") as configuration:
            configuration.write(f"slots_watch: {json.dumps(wanted)}\n")
        return _figures(await _run(folder))


async def _run(folder: Path) -> dict[str, Any]:
    measured, hass = folder / "measured.json", HassProcess(folder)
    try:
        await hass.start()
        async with asyncio.timeout(PATIENCE_S):
            while not measured.exists():
                await asyncio.sleep(0.5)
    except TimeoutError:
        sys.exit(f"Home Assistant did not get so far; its last words:\n{hass.log_tail()}")
    finally:
        await hass.stop()
    figures: dict[str, Any] = json.loads(measured.read_text())
    return figures


def _figures(seen: dict[str, Any]) -> list[Figure]:
    if "gave_up" in seen:
        why = "skipped: jobs did not get the processor; they make way for other programs"
        return [_loop("no workers", seen["off"]), Figure(name="all slots run", value=why)]
    first = f"{seen['first_s']:.2f} s"
    figures = [
        _loop("no workers", seen["off"]),
        _loop("all slots run", seen["on"]),
        Figure(name="heat wanted for the first time → a job runs", value=first),
    ]
    for up, name in ((False, "turned off"), (True, "setpoint up")):
        obeyed_s, shown_s = zip(*(turn[1:] for turn in seen["turns"] if turn[0] is up), strict=True)
        state = "run" if up else "are stopped"
        figures.append(spread(f"{name} → workers {state}", obeyed_s))
        figures.append(spread(f"{name} → shown watts have half changed", shown_s))
    return figures


def _loop(name: str, watched: dict[str, float]) -> Figure:
    return Figure(
        name=f"event loop, {name} ({watched['cores']:.2f} cores busy with jobs)",
        value=f"block p99 {watched['p99_ms']:.1f} ms, longest {watched['longest_ms']:.1f} ms; "
        f"timers late by p99 {watched['late_p99_ms']:.1f} ms",
    )


def _entries() -> dict[str, Any]:
    """Return what is stored of a home with one radiator of this machine."""
    stored = entries([], 1)
    radiator = {
        "data": {
            "rated_w": 60,
            "idle_w": 10,
            "room": "sensor",
            "temperature_entity": "sensor.room",
        },
        "subentry_id": "radiator",
        "subentry_type": "this_machine",
        "title": "Radiator",
        "unique_id": None,
    }
    stored["data"]["entries"][0]["subentries"] = [radiator]
    return stored
