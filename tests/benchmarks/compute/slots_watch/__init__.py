"""Measures, from inside, how Home Assistant fares while its own machine computes.

Used by the benchmark only; Home Assistant finds it in its own folder, beside `loop_watch`.
"""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
from custom_components.loop_watch import Pulse  # type: ignore[import-not-found]
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.typing import ConfigType

DOMAIN: Final = "slots_watch"
ROOM: Final = "sensor.room"
COLD_C: Final = 17.0
"""The room never gets warmer, so that watts follow the dial alone."""
WARM_C: Final = 24.0
LOW_C: Final = 10.0
HALF_W: Final = 35.0
"""Between what the radiator takes idle, 10 W, and with all slots busy, 60 W."""
SETTLE_S: Final = 10.0
LOOK_S: Final = 0.02
PATIENCE_S: Final = 60.0


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Give the room a temperature; measure when everything has started."""
    _tell_temperature(hass)

    async def started(event: Event) -> None:
        """Measure, and say so when it went wrong."""
        hass.async_create_background_task(_measure(hass, **config[DOMAIN]), "measuring")

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, started)
    return True


async def _measure(hass: HomeAssistant, file: str, seconds: float, turns: int) -> None:
    (thermostat,) = hass.states.async_entity_ids("climate")
    figures: dict[str, Any] = {"off": await _watch_loop(seconds)}
    try:
        await _let_heat(hass, thermostat, figures, seconds, turns)
    except TimeoutError:
        figures["gave_up"] = True
    await hass.async_add_executor_job(Path(file).write_text, json.dumps(figures))


async def _let_heat(
    hass: HomeAssistant, thermostat: str, figures: dict[str, Any], seconds: float, turns: int
) -> None:
    """Measure what there is to measure with jobs; raises TimeoutError if they do not run."""
    figures["first_s"], _ = await _turn(hass, thermostat, up=True)
    await asyncio.sleep(SETTLE_S)
    _tell_temperature(hass)
    figures["on"] = await _watch_loop(seconds)
    _tell_temperature(hass)
    figures["turns"] = []
    for _ in range(turns):
        for up in (False, True):
            figures["turns"].append((up, *await _turn(hass, thermostat, up=up)))


async def _watch_loop(seconds: float) -> dict[str, float]:
    """Return what the loop does, and how many cores the workers keep busy meanwhile."""
    pulse = Pulse()
    beat = asyncio.create_task(pulse.beat())
    begun_s, before_s = time.monotonic(), _workers_cpu_s()
    await asyncio.sleep(seconds)
    cores = (_workers_cpu_s() - before_s) / (time.monotonic() - begun_s)
    beat.cancel()
    return {**pulse.figures(), "cores": cores}


async def _turn(hass: HomeAssistant, thermostat: str, *, up: bool) -> tuple[float, float]:
    """Turn the dial up, or all off; return when workers obey, and when the entity shows it.

    Turned down only, jobs that have just begun would be let run for a while.
    """
    if up:
        await _dial(hass, thermostat, temperature=LOW_C, hvac_mode="heat")
    watts, begun_s = _watts(hass), time.monotonic()
    wanted = {"temperature": WARM_C, "hvac_mode": "heat" if up else "off"}
    turning = hass.async_create_task(_dial(hass, thermostat, **wanted))
    await _until(lambda: _computing() is up)
    obeyed_s = time.monotonic() - begun_s
    await turning
    await _until(lambda: (_number(hass, watts) > HALF_W) is up)
    return obeyed_s, time.monotonic() - begun_s


async def _dial(hass: HomeAssistant, thermostat: str, **wanted: object) -> None:
    data = {"entity_id": thermostat, **wanted}
    await hass.services.async_call("climate", "set_temperature", data, blocking=True)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(LOOK_S)


def _number(hass: HomeAssistant, entity_id: str) -> float:
    state = hass.states.get(entity_id)
    assert state is not None
    return float(state.state)


def _watts(hass: HomeAssistant) -> str:
    """Return the radiator's entity for its heat output."""
    (found,) = (
        entry.entity_id
        for entry in er.async_get(hass).entities.values()
        if entry.translation_key == "heat_output" and entry.config_subentry_id is not None
    )
    return found


def _tell_temperature(hass: HomeAssistant) -> None:
    unit = {"unit_of_measurement": "°C", "device_class": "temperature"}
    hass.states.async_set(ROOM, str(COLD_C), unit, force_update=True)


def _computing() -> bool:
    """Tell whether a worker may run now: it is there and not stopped."""
    return any(worker.status() != psutil.STATUS_STOPPED for worker in _workers())


def _workers_cpu_s() -> float:
    """Return the CPU seconds of the runner and its workers, those that have ended included."""
    alive = [*psutil.Process().children(recursive=True)]
    return sum(sum(one.cpu_times()[:4]) for one in alive)


def _workers() -> list[psutil.Process]:
    """Return the children of the runner, which is Home Assistant's only child."""
    return [worker for runner in psutil.Process().children() for worker in runner.children()]
