"""A BOINC machine that is stopped, disabled or removed gets its user's settings back in the end."""

from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import PASSWORD, SimulatedClient, cpid_of

from .boinc import (
    FIRST,
    HALL,
    Repairs,
    boinc_radiator,
    not_put_back,
    until,
    until_reached,
)

pytestmark = pytest.mark.usefixtures("boinc")


async def test_a_stop_leaves_the_settings_put_away_and_a_restart_does_not_take_them_for_its_own(
    hass: HomeAssistant,
    heating_home: MockConfigEntry,
    client: SimulatedClient,
    hass_storage: dict[str, Any],
) -> None:
    assert await hass.config_entries.async_unload(heating_home.entry_id)
    assert client.mode == 3
    assert client.override != FIRST
    kept = hass_storage["qheat.01JHOME"]["data"]["boinc"][HALL]
    assert kept["engine"]["originals"]["override"] == FIRST
    assert PASSWORD not in str(kept)

    assert await hass.config_entries.async_setup(heating_home.entry_id)
    await until_reached(hass, heating_home)
    await hass.config_entries.async_remove(heating_home.entry_id)
    assert client.override == FIRST
    assert client.permanent == 2


async def test_a_removed_radiator_gets_its_users_settings_back(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    hass.config_entries.async_remove_subentry(heating_home, HALL)
    await hass.async_block_till_done()
    assert client.override == FIRST
    assert client.permanent == 2
    assert hass.states.get("climate.hall") is None
    assert not ir.async_get(hass).issues


async def test_a_disabled_home_gives_the_settings_back(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    await hass.config_entries.async_set_disabled_by(heating_home.entry_id, ConfigEntryDisabler.USER)
    assert client.override == FIRST
    assert client.permanent == 2


async def remove_while_it_does_not_answer(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    """Remove the radiator after its client has gone, which so keeps our settings."""
    await client.stop()
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()


async def test_a_machine_removed_while_it_does_not_answer_gets_its_settings_back_by_the_repair(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    await remove_while_it_does_not_answer(hass, heating_home, client)
    assert client.override != FIRST
    (issue_id,) = not_put_back(hass)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["radiator"] == "Hall"
    told = str(issue.to_json())  # as diagnostics have it
    hidden = (PASSWORD, "127.0.0.1", cpid_of(client.port), "max_ncpus_pct")
    assert not [one for one in hidden if one in told]
    form = await repairs.open(issue_id)
    assert form["description_placeholders"] == {"radiator": "Hall", "host": "127.0.0.1"}

    async def enter(password: str) -> Any:
        return await repairs.submit(form, host="127.0.0.1", password=password)

    assert (await enter(PASSWORD))["errors"] == {"base": "no_answer"}
    await client.start()
    assert (await enter("wrong"))["errors"] == {"base": "wrong_password"}
    with patch.object(SimulatedClient, "_get_host_info", another_host):
        assert (await enter(PASSWORD))["errors"] == {"base": "another_machine"}
    assert client.override != FIRST
    assert (await enter(PASSWORD))["type"] == "create_entry"
    assert client.override == FIRST
    assert client.permanent == 2
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


async def test_a_machine_that_is_a_radiator_again_still_gets_its_own_settings_back_in_the_end(
    hass: HomeAssistant, heating_home: MockConfigEntry, client: SimulatedClient
) -> None:
    await remove_while_it_does_not_answer(hass, heating_home, client)
    await client.start()
    hass.config_entries.async_add_subentry(heating_home, boinc_radiator(client.port, "again"))
    await hass.async_block_till_done()
    assert client.override != FIRST
    await until(hass, heating_home, lambda: not ir.async_get(hass).issues)
    hass.config_entries.async_remove_subentry(heating_home, "again")
    await hass.async_block_till_done()
    assert client.override == FIRST
    assert client.permanent == 2


def another_host(client: SimulatedClient, request: str) -> str:
    return (
        f"<host_info><domain_name>{client.name}</domain_name>"
        f"<host_cpid>{cpid_of(0)}</host_cpid><p_ncpus>4</p_ncpus></host_info>"
    )
