"""Measures, from inside, what Home Assistant costs; used by the benchmark only.

It may import nothing of the benchmark: Home Assistant finds it in its own folder.
"""

import asyncio
import gc
import json
import random
import statistics
import threading
import time
from pathlib import Path
from typing import Any, Final

from homeassistant.components.recorder import get_instance
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.discovery import async_load_platform
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "loop_watch"
TIMER_S: Final = 0.005
SETTLE_S: Final = 30.0
"""Connecting, first looks and first states are over by then."""
REGISTER_S: Final = 2.0
BETWEEN_TENANTS_S: Final = 600.0
"""Each tenant turns the dial about so often: far more than people do."""


class Pulse:
    """A timer that notes what the loop does between its firings, in seconds."""

    def __init__(self) -> None:
        self.used: list[float] = []
        self.collecting: list[float] = []
        self.late: list[float] = []
        self.passes: list[float] = []
        """Passes of the garbage collector in all threads: the loop waits for each of them."""
        self._thread = threading.get_ident()
        self._collecting_since_s = self._collecting_s = 0.0
        gc.callbacks.append(self._collect)

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        """Note how long Python's garbage collector holds up everything, and the loop's thread."""
        if phase == "start":
            self._collecting_since_s = time.thread_time()
            return
        self.passes.append(time.thread_time() - self._collecting_since_s)
        if threading.get_ident() == self._thread:
            self._collecting_s += self.passes[-1]

    async def beat(self) -> None:
        """Note until cancelled: CPU time of the loop's thread, and delay against what was asked."""
        while True:
            due_s, cpu_s = time.monotonic() + TIMER_S, time.thread_time()
            self._collecting_s = 0.0
            await asyncio.sleep(TIMER_S)
            self.used.append(time.thread_time() - cpu_s)
            self.collecting.append(self._collecting_s)
            self.late.append(time.monotonic() - due_s)

    def figures(self) -> dict[str, float]:
        """Return what was noted, in milliseconds, and forget it."""
        used, collecting, late = self.used, self.collecting, self.late
        self.used, self.collecting, self.late = [], [], []
        worked = [all_s - gc_s for all_s, gc_s in zip(used, collecting, strict=True)]
        return {
            "p99_ms": 1000 * statistics.quantiles(used, n=100)[98],
            "longest_ms": 1000 * max(used),
            "longest_without_gc_ms": 1000 * max(worked),
            "late_p99_ms": 1000 * statistics.quantiles(late, n=100)[98],
            "over_20_ms": sum(one > 0.02 for one in used),
            "over_20_ms_without_gc": sum(one > 0.02 for one in worked),
        }


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Begin to note at once; measure when everything has started."""
    seconds: float = config[DOMAIN]["seconds"]
    cpu_seconds: float = config[DOMAIN]["cpu_seconds"]
    idle = {"count": config[DOMAIN]["idle"], "recorded": config[DOMAIN]["recorded"]}
    pulse = Pulse()
    beat = hass.async_create_background_task(pulse.beat(), "loop watch")

    async def started(event: Event) -> None:
        """Let the tenants in, and measure."""
        hass.async_create_background_task(
            _measure(hass, pulse, beat, seconds, cpu_seconds), "measuring"
        )

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, started)
    await async_load_platform(hass, Platform.SENSOR, DOMAIN, idle, config)
    return True


async def _measure(
    hass: HomeAssistant, pulse: Pulse, beat: asyncio.Task[None], seconds: float, cpu_seconds: float
) -> None:
    file = Path(hass.config.path("measured.json"))
    if not seconds:
        # Only to have all entities registered: that is done once in a home's life. Before Home
        # Assistant listens to signals, a stop would have it forget them.
        await asyncio.sleep(REGISTER_S)
        await get_instance(hass).async_block_till_done()
        await hass.async_add_executor_job(_write, file, {})
        return
    start_up = pulse.figures() | {"cpu_s": time.process_time()}
    begun_s = time.monotonic()
    # A thermostat cannot be turned before its machine has answered.
    while any(state.state == "unavailable" for state in hass.states.async_all("climate")):
        await asyncio.sleep(1)
    start_up["connecting_s"] = time.monotonic() - begun_s
    tenants = hass.async_create_background_task(_turn_dials(hass), "tenants")
    await asyncio.sleep(SETTLE_S)
    # The recorder is behind by all first states; what it writes of them is none of the running.
    await get_instance(hass).async_block_till_done()
    settling = pulse.figures()
    await asyncio.sleep(seconds)
    running = pulse.figures()
    beat.cancel()
    pulse.passes.clear()
    # The timer costs CPU time, too: what all else takes is counted without it.
    cpu_s, wall_s = time.process_time(), time.monotonic()
    await asyncio.sleep(cpu_seconds)
    cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    tenants.cancel()
    states = hass.states.async_all()
    figures: dict[str, Any] = {
        "start_up": start_up,
        "settling": settling,
        "running": running | {"share": cpu_s / wall_s},
        "passes_over_20_ms": sorted(1000 * one_s for one_s in pulse.passes if one_s > 0.02),
        "memory_mib": _memory_mib(),
        "entities": len(states),
        "recorded": sum("state_class" in state.attributes for state in states),
        "on": sum(state.state == "heat" for state in states),
        "heating": sum(state.attributes.get("hvac_action") == "heating" for state in states),
        "unavailable": sum(state.state == "unavailable" for state in states),
    }
    await hass.async_add_executor_job(_write, file, figures)


async def _turn_dials(hass: HomeAssistant) -> None:
    """Turn all heating on, then a dial now and then."""
    chance = random.Random(1)
    thermostats = hass.states.async_entity_ids("climate")
    for thermostat in thermostats:
        await _set(hass, thermostat, chance)
        await asyncio.sleep(0.01)
    while thermostats:
        await asyncio.sleep(BETWEEN_TENANTS_S / len(thermostats))
        await _set(hass, chance.choice(thermostats), chance)


async def _set(hass: HomeAssistant, thermostat: str, chance: random.Random) -> None:
    wanted = {"entity_id": thermostat, "temperature": chance.choice((20, 21, 22, 23, 24))}
    await hass.services.async_call("climate", "set_temperature", wanted | {"hvac_mode": "heat"})


def _memory_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS")


def _write(file: Path, figures: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(figures))
    part.rename(file)
