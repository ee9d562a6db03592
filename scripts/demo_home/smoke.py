"""The demo without a person: raise a setpoint, wait for paid heat, say what was seen."""

import asyncio
from typing import Final

from .api import Api
from .errors import DemoError
from .plan import Plan

SETPOINT_C: Final = 24.0
PATIENCE_S: Final = 900
NO_VALUE: Final = {"unknown", "unavailable"}


async def see_it_heat(api: Api, plan: Plan) -> None:
    """Raise a setpoint and wait until a job has run and been settled; print the facts."""
    radiator = plan.radiators[0]
    await api.act(
        "climate",
        "set_temperature",
        entity_id=radiator.thermostat,
        temperature=SETPOINT_C,
        hvac_mode="heat",
    )
    most_w = most_jobs = earned = 0.0
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (most_w and most_jobs and earned):
                most_w = max(most_w, await _number(api, radiator.entities["heat_output"]))
                most_jobs = max(most_jobs, await _number(api, radiator.entities["jobs_running"]))
                earned = await _number(api, radiator.entities["earnings"])
                await asyncio.sleep(0.5)
    except TimeoutError as err:
        status = (await api.state(radiator.entities["status"]))["state"]
        raise DemoError(
            f"no settled job within {PATIENCE_S} s: at most {most_w:.0f} W, "
            f"{most_jobs:.0f} jobs at once, {earned:.6f} earned, status {status}"
        ) from err
    thermostat = (await api.state(radiator.thermostat))["attributes"]
    earnings = await api.state(radiator.entities["earnings"])
    print(f"setpoint: {thermostat['temperature']} °C in the {radiator.room.lower()}")
    print(f"watts: {most_w:.0f} W of heat at most so far")
    print(f"jobs: {most_jobs:.0f} at once, at least one settled")
    print(f"earnings: {earnings['state']} {earnings['attributes']['unit_of_measurement']}")


async def _number(api: Api, entity_id: str) -> float:
    """Return an entity's number, 0 while it has none."""
    value = (await api.state(entity_id))["state"]
    return 0.0 if value in NO_VALUE else float(value)
