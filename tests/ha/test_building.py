"""A whole building in one home: nothing is done for all radiators in one turn of the loop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from custom_components.qheat.books import HomeBooks
from custom_components.qheat.cadence import BUILDING
from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.heating.comfort import Comfort
from custom_components.qheat.ledger import Ledger
from custom_components.qheat.shelf import Shelf

from .conftest import FixedEngine, home, load, radiator, settlement, state_at

COUNT = 12
FEW = 3
"""What may share a turn of the loop with something else that happens to ask."""


def building() -> MockConfigEntry:
    return home(*(radiator(f"01JFLAT{n:02}", f"Flat {n}") for n in range(COUNT)))


class Turns:
    """How often a function was called in one turn of the loop, at most."""

    def __init__(self) -> None:
        self.turn = 0
        self.calls: dict[int, int] = {}

    @property
    def most(self) -> int:
        assert sum(self.calls.values()) >= COUNT, "the function was not called for all radiators"
        return max(self.calls.values())

    def counting(self, owner: type, name: str) -> Any:
        function = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls[self.turn] = self.calls.get(self.turn, 0) + 1
            return function(*args, **kwargs)

        return patch.object(owner, name, counted)

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turn += 1


@asynccontextmanager
async def turns_of(owner: type, name: str) -> AsyncIterator[Turns]:
    turns = Turns()
    counter = asyncio.create_task(turns.count())
    with turns.counting(owner, name):
        yield turns
    counter.cancel()


@pytest.fixture
def few() -> int:
    """Return how many radiators are no building yet."""
    return 50


@pytest.fixture
async def flats(hass: HomeAssistant, engine: FixedEngine, few: int) -> MockConfigEntry:
    entry = building()
    entry.add_to_hass(hass)
    with patch("custom_components.qheat.cadence.FEW_AT_MOST", few):
        await load(hass, entry)
    return entry


async def test_thermostats_are_made_one_at_a_time(hass: HomeAssistant, engine: FixedEngine) -> None:
    entry = building()
    entry.add_to_hass(hass)
    async with turns_of(Comfort, "__init__") as turns:
        assert await hass.config_entries.async_setup(entry.entry_id)
    assert turns.most <= FEW


async def test_settlements_are_asked_for_one_radiator_at_a_time(
    hass: HomeAssistant, flats: MockConfigEntry
) -> None:
    async with turns_of(FixedEngine, "settlements") as turns:
        await flats.runtime_data.async_book_settlements()
    assert turns.most <= FEW


@pytest.mark.parametrize(("few", "every_s"), [(COUNT - 1, 30), (COUNT, 10)])
async def test_a_building_asks_less_often_for_settlements(
    flats: MockConfigEntry, every_s: int
) -> None:
    sleep, pauses = asyncio.sleep, list[float]()

    async def end_at_the_first_pause(pause_s: float) -> None:
        await sleep(0)
        if pause_s:
            pauses.append(pause_s)
            raise asyncio.CancelledError

    with (
        patch("custom_components.qheat.coordinator.asyncio.sleep", end_at_the_first_pause),
        pytest.raises(asyncio.CancelledError),
    ):
        await flats.runtime_data.async_follow_settlements()
    assert set(pauses) == {every_s}


async def test_the_days_are_copied_one_radiator_at_a_time(
    hass: HomeAssistant, flats: MockConfigEntry
) -> None:
    async with turns_of(Ledger, "hours") as turns:
        await flats.runtime_data.books.archive.async_save()
    assert turns.most <= FEW


@pytest.mark.usefixtures("recorder_mock")
async def test_full_hours_are_written_one_radiator_at_a_time_and_reckoned_once(
    hass: HomeAssistant, flats: MockConfigEntry
) -> None:
    books = flats.runtime_data.books
    later_s = time.time() + 3600
    async with turns_of(Ledger, "running_totals") as turns:
        with patch("custom_components.qheat.books.time.time", return_value=later_s):
            await books.async_save()
    assert turns.most <= FEW
    assert sum(turns.calls.values()) == COUNT
    async with turns_of(Ledger, "running_totals") as turns:
        await books.async_save(booked=["01JFLAT03"])
    assert sum(turns.calls.values()) == COUNT  # the clock is an hour back: all hours, once more
    turns.calls.clear()
    async with turns_of(Ledger, "running_totals") as turns:
        await books.async_save(booked=["01JFLAT03"])
    assert sum(turns.calls.values()) == 1
    await async_wait_recording_done(hass)


@pytest.fixture
def shown(flats: MockConfigEntry) -> list[str]:
    """Return the accounts that are shown from now on, in their order."""
    keys: list[str] = []
    for key, account in flats.runtime_data.accounts.items():
        account.async_add_listener(partial(keys.append, key))
    return keys


@pytest.mark.parametrize("few", [COUNT - 1])
async def test_the_books_of_a_building_are_shown_bit_by_bit_and_not_twice_in_two_minutes(
    flats: MockConfigEntry, shown: list[str], freezer: FrozenDateTimeFactory
) -> None:
    ticks: dict[str, list[int]] = {key: [] for key in flats.runtime_data.accounts}
    for tick in range(60):
        freezer.tick(5.1)
        shown.clear()
        await flats.runtime_data.async_refresh()
        assert len(shown) <= 1
        for key in shown:
            ticks[key].append(tick)
    for shown_in in ticks.values():
        assert len(shown_in) >= 2
        assert all(24 <= later - one < 30 for one, later in pairwise(shown_in))


@pytest.mark.parametrize(("few", "every_s"), [(COUNT - 1, 120), (COUNT, 30)])
async def test_the_books_of_a_building_are_written_every_two_minutes_those_of_a_few_four_times(
    flats: MockConfigEntry, freezer: FrozenDateTimeFactory, every_s: int
) -> None:
    books = flats.runtime_data.books
    await books.async_save()
    with patch.object(Shelf, "async_write", return_value=True) as write:
        for passed_s in range(5, 2 * every_s, 5):
            freezer.tick(5)
            await flats.runtime_data.async_refresh()
            assert write.call_count == passed_s // every_s


async def test_the_books_of_a_few_radiators_are_shown_when_they_are_written(
    flats: MockConfigEntry, shown: list[str], freezer: FrozenDateTimeFactory
) -> None:
    freezer.tick(31)
    await flats.runtime_data.async_refresh()
    assert shown == list(flats.runtime_data.accounts)


async def test_what_else_has_the_books_written_is_shown_too_and_not_over_and_over(
    flats: MockConfigEntry, shown: list[str]
) -> None:
    await flats.runtime_data.books.async_save()  # as a BOINC machine's engine does
    for _ in range(2):
        await flats.runtime_data.async_refresh()
    assert shown == list(flats.runtime_data.accounts)


@pytest.mark.parametrize("few", [COUNT - 1])
async def test_what_is_settled_is_shown_at_once_in_a_building_too(
    flats: MockConfigEntry, shown: list[str]
) -> None:
    await flats.runtime_data.async_book_settlements()  # the look at the start is over by then
    paid = SettlementPage(settlements=(settlement(radiator_id="01JFLAT07"),), cursor="1")
    flat = flats.runtime_data.radiators["01JFLAT07"].radiator
    with patch.object(flat, "engine") as engine:
        engine.settlements = AsyncMock(return_value=paid)
        await flats.runtime_data.async_book_settlements()
    # The home's own look, every ten seconds, may find the same.
    assert list(dict.fromkeys(shown)) == [flats.entry_id, "01JFLAT07"]
    for key in shown:
        assert flats.runtime_data.accounts[key].data.totals.earned > 0
    for _ in range(BUILDING.shown_in_ticks):
        await flats.runtime_data.async_refresh()
    assert set(shown) == set(flats.runtime_data.accounts)


async def test_a_dial_writes_what_was_set_and_not_the_books_of_the_building(
    hass: HomeAssistant, flats: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    with patch.object(HomeBooks, "_write") as write:
        await hass.services.async_call(
            "climate",
            "set_temperature",
            {"entity_id": "climate.flat_3", "temperature": 22.5, "hvac_mode": "heat"},
            blocking=True,
        )
    assert not write.called
    kept = hass_storage[f"qheat.{flats.entry_id}.dials"]["data"]
    assert (kept["01JFLAT03"]["setpoint_c"], kept["01JFLAT03"]["heating"]) == (22.5, True)
    assert kept["01JFLAT04"]["heating"] is False


async def test_no_tenant_waits_for_anothers_dial(
    hass: HomeAssistant, flats: MockConfigEntry
) -> None:
    held = asyncio.Event()
    other = flats.runtime_data.radiators["01JFLAT01"]

    async def wait() -> None:
        await held.wait()

    def turn(flat: str) -> asyncio.Task[Any]:
        data = {"entity_id": flat, "temperature": 22.5, "hvac_mode": "heat"}
        return asyncio.create_task(
            hass.services.async_call("climate", "set_temperature", data, blocking=True)
        )

    with patch.object(other, "async_refresh", wait):
        slow, quick = turn("climate.flat_1"), turn("climate.flat_2")
        async with asyncio.timeout(10):
            await quick
        assert not slow.done()
        held.set()
        await slow


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kept", [[], 7, {"01JFLAT00": None}, {"01JFLAT00": {"setpoint_c": "x"}}])
async def test_settings_on_disk_that_make_no_sense_are_the_usual_ones(
    hass: HomeAssistant, hass_storage: dict[str, Any], kept: Any
) -> None:
    entry = building()
    key = f"qheat.{entry.entry_id}.dials"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": kept}
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    state = state_at(hass, "climate.flat_0")
    assert state.state == "off"
