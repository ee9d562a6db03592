"""kill -9 of Home Assistant while jobs run: nothing burns on, nothing is lost or booked twice."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psutil
import pytest

from custom_components.qheat.radiator import BUDGET_S
from scripts.demo_home.furnish import REGION

from .running import RunningHome, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRACE_S = 5.0


async def test_a_killed_home_assistant_leaves_nothing_running_and_its_books_right(
    home: RunningHome,
) -> None:
    for radiator in home.plan.radiators[1:]:
        await home.api.act("climate", "turn_off", entity_id=radiator.thermostat)
    await until(lambda: settled_and_running(home))
    heat_kwh = await home.number(home.plan.entities["heat"])
    earned = await home.number(home.plan.entities["earnings"])
    processes = home.processes
    assert len(processes) > 1

    await home.kill()

    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=BUDGET_S + GRACE_S)
    assert alive == []

    await home.start()
    assert await home.number(home.plan.entities["heat"]) >= heat_kwh
    assert await home.number(home.plan.entities["earnings"]) >= earned
    for radiator in home.plan.radiators:
        await home.api.act("climate", "turn_off", entity_id=radiator.thermostat)
    await until(lambda: books_agree(home))
    told = [str(row[0]) for row in home.backend_rows("SELECT settlement_id FROM settlements")]
    assert sorted(await settlements_in_statement(home)) == sorted(told)


async def settled_and_running(home: RunningHome) -> bool:
    """Say whether money has come in and a job runs now."""
    return (
        await home.number(home.plan.entities["earnings"]) > 0
        and await home.number(home.plan.entities["jobs_running"]) > 0
    )


async def books_agree(home: RunningHome) -> bool:
    """Say whether nothing runs, and earnings are what the backend has settled, to the last cent."""
    if await home.number(home.plan.entities["jobs_running"]) > 0:
        return False
    settled = sum(
        (
            Decimal(str(earned))
            for [earned] in home.backend_rows("SELECT earned FROM settlements WHERE accepted")
        ),
        Decimal(0),
    )
    shown = (await home.api.state(home.plan.entities["earnings"]))["state"]
    return Decimal(shown) == settled > 0


async def settlements_in_statement(home: RunningHome) -> list[str]:
    """Return the ids in the statement of yesterday and today, each as often as it is there."""
    today = datetime.now(ZoneInfo(str(REGION["time_zone"]))).date()
    span = {"first_day": str(today - timedelta(days=1)), "last_day": str(today), "format": "json"}
    answer = await home.api.post("/api/services/qheat/export_statement?return_response", span)
    rows = json.loads(answer["service_response"]["statement"])["statement"]["rows"]
    return [settlement_id for row in rows for settlement_id in row["settlement_ids"]]
