"""A home with everything real behind it: set up, reload, unload, removal, damage."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import ExtendedJSONEncoder
from homeassistant.util.file import WriteError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import qheat
from custom_components.qheat.cadence import FEW
from custom_components.qheat.compute.engine import HeatKind, SettlementPage
from custom_components.qheat.diagnostics import async_get_config_entry_diagnostics
from custom_components.qheat.heating import RoomControl
from custom_components.qheat.heating.setting import Setting
from custom_components.qheat.ledger import Ledger
from tests.waiting import until

from .conftest import (
    LIVING_ROOM,
    FixedEngine,
    call,
    kept,
    load,
    radiator,
    set_up,
    settlement,
    state_at,
)

BOOKS = "qheat.01JHOME"


def children() -> set[int]:
    """Return the process ids of all that this process has started and is still there."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text("ascii").split()}


@pytest.fixture
def before(own_folder: Path, socket_enabled: None) -> set[int]:
    """Return the processes from before the home is set up."""
    return children()


async def until_heating(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Turn the thermostat up and wait for a paid job to run."""
    await call(hass, "set_temperature", temperature=30, hvac_mode="heat")
    async with asyncio.timeout(60):
        while entry.runtime_data.data.radiators[LIVING_ROOM].engine.heat_kind is not HeatKind.PAID:
            await asyncio.sleep(0.2)
            await entry.runtime_data.async_refresh()


async def test_a_setpoint_starts_real_jobs_and_unloading_ends_them(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until_heating(hass, entry)
    assert children() > before
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert children() == before


async def test_diagnostics_can_be_downloaded_while_a_job_runs(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until_heating(hass, entry)
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    [kind] = json.loads(json.dumps(diagnostics, cls=ExtendedJSONEncoder))["radiators"][LIVING_ROOM][
        "state"
    ]["engine"]["cores_by_kind"]
    assert kind in {"option_price", "docking", "picture_tile"}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert children() == before


async def test_stopping_home_assistant_ends_all_jobs(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until_heating(hass, entry)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    assert children() == before


async def test_a_stop_that_comes_while_a_home_is_set_up_leaves_no_process_behind(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    async def open_home(*args: Any) -> Any:
        opened = await real(*args)
        assert children() > before
        hass.set_state(CoreState.stopping)
        hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
        return opened

    real = qheat.async_open_home
    with patch.object(qheat, "async_open_home", open_home):
        assert await hass.config_entries.async_setup(entry.entry_id)
    assert children() == before
    hass.set_state(CoreState.running)


async def test_reloading_keeps_one_runner(
    hass: HomeAssistant, entry: MockConfigEntry, before: set[int]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    running = len(children())
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert len(children()) == running
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_removing_a_home_leaves_no_file_behind(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    before: set[int],
    own_folder: Path,
    hass_storage: dict[str, Any],
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert BOOKS in hass_storage
    assert f"{BOOKS}.sqlite" in kept(own_folder)
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert BOOKS not in hass_storage
    assert not kept(own_folder)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "books",
    [
        {"ledger": {"version": 99}},
        {"ledger": []},
        {"radiators": {}},
        {"ledger": {"accounts": 7}, "radiators": {LIVING_ROOM: []}},
        [],
    ],
)
async def test_damaged_books_are_set_aside_and_reported_and_nobody_freezes(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any], books: Any
) -> None:
    hass_storage[BOOKS] = {"version": 1, "minor_version": 1, "key": BOOKS, "data": books}
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert hass.states.get("climate.living_room") is not None
    assert hass_storage[f"{BOOKS}.damaged"]["data"] == {"changes": books, "volumes": {}}
    issues = ir.async_get(hass).issues
    assert ("qheat", f"books_damaged_{entry.entry_id}") in issues

    await hass.config_entries.async_remove(entry.entry_id)
    assert not [key for key in hass_storage if key.startswith(BOOKS)]
    assert not ir.async_get(hass).issues


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("kept", [[], {LIVING_ROOM: 3}, {LIVING_ROOM: {"room": 7}}])
async def test_a_radiator_whose_memory_makes_no_sense_starts_anew(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any], kept: Any
) -> None:
    data = {"ledger": Ledger("EUR").save(), "radiators": kept}
    hass_storage[BOOKS] = {"version": 1, "minor_version": 1, "key": BOOKS, "data": data}
    assert await hass.config_entries.async_setup(entry.entry_id)
    state = state_at(hass, "climate.living_room")
    assert state.state == "off"


@pytest.mark.usefixtures("engine")
async def test_books_of_a_newer_version_are_not_touched(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    newer = {"version": 99, "minor_version": 1, "key": BOOKS, "data": {}}
    hass_storage[BOOKS] = newer
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "books_newer"
    assert hass_storage[BOOKS] == newer


async def test_one_failing_radiator_leaves_the_others_warm(
    hass: HomeAssistant, engine: FixedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JBED", "Bedroom"))
    bedroom = entry.runtime_data.radiators["01JBED"].radiator
    with patch.object(bedroom, "tick", side_effect=OverflowError):
        await entry.runtime_data.async_refresh()
        await entry.runtime_data.async_refresh()
        unavailable = state_at(hass, "climate.bedroom")
        warm = state_at(hass, "climate.living_room")
    assert (unavailable.state, warm.state) == ("unavailable", "off")
    assert caplog.text.count("The radiator Bedroom has failed") == 1
    await entry.runtime_data.async_refresh()
    back = state_at(hass, "climate.bedroom")
    assert back.state == "off"
    caplog.clear()


async def test_a_backend_that_does_not_answer_holds_no_budget_up(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    never = asyncio.Event()

    async def wait_for_ever(after: str | None) -> SettlementPage:
        await never.wait()
        return SettlementPage(settlements=(), cursor=after)

    with patch.object(engine, "settlements", wait_for_ever):
        assert await hass.config_entries.async_setup(entry.entry_id)
        assert engine.budget is not None
        before_s = engine.budget.expires_s
        await entry.runtime_data.async_refresh()
        assert engine.budget.expires_s > before_s
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_what_the_disk_did_not_take_is_not_shown(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    await load(hass, entry)
    engine.pages = [SettlementPage(settlements=(settlement(),), cursor="1")]
    with patch("homeassistant.helpers.storage.Store._async_write_data", side_effect=WriteError):
        await entry.runtime_data.async_book_settlements()
    earned = entry.runtime_data.books.balances[LIVING_ROOM].totals.earned
    assert earned == 0
    await entry.runtime_data.books.async_save()
    await entry.runtime_data.async_refresh()
    assert entry.runtime_data.books.balances[LIVING_ROOM].totals.earned == Decimal("0.002")


async def test_a_tick_or_a_turn_of_a_dial_that_outlives_its_home_writes_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    coordinator = entry.runtime_data
    await hass.config_entries.async_remove(entry.entry_id)
    await coordinator.books.async_save()
    await coordinator.async_set(LIVING_ROOM, Setting(heating=True))
    assert not [key for key in hass_storage if key.startswith(BOOKS)]


async def test_an_engine_that_stops_gets_no_new_budget_from_a_tick_or_a_dial_under_way(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    """It would ask for leases again, and nobody would give them back."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    coordinator = entry.runtime_data
    is_asked, answers = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        is_asked.set()
        await answers.wait()

    schedule = AsyncMock(**{"async_refresh.side_effect": read, "changes": lambda: None})
    coordinator.radiators[LIVING_ROOM].radiator.schedule = schedule
    ticking = hass.async_create_task(coordinator.async_refresh())
    await is_asked.wait()

    async def stop() -> None:
        engine.budget = None
        answers.set()
        await ticking
        await coordinator._async_update_data()
        await coordinator.async_set(LIVING_ROOM, Setting(heating=True, setpoint_c=30.0))

    with patch.object(engine, "stop", stop):
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert engine.budget is None


async def test_a_home_without_radiators_is_set_up(hass: HomeAssistant, engine: FixedEngine) -> None:
    entry = MockConfigEntry(
        domain="qheat",
        title="Empty",
        data={"backend": "embedded", "currency": "EUR"},
        options={"electricity_price": 0.2, "reference_price": 0.1, "reference_efficiency": 0.9},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    state = state_at(hass, "sensor.empty_heat_output")
    assert float(state.state) == 0


async def test_what_a_day_taught_is_taken_over(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    control = entry.runtime_data.radiators[LIVING_ROOM].radiator.control
    learned = replace(control.model, loss_w_k=control.model.loss_w_k * 1.1)
    with (
        patch.object(control, "needs_refit", side_effect=[True, False]),
        patch("custom_components.qheat.radiator_coordinator.refit", return_value=learned),
    ):
        await entry.runtime_data.async_refresh()
        await until(lambda: control.model == learned)


async def test_rooms_whose_days_end_at_the_same_moment_are_learned_one_after_the_other(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JKITCHEN", "Kitchen"))
    begun: list[object] = []
    alone: list[bool] = []

    def learn(snapshot: Any) -> Any:
        begun.append(snapshot)
        time.sleep(0.1)
        alone.append(len(begun) == len(alone) + 1)
        return snapshot.model

    with (
        patch.object(RoomControl, "needs_refit", side_effect=[True, True, *[False] * 9]),
        patch("custom_components.qheat.radiator_coordinator.refit", learn),
    ):
        await entry.runtime_data.async_refresh()
        await until(lambda: len(alone) == 2)
    assert alone == [True, True]


async def test_money_still_comes_in_after_a_fault_that_nobody_foresaw(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    looks = []

    async def fail_once(after: str | None) -> SettlementPage:
        looks.append(after)
        if len(looks) == 1:
            raise RuntimeError("nobody foresaw this")
        return SettlementPage(settlements=(), cursor=after)

    with (
        patch.object(engine, "settlements", fail_once),
        patch("custom_components.qheat.cadence.FEW", replace(FEW, settlements_every_s=0.01)),
    ):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await until(lambda: len(looks) > 1)
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_radiator_whose_settlements_make_trouble_keeps_no_other_from_its_money(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JBED", "Bedroom"))
    living_room, bedroom = (one.radiator.engine for one in entry.runtime_data.radiators.values())

    async def take_a_while(after: str | None) -> SettlementPage:
        await asyncio.sleep(0.05)
        return SettlementPage(settlements=(settlement(),), cursor="1")

    with (
        patch.object(living_room, "settlements", take_a_while),
        patch.object(bedroom, "settlements", side_effect=RuntimeError("nobody foresaw this")),
    ):
        await entry.runtime_data.async_book_settlements()
    assert entry.runtime_data.books.home_balance.totals.earned == Decimal("0.002")


async def test_tenants_who_turn_dials_all_the_time_do_not_put_off_the_ticks_of_other_rooms(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    other = "01JKITCHEN000000000000000"
    with patch("custom_components.qheat.coordinator.TICK", timedelta(seconds=1)):
        entry = await set_up(hass, radiator(), radiator(other, "Kitchen"))
    ticks = []
    kitchen = entry.runtime_data.radiators[other]
    kitchen.async_add_listener(lambda: ticks.append(kitchen.data))
    setting = entry.runtime_data.radiators[LIVING_ROOM].radiator.setting
    async with asyncio.timeout(30):
        while len(ticks) < 2:
            await asyncio.sleep(0.2)
            await entry.runtime_data.async_set(LIVING_ROOM, setting)
