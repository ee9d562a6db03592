"""Alarms ring once, when they are due."""

import asyncio
import time

from custom_components.qheat.compute.boinc.alarm import Alarm

LONG_S = 60.0


class Bell:
    def __init__(self) -> None:
        self.rung_s: list[float] = []
        self.alarm = Alarm(lambda: self.rung_s.append(time.monotonic()))

    async def heard(self) -> float:
        """Return when it first rang."""
        async with asyncio.timeout(10):
            while not self.rung_s:
                await asyncio.sleep(0.001)
        return self.rung_s[0]


async def test_an_alarm_that_is_put_off_rings_once_and_not_before() -> None:
    bell, now_s = Bell(), time.monotonic()
    for late_s in (0.01, 0.02, 0.05):
        bell.alarm.set(now_s + late_s)
    assert await bell.heard() >= now_s + 0.05
    await asyncio.sleep(0.05)
    assert len(bell.rung_s) == 1


async def test_an_alarm_that_is_brought_forward_rings_then() -> None:
    bell, now_s = Bell(), time.monotonic()
    bell.alarm.set(now_s + LONG_S)
    bell.alarm.set(now_s + 0.01)
    assert await bell.heard() < now_s + LONG_S / 2


async def test_an_alarm_that_was_due_before_it_was_set_rings_soon() -> None:
    bell = Bell()
    bell.alarm.set(time.monotonic() - LONG_S)
    await bell.heard()


async def test_an_alarm_rings_again_when_it_is_set_again() -> None:
    bell = Bell()
    bell.alarm.set(time.monotonic())
    await bell.heard()
    bell.rung_s.clear()
    bell.alarm.set(time.monotonic())
    await bell.heard()


async def test_a_cancelled_alarm_never_rings() -> None:
    bell = Bell()
    bell.alarm.set(time.monotonic() + 0.01)
    bell.alarm.cancel()
    await asyncio.sleep(0.05)
    assert not bell.rung_s
