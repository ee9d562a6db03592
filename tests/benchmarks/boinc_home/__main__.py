"""300 BOINC radiators inside one real Home Assistant: what they cost it.

python -m tests.benchmarks.boinc_home [RADIATORS] [IN_HOME] [SECONDS]

Home Assistant runs with RADIATORS in homes of IN_HOME, recorder on, and then with as many entities
that do nothing, statistics kept of as many: what Home Assistant does for any entity is no
radiator's cost. The BOINC clients are simulated by a process of their own on loopback, so that only
Home Assistant is measured. A block is the CPU time that the loop's thread used between two firings
of a timer: all of the loop's work, and no waiting for other programs. Blocks are noted for SECONDS.
After that CPU time is counted, and the passes of Python's garbage collector through memory, in
whatever thread they come: the loop waits for them, too.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from scripts.demo_home.folder import prepare
from scripts.demo_home.process import HassProcess, adopt_orphans, end_orphans, free_port

from .seed import entries

DEFAULTS: Final = (300, 300, 30)
START_S: Final = 300.0
STATISTICS_S: Final = 300.0
"""Home Assistant reckons its statistics so often: the CPU that is used counts one such period."""
CORE_LEFT_FREE: Final = 0.9
LONGEST_BLOCK_MS: Final = 20.0

type Figures = dict[str, Any]


@asynccontextmanager
async def simulated_clients(count: int) -> AsyncIterator[list[int]]:
    """Run so many simulated clients in a process of their own; yield their ports."""
    building = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.compute.boinc.simulated", str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert building.stdout is not None
    try:
        yield [int(port) for port in (await building.stdout.readline()).split()]
    finally:
        building.terminate()
        await building.wait()


async def measure(
    ports: list[int], in_home: int, seconds: int, *, idle: int = 0, recorded: int = 0
) -> Figures:
    """Run Home Assistant with a radiator on each port; return what it measured of itself.

    Beside them it has `idle` entities that do nothing, `recorded` of them in the statistics. It is
    started twice: what registering thousands of entities costs is paid once in their life.
    """
    with tempfile.TemporaryDirectory(prefix="qheat-building-") as name:
        folder = Path(name)
        prepare(folder, free_port(), fresh=False)
        watch = folder / "custom_components" / "loop_watch"
        watch.symlink_to(Path(__file__).parent / "loop_watch", target_is_directory=True)
        stored = json.dumps(entries(ports, in_home))
        (folder / ".storage" / "core.config_entries").write_text(stored)
        configuration = folder / "configuration.yaml"
        plain = configuration.read_text()
        for run_s in (0, seconds):
            watching = {
                "seconds": run_s,
                "cpu_seconds": STATISTICS_S,
                "idle": idle,
                "recorded": recorded,
            }
            configuration.write_text(f"{plain}loop_watch: {json.dumps(watching)}\n")
            figures = await _one_start(folder, run_s)
        return figures


async def _one_start(folder: Path, seconds: int) -> Figures:
    measured, hass = folder / "measured.json", HassProcess(folder)
    try:
        await hass.start()
        async with asyncio.timeout(START_S + seconds + STATISTICS_S):
            while not measured.exists():
                await asyncio.sleep(0.5)
    except TimeoutError:
        sys.exit(f"Home Assistant did not get so far; its last words:\n{hass.log_tail()}")
    finally:
        await hass.stop()
    figures: Figures = json.loads(measured.read_text())
    measured.unlink()
    return figures


def report(radiators: int, empty: Figures, full: Figures) -> bool:
    """Print what the radiators cost; return whether that is what was promised.

    A share counts all that Home Assistant does. Where it alone has a block above what is promised,
    the radiators may make it longer by that much: two runs of the same differ by some, too.
    """
    added = full["running"]["share"] - empty["running"]["share"]
    phases = ("start_up", "settling", "running")
    if full["on"] != radiators:
        sys.exit(f"only {full['on']} of {radiators} radiators could be turned on: no measurement")
    sys.stdout.write(
        f"{radiators} radiators, {full['entities']} entities, statistics of {full['recorded']}, "
        f"{full['on']} turned on, "
        f"{full['heating']} heat, "
        f"{full['unavailable']} entities unavailable\n"
        f"CPU: {100 * full['running']['share']:.1f} % of a core, "
        f"{100 * empty['running']['share']:.1f} % without radiators; "
        f"{60_000 * added / radiators:.0f} ms per radiator and minute\n"
        f"memory: {full['memory_mib']:.0f} MiB, {empty['memory_mib']:.0f} MiB without\n"
    )
    for phase in phases:
        for name, figures in (("with", full[phase]), ("without", empty[phase])):
            sys.stdout.write(
                f"loop, {phase}, {name}: p99 {figures['p99_ms']:.1f} ms, longest block "
                f"{figures['longest_ms']:.1f} ms, {figures['over_20_ms']} above 20 ms, "
                f"without the garbage collector {figures['longest_without_gc_ms']:.1f} ms, "
                f"{figures['over_20_ms_without_gc']} above; "
                f"timers late by p99 {figures['late_p99_ms']:.1f} ms\n"
            )
    for name, figures in (("with", full), ("without", empty)):
        passes = ", ".join(f"{pass_ms:.0f}" for pass_ms in figures["passes_over_20_ms"])
        sys.stdout.write(
            f"garbage collector in any thread, {STATISTICS_S:.0f} s, {name}: passes above 20 ms: "
            f"{passes or 'none'}\n"
        )
    added_ms = []
    for phase in phases:
        longest_ms, alone_ms = full[phase]["longest_ms"], empty[phase]["longest_ms"]
        added_ms.append(longest_ms - (alone_ms if alone_ms > LONGEST_BLOCK_MS else 0))
    kept: bool = (
        full["running"]["share"] <= 1 - CORE_LEFT_FREE and max(added_ms) <= LONGEST_BLOCK_MS
    )
    sys.stdout.write(
        f"90 % of a core free, no block above 20 ms added: {'yes' if kept else 'NO'}\n"
    )
    return kept


async def run(radiators: int, in_home: int, seconds: int) -> bool:
    """Measure with radiators, then with as many entities but no radiator."""
    async with simulated_clients(radiators) as ports:
        full = await measure(ports, in_home, seconds)
    empty = await measure([], in_home, seconds, idle=full["entities"], recorded=full["recorded"])
    return report(radiators, empty, full)


if __name__ == "__main__":
    adopt_orphans()
    given = tuple(int(number) for number in sys.argv[1:])
    is_kept = asyncio.run(run(*(given + DEFAULTS[len(given) :])))
    if left := asyncio.run(end_orphans()):
        sys.exit(f"these processes had to be killed: {', '.join(left)}")
    sys.exit(not is_kept)
