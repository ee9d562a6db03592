"""Neither a kill nor a full disk loses the BOINC settings of a machine that is gone or removed."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.boinc_left_behind import async_tell_of_left_behind
from custom_components.qheat.compute.boinc import BoincEngine
from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import PASSWORD, SimulatedClient, cpid_of

from .boinc import (
    FIRST,
    HALL,
    LEFT_BEHIND,
    SECOND,
    Repairs,
    boinc_data,
    boinc_radiator,
    left_on_disk,
    mend,
    not_put_back,
)
from .conftest import FixedEngine, radiator, set_up

pytestmark = pytest.mark.usefixtures("boinc")


async def test_the_books_forget_no_settings_before_these_are_written_down_elsewhere(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    boinc = heating_home.runtime_data.boinc
    kept = []

    async def write_down(*_: object) -> bool:
        kept.append(boinc.save()[HALL]["engine"]["originals"])
        return True

    await client.stop()
    with patch("custom_components.qheat.boinc_machines.async_leave_behind", write_down):
        hass.config_entries.async_remove_subentry(heating_home, HALL)
        await hass.async_block_till_done()
    assert [one["override"] for one in kept] == [FIRST]
    assert boinc.save()[HALL]["engine"]["originals"] is None
    await client.start()


@contextmanager
def full_disk() -> Generator[None]:
    """Have no room for what machines are to get back."""
    write = Store._async_write_data

    async def fill_up(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key == LEFT_BEHIND:
            raise WriteError("no space left on device")
        await write(store, data)

    with patch.object(Store, "_async_write_data", fill_up):
        yield


@pytest.mark.parametrize("given_another", [False, True])
async def test_settings_that_a_full_disk_did_not_take_are_in_the_books_until_it_has_room(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    hass_storage: dict[str, Any],
    given_another: bool,
) -> None:
    await client.stop()
    other = SimulatedClient(override=SECOND)
    await other.start()
    with full_disk():
        if given_another:
            hass.config_entries.async_update_subentry(
                heating_home, heating_home.subentries[HALL], data=boinc_data(other.port)
            )
        else:
            hass.config_entries.async_remove_subentry(heating_home, HALL)
        await hass.async_block_till_done()
        await heating_home.runtime_data.books.async_save()
    assert not left_on_disk(hass_storage)
    # As after a kill.
    hass.data.pop("qheat_left_behind")
    assert await hass.config_entries.async_reload(heating_home.entry_id)
    (left_to_put_back,) = left_on_disk(hass_storage).values()
    assert FIRST in str(left_to_put_back)
    assert await hass.config_entries.async_reload(heating_home.entry_id)
    assert FIRST not in str(hass_storage["qheat.01JHOME"]["data"]["boinc"])
    await other.stop()
    await client.start()


async def test_a_repair_that_a_full_disk_did_not_take_and_somebody_has_mended_does_not_come_again(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    await client.stop()
    with full_disk():
        hass.config_entries.async_remove_subentry(heating_home, HALL)
        await hass.async_block_till_done()
    await client.start()
    await mend(hass, repairs)
    assert client.override == FIRST
    assert await hass.config_entries.async_reload(heating_home.entry_id)
    assert not not_put_back(hass)


async def test_what_a_full_disk_did_not_take_is_written_once_the_books_of_a_removed_home_are_gone(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    hass_storage: dict[str, Any],
) -> None:
    write, books = Store._async_write_data, f"{DOMAIN}.{heating_home.entry_id}"

    async def fill_up(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key == LEFT_BEHIND and books in hass_storage:
            raise WriteError("no space left on device")
        await write(store, data)

    await client.stop()
    with patch.object(Store, "_async_write_data", fill_up):
        await hass.config_entries.async_remove(heating_home.entry_id)
    assert FIRST in str(left_on_disk(hass_storage))
    await client.start()


async def test_a_kill_while_home_assistant_writes_its_last_files_loses_no_settings(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    repairs: Repairs,
    hass_storage: dict[str, Any],
) -> None:
    await client.stop()
    hass.set_state(CoreState.stopping)
    # Home Assistant stops before the home is loaded anew without its radiator.
    with patch.object(hass.config_entries, "async_reload"):
        hass.config_entries.async_remove_subentry(heating_home, HALL)
        await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(heating_home.entry_id)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    # The books were written, and what machines are to get back was not.
    del hass_storage[LEFT_BEHIND]
    hass.data.pop("qheat_left_behind")
    hass.set_state(CoreState.running)

    await client.start()
    assert await hass.config_entries.async_setup(heating_home.entry_id)
    await mend(hass, repairs)
    assert (client.override, client.permanent) == (FIRST, 2)


async def test_the_books_of_a_removed_home_are_there_until_its_machines_have_their_settings_back(
    hass: HomeAssistant, heating_home: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    books = f"{DOMAIN}.{heating_home.entry_id}"
    there: list[bool] = []

    async def release(_engine: BoincEngine) -> None:
        there.append(books in hass_storage)

    with patch.object(BoincEngine, "release", release):
        await hass.config_entries.async_remove(heating_home.entry_id)
    assert there == [True]
    assert books not in hass_storage


@pytest.mark.parametrize("then", ["loaded", "removed"])
@pytest.mark.parametrize("given_another", [False, True])
async def test_a_machine_that_was_not_released_before_a_kill_is_told(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    repairs: Repairs,
    then: str,
    given_another: bool,
    hass_storage: dict[str, Any],
) -> None:
    """After a kill, the entry is as changed, and the books are as before."""
    assert await hass.config_entries.async_unload(heating_home.entry_id)
    if given_another:
        hass.config_entries.async_update_subentry(
            heating_home, heating_home.subentries[HALL], data=boinc_data(1)
        )
    else:
        hass.config_entries.async_remove_subentry(heating_home, HALL)
    if then == "removed":
        await hass.config_entries.async_remove(heating_home.entry_id)
    else:
        assert await hass.config_entries.async_setup(heating_home.entry_id)
    assert client.override != FIRST
    await mend(hass, repairs)
    assert (client.override, client.permanent) == (FIRST, 2)
    assert not left_on_disk(hass_storage)


async def test_a_repair_that_the_registry_has_not_written_yet_is_raised_again_after_a_kill(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    repairs: Repairs,
    hass_storage: dict[str, Any],
) -> None:
    await client.stop()
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    (issue_id,) = not_put_back(hass)
    assert PASSWORD not in str(left_on_disk(hass_storage))

    ir.async_delete_issue(hass, DOMAIN, issue_id)
    hass.data.pop("qheat_left_behind")
    await async_tell_of_left_behind(hass)
    assert not_put_back(hass) == [issue_id]
    await client.start()
    await mend(hass, repairs)
    assert (client.override, client.permanent) == (FIRST, 2)


ORIGINALS = json.dumps({"override": FIRST, "cpu_mode": 2, "gpu_mode": 2})
HALF: dict[str, Any] = {"radiator": "Hall", "host": "box", "port": 1, "machine": cpid_of(1)}
SENSELESS: tuple[Any, ...] = (
    7,
    {},
    {"originals": ORIGINALS},
    HALF,
    HALF | {"originals": 7},
    HALF | {"originals": "x"},
)


@pytest.mark.parametrize("left", [7, *({"not_put_back_hall": left} for left in SENSELESS)], ids=str)
async def test_what_makes_no_sense_of_machines_left_behind_keeps_no_home_from_heating(
    hass: HomeAssistant, hass_storage: dict[str, Any], left: Any
) -> None:
    hass_storage[LEFT_BEHIND] = {"version": 1, "key": LEFT_BEHIND, "data": left}
    await set_up(hass, boinc_radiator(1, machine=cpid_of(1)))
    assert not not_put_back(hass)


async def test_settings_are_put_back_whatever_the_key_under_which_they_were_written_down(
    hass: HomeAssistant,
    client: SimulatedClient,
    engine: FixedEngine,
    repairs: Repairs,
    hass_storage: dict[str, Any],
) -> None:
    client.permanent = 3
    left = HALF | {"port": client.port, "machine": cpid_of(client.port), "originals": ORIGINALS}
    hass_storage[LEFT_BEHIND] = {"version": 1, "key": LEFT_BEHIND, "data": {"hall": left}}
    await set_up(hass, radiator())
    await mend(hass, repairs)
    assert (client.override, client.permanent) == (FIRST, 2)
    assert not left_on_disk(hass_storage)
