"""What a step and a night's learning cost: `python -m tests.benchmarks.rooms.cost`."""

import statistics
import sys
import time

from custom_components.qheat.heating import (
    RadiatorRating,
    RoomControl,
    RoomParameters,
    RoomReading,
    SimulatedRoom,
    Target,
    refit,
)

from .people import Schedule

DAYS = 9
"""From the eighth day on a refit has a full week to read."""


def measure(days: int) -> tuple[list[float], list[float]]:
    """Return the processor seconds of every step and of every refit, in a simulated room."""
    control = RoomControl(RadiatorRating(idle_w=20, rated_w=500, slots=6))
    room, schedule = SimulatedRoom(RoomParameters.from_area(18.0), start_s=0.0), Schedule()
    steps_s, refits_s = [], []
    for minute in range(days * 1440):
        hour_s = minute // 60 * 3600.0
        if minute % 60 == 0:
            forecast = tuple((hour_s + 3600 * ahead, 3.0, 50.0) for ahead in range(25))
        reading = RoomReading(
            time_s=room.time_s,
            temperature_c=round(room.temperature_c, 1),
            outdoor_c=room.outdoor_c,
            forecast=forecast,
        )
        target = Target(setpoint_c=schedule.at(minute), upcoming=schedule.upcoming(minute))
        began_s = time.process_time()
        demand = control.step(reading, target)
        steps_s.append(time.process_time() - began_s)
        if control.needs_refit():
            began_s = time.process_time()
            control.adopt(refit(control.snapshot()))
            refits_s.append(time.process_time() - began_s)
        room.advance(60.0, demand.power_w)
    return steps_s, refits_s


def main() -> None:
    """Print the costs."""
    steps_s, refits_s = measure(DAYS)
    steps_ms = sorted(step_s * 1000 for step_s in steps_s)
    sys.stdout.write(
        f"{len(steps_ms)} steps: mean {statistics.fmean(steps_ms):.2f} ms, "
        f"99th percentile {steps_ms[len(steps_ms) * 99 // 100]:.2f} ms, "
        f"longest {steps_ms[-1]:.1f} ms\n"
        f"{len(refits_s)} refits: mean {statistics.fmean(refits_s):.2f} s, "
        f"longest {max(refits_s):.2f} s\n"
    )


if __name__ == "__main__":
    main()
