"""300 BOINC radiators in one event loop: what they cost.

python -m tests.benchmarks.boinc_building [RADIATORS] [SECONDS]

The clients are simulated by another process on loopback, so that only the engines are measured.
Three radiators are a flat; each flat renews their budgets on a tick of its own, as a coordinator
of Home Assistant does, and asks for other watts about once a minute. The longest block is the CPU
time that the loop used between two firings of a timer: it counts all of the loop's work, and no
waiting for other programs.
"""

import asyncio
import random
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Final

from custom_components.qheat.compute.boinc import BoincEngine
from custom_components.qheat.compute.engine import HeatBudget, PowerModel
from tests.compute.boinc.simulated import PASSWORD

IN_FLAT: Final = 3
TICK_S: Final = 10.0
LEASE_S: Final = 20.0
TIMER_S: Final = 0.005
MODEL: Final = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)


@dataclass(slots=True)
class Pulse:
    """A timer that notes what the loop does between its firings, in seconds."""

    used: list[float] = field(default_factory=list)
    """CPU time of the loop's thread."""
    late: list[float] = field(default_factory=list)
    """Delay against the moment that was asked for; other programs delay, too."""

    async def beat(self) -> None:
        """Note until cancelled."""
        while True:
            due_s, cpu_s = time.monotonic() + TIMER_S, time.thread_time()
            await asyncio.sleep(TIMER_S)
            self.used.append(time.thread_time() - cpu_s)
            self.late.append(time.monotonic() - due_s)


async def tick(flat: list[BoincEngine], chance: random.Random) -> None:
    """Renew a flat's budgets on each tick, until cancelled."""
    watts = [chance.choice((0.0, 33.0, 40.0, 55.0, 60.0)) for _ in flat]
    await asyncio.sleep(chance.uniform(0.0, TICK_S))
    while True:
        for number, engine in enumerate(flat):
            if chance.random() < TICK_S / 60:
                watts[number] = chance.uniform(0.0, 70.0)
            expires_s = time.monotonic() + LEASE_S
            engine.set_budget(HeatBudget(power_w=watts[number], expires_s=expires_s))
            engine.status()
            engine.details()
        await asyncio.sleep(TICK_S)


def memory_mib() -> float:
    """Return the highest memory use of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def measure(radiators: int, seconds: float) -> None:
    """Heat so many radiators and print what it cost."""
    building = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.compute.boinc.simulated", str(radiators)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert building.stdout is not None
    ports = [int(port) for port in (await building.stdout.readline()).split()]
    before_mib = memory_mib()
    engines = [
        BoincEngine("127.0.0.1", port, PASSWORD, radiator_id=f"radiator-{port}", model=MODEL)
        for port in ports
    ]
    begun_s = time.process_time()
    chance = random.Random(1)
    pulse = Pulse()
    for engine in engines:
        await engine.start()
    flats = [engines[first : first + IN_FLAT] for first in range(0, radiators, IN_FLAT)]
    tasks = [asyncio.create_task(tick(flat, chance)) for flat in flats]
    tasks.append(asyncio.create_task(pulse.beat()))
    await asyncio.sleep(2 * TICK_S)
    sys.stdout.write(f"start-up: {time.process_time() - begun_s:.2f} s CPU, ")
    sys.stdout.write(f"longest block {1000 * max(pulse.used):.1f} ms\n")
    pulse.used.clear()
    pulse.late.clear()
    await asyncio.sleep(seconds)
    tasks.pop().cancel()
    # The timer costs more than the engines do: what these take is counted without it.
    begun_s, wall_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu_s, wall_s = time.process_time() - begun_s, time.monotonic() - wall_s
    for task in tasks:
        task.cancel()
    heating = sum(engine.status().jobs_running > 0 for engine in engines)
    faulty = sum(engine.status().problem is not None for engine in engines)
    async with asyncio.TaskGroup() as group:
        for engine in engines:
            group.create_task(engine.stop())
    building.terminate()
    await building.wait()
    report(radiators, cpu_s, wall_s, pulse)
    sys.stdout.write(f"memory: {memory_mib() - before_mib:.1f} MiB more\n")
    sys.stdout.write(f"{heating} heat at the end, {faulty} have a problem\n")


def report(radiators: int, cpu_s: float, wall_s: float, pulse: Pulse) -> None:
    """Print what the loop did."""
    share = cpu_s / wall_s
    sys.stdout.write(
        f"{radiators} radiators for {wall_s:.0f} s: {100 * share:.1f} % of a core, "
        f"{60_000 * share / radiators:.0f} ms CPU per radiator and minute\n"
    )
    used = statistics.quantiles(pulse.used, n=1000)
    late = statistics.quantiles(pulse.late, n=100)
    sys.stdout.write(
        f"loop: p99 {1000 * used[989]:.1f} ms, p99.9 {1000 * used[998]:.1f} ms, "
        f"longest block {1000 * max(pulse.used):.1f} ms of CPU time; "
        f"timers late by p99 {1000 * late[98]:.1f} ms\n"
    )


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    asyncio.run(measure(*(given + [300, 60][len(given) :])))
