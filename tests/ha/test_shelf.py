"""The books' files: what changes, each radiator's account as a whole, and what was learned."""

import asyncio
import gc
import time
from dataclasses import replace
from decimal import Decimal
from threading import Event
from typing import Any
from unittest.mock import Mock, patch

import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.archive import MOST_UNSAVED
from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.ledger import MEMORY, History
from custom_components.qheat.shelf import Shelf, home_store

from .conftest import LIVING_ROOM, FixedEngine, load, radiator, set_up, settlement

pytestmark = pytest.mark.usefixtures("engine")

CHANGES = "qheat.01JHOME"
VOLUME = f"{CHANGES}.{LIVING_ROOM}"
LEARNED = f"{CHANGES}.learned"
DAYS = f"{CHANGES}.days"
MANY = 20


async def book_many(hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine) -> None:
    """Set the home up and book more than the file of changes is for."""
    await load(hass, entry)
    told = [settlement(f"s{number}") for number in range(MANY)]
    engine.pages = [SettlementPage(settlements=tuple(told), cursor="20")]
    await entry.runtime_data.async_book_settlements()
    # The home may have seen them first, and still be writing.
    await entry.runtime_data.books.async_save()


def earned(entry: MockConfigEntry) -> Decimal:
    """Return what the home shows as earned."""
    total: Decimal = entry.runtime_data.books.home_balance.totals.earned
    return total


async def test_an_account_that_has_changed_much_is_written_whole_and_changes_are_few_again(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await book_many(hass, entry, engine)
    assert len(hass_storage[VOLUME]["data"]["settled"]) == MANY
    await entry.runtime_data.books.async_save()
    assert hass_storage[CHANGES]["data"]["ledger"]["accounts"][LIVING_ROOM]["settled"] == []
    before = earned(entry)
    assert before == MANY * Decimal("0.002")

    assert await hass.config_entries.async_reload(entry.entry_id)
    assert earned(entry) == before

    await hass.config_entries.async_remove(entry.entry_id)
    assert not [key for key in hass_storage if key.startswith(CHANGES)]


async def test_the_ids_of_a_busy_day_are_on_disk_before_the_books_forget_them(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await load(hass, entry)
    for begin in range(0, 2 * MEMORY, MANY):
        told = [settlement(f"s{begin + number}") for number in range(MANY)]
        engine.pages = [SettlementPage(settlements=tuple(told), cursor=str(begin))]
        await entry.runtime_data.async_book_settlements()
        await entry.runtime_data.async_refresh()
    days = hass_storage[DAYS]["data"]["radiators"][LIVING_ROOM]
    kept = {settlement_id for _, _, ids in days for settlement_id in ids}
    assert len(kept) > 2 * MEMORY - MEMORY // 2 - MANY


async def test_the_ids_of_one_long_page_are_on_disk_when_the_books_are(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await load(hass, entry)
    told = [settlement(f"s{number}", settled_at=1.79e9 + number) for number in range(500)]
    on_disk: list[int] = []

    async def write(_: Shelf, changes: dict[str, Any]) -> bool:
        days = hass_storage[DAYS]["data"]["radiators"][LIVING_ROOM]
        on_disk.append(len({settlement_id for _, _, ids in days for settlement_id in ids}))
        return False

    engine.pages = [SettlementPage(settlements=tuple(told), cursor="500")]
    with patch("custom_components.qheat.shelf.Shelf.async_write", write):
        await entry.runtime_data.async_book_settlements()
    assert on_disk == [500]


async def test_without_the_file_of_changes_accounts_are_as_they_were_written_whole(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await book_many(hass, entry, engine)
    assert await hass.config_entries.async_unload(entry.entry_id)
    del hass_storage[CHANGES]
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert earned(entry) == MANY * Decimal("0.002")


@pytest.mark.parametrize("damage", ["changes", "currency", "volume"])
async def test_a_damaged_file_sets_all_books_aside_and_the_new_ones_hold(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    hass_storage: dict[str, Any],
    damage: str,
) -> None:
    await book_many(hass, entry, engine)
    assert await hass.config_entries.async_unload(entry.entry_id)
    if damage == "volume":
        hass_storage[VOLUME]["data"]["closed"] = "damaged"
    elif damage == "currency":
        hass_storage[CHANGES]["data"]["ledger"]["currency"] = "EUS"
    else:
        hass_storage[CHANGES]["data"]["ledger"]["accounts"][LIVING_ROOM]["tried"] = -1
    books = {
        "changes": hass_storage[CHANGES]["data"],
        "volumes": {LIVING_ROOM: hass_storage[VOLUME]["data"]},
    }
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert hass_storage[f"{CHANGES}.damaged"]["data"] == books
    assert VOLUME not in hass_storage
    assert ("qheat", f"books_damaged_{entry.entry_id}") in ir.async_get(hass).issues
    assert earned(entry) == 0

    told = [settlement(f"new{number}") for number in range(MANY)]
    engine.pages = [SettlementPage(settlements=tuple(told), cursor="21")]
    await entry.runtime_data.async_book_settlements()
    await entry.runtime_data.books.async_save()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert earned(entry) == MANY * Decimal("0.002")


async def test_damaged_books_stay_where_they_are_until_the_disk_has_room_to_set_them_aside(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await book_many(hass, entry, engine)
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[VOLUME]["data"]["closed"] = "damaged"
    books = {
        "changes": hass_storage[CHANGES]["data"],
        "volumes": {LIVING_ROOM: hass_storage[VOLUME]["data"]},
    }
    write = Store._async_write_data

    async def fill_up(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key == f"{CHANGES}.damaged":
            raise WriteError("no space left on device")
        await write(store, data)

    with patch.object(Store, "_async_write_data", fill_up):
        await load(hass, entry)
        assert "no space left on device" in caplog.text
        # Home Assistant writes its files later then, and it may write none.
        hass.set_state(CoreState.stopping)
        await entry.runtime_data.books.async_save()
        hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
        await hass.async_block_till_done()
        hass.set_state(CoreState.running)
    assert hass_storage[CHANGES]["data"] == books["changes"]
    assert hass_storage[VOLUME]["data"] == books["volumes"][LIVING_ROOM]
    assert await entry.runtime_data.books.async_save()
    assert hass_storage[f"{CHANGES}.damaged"]["data"] == books
    assert VOLUME not in hass_storage
    assert ("qheat", f"books_damaged_{entry.entry_id}") in ir.async_get(hass).issues


async def test_an_account_that_cannot_be_written_whole_stays_among_the_changes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("custom_components.qheat.shelf.Shelf.async_write_volume", fail)
    await book_many(hass, entry, engine)
    assert "was not written whole: no space left" in caplog.text
    monkeypatch.undo()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert earned(entry) == MANY * Decimal("0.002")


async def test_an_account_not_yet_whole_on_disk_when_home_assistant_begins_to_stop_stays_in_changes(
    hass: HomeAssistant, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    kitchen = "01JKITCHEN"
    entry = await set_up(hass, radiator(), radiator(kitchen, "Kitchen"))
    books, write = entry.runtime_data.books, Store._async_write_data
    for key in (LIVING_ROOM, kitchen):
        told = [settlement(f"{key}{number}", radiator_id=key) for number in range(MANY)]
        books.book(key, SettlementPage(settlements=tuple(told), cursor="20"))

    async def stop_meanwhile(store: Store[Any], data: dict[str, Any]) -> None:
        await write(store, data)
        if store.key == VOLUME:
            hass.set_state(CoreState.stopping)

    with patch.object(Store, "_async_write_data", stop_meanwhile):
        await books.async_save()
    await books.async_save()
    # As when it is killed before its last files are written: the volume may be none of them.
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    hass.set_state(CoreState.running)
    accounts = hass_storage[CHANGES]["data"]["ledger"]["accounts"]
    assert [len(accounts[key]["settled"]) for key in (LIVING_ROOM, kitchen)] == [0, MANY]


async def test_days_are_written_down_beside_the_loop_and_the_last_write_has_them_all(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await book_many(hass, entry, engine)
    archive = entry.runtime_data.books.archive
    booked = Event()

    def book() -> None:
        archive.booked(LIVING_ROOM, [settlement("meanwhile")])
        booked.set()

    def save(history: History) -> dict[str, Any]:
        hass.loop.call_soon_threadsafe(book)
        assert booked.wait(10)
        return write_down(history)

    write_down = History.save
    archive.booked(LIVING_ROOM, [settlement("before")])
    with patch.object(History, "save", save):
        first = hass.async_create_task(archive.async_save())
        await hass.async_add_executor_job(booked.wait, 10)
        await asyncio.gather(first, archive.async_save())
    written = str(hass_storage[DAYS]["data"])
    assert "before" in written
    assert "meanwhile" in written


async def test_the_days_of_a_whole_building_do_not_hold_up_the_loop_at_a_start(
    hass: HomeAssistant,
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JKITCHEN", "Kitchen"))
    assert await hass.config_entries.async_unload(entry.entry_id)
    absorb, has_turned = History._absorb, Event()
    absorbed_in_turns = []

    def note(history: History, *args: Any) -> bool:
        absorbed_in_turns.append(has_turned.is_set())
        has_turned.clear()
        hass.loop.call_soon(has_turned.set)
        return absorb(history, *args)

    with patch.object(History, "_absorb", note):
        assert await hass.config_entries.async_setup(entry.entry_id)
    assert len(absorbed_in_turns) >= 2
    assert all(absorbed_in_turns[1:])


async def test_days_whose_write_was_cut_off_are_written_when_the_home_is_unloaded(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await book_many(hass, entry, engine)
    archive = entry.runtime_data.books.archive
    begun, cut_off = Event(), Event()

    def save(history: History) -> dict[str, Any]:
        begun.set()
        assert cut_off.wait(10)
        return write_down(history)

    write_down = History.save
    archive.booked(LIVING_ROOM, [settlement("only in the days")])
    with patch.object(History, "save", save):
        writing = hass.async_create_task(archive.async_save())
        await hass.async_add_executor_job(begun.wait, 10)
        writing.cancel()
        await asyncio.wait([writing])
        cut_off.set()
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert "only in the days" in str(hass_storage[DAYS]["data"])


async def test_a_later_write_does_not_overtake_one_that_was_cut_off(hass: HomeAssistant) -> None:
    begun, is_slow_no_more = Event(), Event()
    landed = []

    def write(data: dict[str, Any]) -> None:
        if data["data"] == "first":
            begun.set()
            assert is_slow_no_more.wait(10)
        landed.append(data["data"])

    async def write_in_thread(_: Store[Any], data: dict[str, Any]) -> None:
        await hass.async_add_executor_job(write, data)

    file = home_store(hass, "01JHOME", "days")
    with patch.object(Store, "_async_write_data", write_in_thread):
        first = hass.async_create_task(file.async_save("first"))
        await hass.async_add_executor_job(begun.wait, 10)
        first.cancel()
        hass.loop.call_later(0.1, is_slow_no_more.set)
        await file.async_save("second")
        await asyncio.wait([first])
        await hass.async_block_till_done()
    assert landed == ["first", "second"]
    assert first.cancelled()


async def test_a_write_that_is_cut_off_and_then_fails_is_no_error_that_nobody_looked_at(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    begun, is_full = asyncio.Event(), asyncio.Event()

    async def write(*_: object) -> None:
        begun.set()
        await is_full.wait()
        raise WriteError("no space left on device")

    with patch.object(Store, "_async_write_data", write):
        writing = hass.async_create_task(home_store(hass, "01JHOME", "days").async_save({}))
        await begun.wait()
        writing.cancel()
        is_full.set()
        await asyncio.wait([writing])
    gc.collect()
    assert "Error doing job" not in caplog.text


async def test_days_that_the_disk_did_not_take_are_written_once_it_has_room(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    await book_many(hass, entry, engine)
    books = entry.runtime_data.books
    told = [settlement(f"only in the days {number}") for number in range(MOST_UNSAVED)]
    books.archive.booked(LIVING_ROOM, told)
    with patch("homeassistant.helpers.storage.Store._async_write_data", side_effect=WriteError):
        await books.async_save()
    # The books forget ids again: the days have to be on disk before they do.
    await books.async_save()
    assert "only in the days" in str(hass_storage[DAYS]["data"])


@pytest.mark.parametrize("learned", [[], 7, {LIVING_ROOM: 7}, {LIVING_ROOM: {"model": "x"}}])
async def test_damaged_knowledge_of_a_room_is_learned_anew(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any], learned: Any
) -> None:
    hass_storage[LEARNED] = {"version": 1, "minor_version": 1, "key": LEARNED, "data": learned}
    assert await hass.config_entries.async_setup(entry.entry_id)


async def test_what_a_thermostat_has_learned_outlives_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    control = entry.runtime_data.radiators[LIVING_ROOM].radiator.control
    control.adopt(replace(control.model, loss_w_k=control.model.loss_w_k * 1.1))
    saved = control.save()["model"]
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.runtime_data.radiators[LIVING_ROOM].radiator.control.save()["model"] == saved
    assert hass_storage[LEARNED]["data"][LIVING_ROOM]["model"] == saved


async def test_what_a_thermostat_has_learned_is_written_every_hour_and_not_at_every_tick(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    await load(hass, entry)
    later = Mock(wraps=time)
    for passed_s, is_written in ((0, True), (3500, False), (3700, True), (3800, False)):
        later.monotonic.return_value = time.monotonic() + passed_s
        with patch("custom_components.qheat.coordinator.time", later):
            await entry.runtime_data.async_refresh()
        assert bool(hass_storage.pop(LEARNED, None)) is is_written, passed_s


async def test_what_thermostats_know_outlives_a_start_that_fails_halfway(
    hass: HomeAssistant, engine: FixedEngine, hass_storage: dict[str, Any]
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JBED", "Bedroom"))
    assert await hass.config_entries.async_unload(entry.entry_id)
    with patch.object(engine, "start", side_effect=OSError):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert hass_storage[LEARNED]["data"].keys() == entry.subentries.keys()


async def test_what_was_learned_in_a_simulated_room_is_not_taken_for_the_real_one(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[LEARNED]["data"][LIVING_ROOM]["days"] = [[900.0, 19.0, 0.0]] * 10
    await load(hass, entry)
    assert not hass.states.is_state("sensor.living_room_heat_loss", STATE_UNKNOWN)

    hass.states.async_set("sensor.room", "18.0", {"unit_of_measurement": "°C"})
    real = {"rated_w": 500, "idle_w": 20, "room": "sensor", "temperature_entity": "sensor.room"}
    hass.config_entries.async_update_subentry(entry, entry.subentries[LIVING_ROOM], data=real)
    await hass.async_block_till_done()

    assert hass.states.is_state("sensor.living_room_heat_loss", STATE_UNKNOWN)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert hass.states.is_state("sensor.living_room_heat_loss", STATE_UNKNOWN)


async def test_a_volume_of_a_newer_version_is_left_alone(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    newer = {"version": 99, "minor_version": 1, "key": VOLUME, "data": {}}
    hass_storage[VOLUME] = newer
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "books_newer"
    assert hass_storage[VOLUME] == newer


@pytest.mark.parametrize("is_written", [True, False])
async def test_all_who_ask_for_a_write_at_once_share_one_and_are_told_how_it_went(
    hass: HomeAssistant, entry: MockConfigEntry, is_written: bool
) -> None:
    await load(hass, entry)
    books = entry.runtime_data.books
    with patch("custom_components.qheat.shelf.Shelf.async_write", return_value=is_written) as write:
        told = await asyncio.gather(*(books.async_save() for _ in range(300)))
    assert told == [is_written] * 300
    # The first write began before the others had asked; it cannot hold what they ask for.
    assert write.call_count == 2
