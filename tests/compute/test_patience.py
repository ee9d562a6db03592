"""Holding on to leases while no heat is wanted."""

import asyncio

import pytest

from custom_components.qheat.compute import patience
from custom_components.qheat.compute.patience import Patience


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "UNWANTED_S", 0.05)
    monkeypatch.setattr(patience, "KEPT_S", 0.2)


async def test_budgets_of_nothing_that_keep_coming_put_no_end_off() -> None:
    overdue: list[bool] = []
    patient = Patience(overdue.append)
    async with asyncio.timeout(10):
        while True not in overdue:
            patient.watch(wanted=False)
            await asyncio.sleep(0.01)
    assert overdue[0] is False
    patient.watch(wanted=True)


async def test_nothing_is_given_up_once_heat_is_wanted_again_and_the_time_begins_anew() -> None:
    overdue: list[bool] = []
    patient = Patience(overdue.append)
    for _ in range(6):
        patient.watch(wanted=False)
        await asyncio.sleep(0.04)
        patient.watch(wanted=True)
    await asyncio.sleep(0.1)
    assert overdue == []
