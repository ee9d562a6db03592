"""A past week for the demo home: simulated rooms under the real thermostat, hour by hour."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
)

from .api import Api
from .furnish import REGION, ROOMS, DemoRoom
from .plan import Plan

DAYS: Final = 7
HOUR: Final = timedelta(hours=1)
ZONE: Final = ZoneInfo(str(REGION["time_zone"]))
SLOTS: Final = 8
STEP_S: Final = 600.0
STEPS_PER_HOUR: Final = 6
SATURDAY: Final = 5
OFFICE_HOURS: Final = range(8, 18)
AT_HOME: Final = range(6, 23)
SETBACK_K: Final = 3.0
WRITTEN_S: Final = 60.0


def past_hours(now: datetime) -> list[datetime]:
    """Return when each full hour began, since the midnight seven days before the last one.

    In UTC: on the clock on the wall, an hour may be missing, or there twice.
    """
    midnight = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = (midnight - timedelta(days=DAYS)).astimezone(UTC)
    return [begin + number * HOUR for number in range(int((now - begin) / HOUR))]


async def remember_week(api: Api, plan: Plan) -> float:
    """Give the radiators' heat and heat output a week of statistics; return the week's kWh."""
    hours = past_hours(datetime.now(UTC))
    starts = [hour.isoformat() for hour in hours]
    # Sums end at the zero from which the live sensor goes on, so they begin below it: an hour
    # early, as what the first row of a statistic has is taken for its change.
    sum_starts = [(hours[0] - HOUR).isoformat(), *starts]
    week_kwh = 0.0
    for room, radiator in zip(ROOMS, plan.radiators, strict=True):
        watts = list(_hourly_watts(room, hours))
        room_kwh = sum(watts) / 1000
        week_kwh += room_kwh
        sums = [sum(watts[:number]) / 1000 - room_kwh for number in range(len(hours) + 1)]
        await _import(
            api,
            radiator.entities["heat"],
            {"has_sum": True, "mean_type": 0, "unit_class": "energy", "unit_of_measurement": "kWh"},
            [{"start": at, "sum": total} for at, total in zip(sum_starts, sums, strict=True)],
        )
        await _import(
            api,
            radiator.entities["heat_output"],
            {"has_sum": False, "mean_type": 1, "unit_class": "power", "unit_of_measurement": "W"},
            [
                {"start": at, "mean": mean_w, "min": mean_w, "max": mean_w}
                for at, mean_w in zip(starts, watts, strict=True)
            ],
        )
    return week_kwh


def _hourly_watts(room: DemoRoom, hours: Sequence[datetime]) -> Iterator[float]:
    """Yield the mean heat output of each hour."""
    control = RoomControl(
        RadiatorRating(idle_w=room.idle_w, rated_w=room.rated_w, slots=SLOTS, pausable=True)
    )
    simulated = SimulatedRoom(RoomParameters.from_area(room.floor_area_m2), start_s=0.0)
    power_w = 0.0
    for hour in hours:
        target = Target(setpoint_c=_setpoint_c(room, hour.astimezone(ZONE)))
        sum_w = 0.0
        for _ in range(STEPS_PER_HOUR):
            reading = RoomReading(
                time_s=simulated.time_s,
                temperature_c=simulated.temperature_c,
                outdoor_c=simulated.outdoor_c,
                heat_output_w=power_w,
            )
            power_w = max(control.step(reading, target).power_w, room.idle_w)
            simulated.advance(STEP_S, power_w)
            sum_w += power_w
        yield sum_w / STEPS_PER_HOUR


def _setpoint_c(room: DemoRoom, at: datetime) -> float:
    """Return the setpoint: the office is warm in office hours, the other rooms by day."""
    if room.icon == "mdi:desk":
        is_warm = at.weekday() < SATURDAY and at.hour in OFFICE_HOURS
    else:
        is_warm = at.hour in AT_HOME
    return room.setpoint_c if is_warm else room.setpoint_c - SETBACK_K


async def _import(
    api: Api, statistic_id: str, metadata: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Give an entity statistics, and return once they are written: that is after the reply."""
    await api.command(
        "recorder/import_statistics",
        metadata={"statistic_id": statistic_id, "source": "recorder", "name": None, **metadata},
        stats=rows,
    )
    written = 0
    async with asyncio.timeout(WRITTEN_S):
        while written < len(rows):
            answer = await api.command(
                "recorder/statistics_during_period",
                start_time=rows[0]["start"],
                statistic_ids=[statistic_id],
                period="hour",
            )
            written = len(answer.get(statistic_id, ()))
            await asyncio.sleep(0.1)
