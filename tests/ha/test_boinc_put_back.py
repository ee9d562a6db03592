"""A user's own BOINC settings are not lost by a kill, nor while a machine is off."""

import json
import time
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.boinc_left_behind import (
    async_leave_behind,
    async_settle,
)
from custom_components.qheat.compute.boinc import Originals
from custom_components.qheat.compute.boinc.replies import RunMode
from tests.compute.boinc.simulated import PASSWORD, SimulatedClient, cpid_of

from .boinc import (
    FIRST,
    HALL,
    SECOND,
    Repairs,
    boinc_data,
    left_on_disk,
    mend,
    not_put_back,
    state_of,
    until,
    until_it_runs,
)
from .conftest import set_up

pytestmark = pytest.mark.usefixtures("boinc")


async def test_a_client_started_anew_while_nobody_asked_it_anything_gets_its_settings_back(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    await client.stop()
    await client.start()
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    assert (client.override, client.permanent) == (FIRST, 2)
    assert not not_put_back(hass)


async def test_a_client_has_its_settings_back_when_home_assistant_stops_but_rests_for_an_hour(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    await hass.async_stop(force=True)
    assert (client.override, client.permanent, client.gpu_permanent) == (FIRST, 2, 2)
    assert not client.running
    assert 3500 < client.temporary_until_s - time.monotonic() <= 3600


async def test_a_home_disabled_while_its_machine_is_off_heats_again_and_its_repair_goes(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    repairs: Repairs,
    hass_storage: dict[str, Any],
) -> None:
    await client.stop()
    await hass.config_entries.async_set_disabled_by(heating_home.entry_id, ConfigEntryDisabler.USER)
    (issue_id,) = not_put_back(hass)
    await hass.config_entries.async_set_disabled_by(heating_home.entry_id, None)
    await hass.async_block_till_done()
    assert (await repairs.open(issue_id))["reason"] == "radiator_again"
    assert not_put_back(hass) == [issue_id] == [*left_on_disk(hass_storage)]

    await client.start()
    await until_it_runs(hass, heating_home, client)
    assert not not_put_back(hass)
    assert not left_on_disk(hass_storage)
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    assert (client.override, client.permanent) == (FIRST, 2)


async def test_what_a_user_sets_after_the_repair_of_a_disabled_home_is_what_comes_back_in_the_end(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    await client.stop()
    await hass.config_entries.async_set_disabled_by(heating_home.entry_id, ConfigEntryDisabler.USER)
    await client.start()
    await mend(hass, repairs)
    assert (client.override, client.permanent) == (FIRST, 2)
    client.override, client.permanent = SECOND, 1
    await hass.config_entries.async_set_disabled_by(heating_home.entry_id, None)
    await until_it_runs(hass, heating_home, client)
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    assert (client.override, client.permanent) == (SECOND, 1)


async def test_a_repair_whose_settings_a_radiator_has_itself_goes_at_once(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    hass_storage: dict[str, Any],
) -> None:
    """As when Home Assistant was killed before the books forgot what the repair has."""
    assert await hass.config_entries.async_unload(heating_home.entry_id)
    await async_leave_behind(hass, left(client))
    await client.stop()
    assert await hass.config_entries.async_setup(heating_home.entry_id)
    assert not not_put_back(hass)
    assert not left_on_disk(hass_storage)
    await client.start()


async def test_a_repair_that_was_settled_while_it_was_open_puts_nothing_back(
    hass: HomeAssistant, client: SimulatedClient, repairs: Repairs
) -> None:
    await set_up(hass)
    await async_leave_behind(hass, left(client))
    form = await repairs.open(*not_put_back(hass))
    await async_settle(hass, left(client))
    done = await repairs.submit(form, host="127.0.0.1", password=PASSWORD)
    assert done["type"] == "create_entry"
    assert client.override != SECOND


async def test_a_radiator_that_leaves_two_machines_behind_has_a_repair_for_each(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    hass_storage: dict[str, Any],
) -> None:
    second = SimulatedClient(override=SECOND)
    await second.start()
    await client.stop()
    await give(hass, heating_home, second.port)
    await until_it_runs(hass, heating_home, second)
    await second.stop()
    await give(hass, heating_home, 1)
    kept = [left_on_disk(hass_storage)[issue_id]["originals"] for issue_id in not_put_back(hass)]
    assert [FIRST in str(one) for one in kept] == [True, False]
    assert [SECOND in str(one) for one in kept] == [False, True]
    await client.start()


async def test_a_machine_that_has_another_address_now_gets_its_settings_back_by_the_repair(
    hass: HomeAssistant, client: SimulatedClient, repairs: Repairs, hass_storage: dict[str, Any]
) -> None:
    client.permanent = 3
    await set_up(hass)
    await async_leave_behind(hass, left(client) | {"host": "192.0.2.1"})
    form = await repairs.open(*not_put_back(hass))
    shown = {field["name"]: field.get("description") for field in form["data_schema"]}
    assert shown["host"] == {"suggested_value": "192.0.2.1"}
    assert (await repairs.submit(form, host="127.0.0.1", password=PASSWORD))[
        "type"
    ] == "create_entry"
    assert (client.override, client.permanent) == (SECOND, 1)
    assert not left_on_disk(hass_storage)


async def test_a_machine_that_was_suspended_by_hand_stays_so_when_its_repair_is_submitted(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    client.temporary_until_s = 0.0
    await until(hass, heating_home, lambda: state_of(hass, "status") == "changed_by_hand")
    await client.stop()
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    await client.start()
    await mend(hass, repairs)
    assert (client.override, client.permanent, client.gpu_permanent) == (FIRST, 3, 2)


def left(client: SimulatedClient) -> dict[str, Any]:
    """Return what a repair has for a client: other settings than it has now."""
    originals = Originals(override=SECOND, cpu_mode=RunMode.ALWAYS, gpu_mode=RunMode.AUTO)
    return {
        "radiator": "Hall",
        "host": "127.0.0.1",
        "port": client.port,
        "machine": cpid_of(client.port),
        "originals": json.dumps(originals.saved()),
    }


async def give(hass: HomeAssistant, entry: MockConfigEntry, port: int) -> None:
    """Give the radiator in the hall another machine."""
    subentry = entry.subentries[HALL]
    hass.config_entries.async_update_subentry(entry, subentry, data=boinc_data(port))
    await hass.async_block_till_done()
