"""Machines made from one image have the same name: each gets its own settings back, and no other's.

All simulated clients are named `box`.
"""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.compute.boinc import simulated
from tests.compute.boinc.simulated import SimulatedClient, cpid_of

from .boinc import (
    FIRST,
    HALL,
    SECOND,
    SIMULATED_ROOM,
    Repairs,
    answer,
    boinc_radiator,
    change,
    machine,
    mend,
    not_put_back,
    start,
    until_it_runs,
    until_reached,
)
from .conftest import set_up

pytestmark = pytest.mark.usefixtures("boinc")


@pytest.fixture
async def first() -> AsyncGenerator[SimulatedClient]:
    """Return a client that is a radiator first."""
    client = SimulatedClient(override=FIRST)
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
async def second() -> AsyncGenerator[SimulatedClient]:
    """Return another client, with other preferences of its user's own, and another mode."""
    client = SimulatedClient(override=SECOND, permanent=1)
    await client.start()
    yield client
    await client.stop()


async def test_a_machine_does_not_get_what_a_removed_one_of_the_same_name_waits_for(
    hass: HomeAssistant, first: SimulatedClient, second: SimulatedClient, repairs: Repairs
) -> None:
    entry = await set_up(hass)
    await remove(hass, entry, await add(hass, entry, first), first)
    radiator_id = await add(hass, entry, second)
    assert not_put_back(hass)
    hass.config_entries.async_remove_subentry(entry, radiator_id)
    await hass.async_block_till_done()
    assert (second.override, second.permanent) == (SECOND, 1)

    await first.start()
    await mend(hass, repairs)
    assert (first.override, first.permanent) == (FIRST, 2)


async def test_a_radiator_that_is_given_a_machine_of_the_same_name_gives_the_first_its_own_back(
    hass: HomeAssistant, first: SimulatedClient, second: SimulatedClient
) -> None:
    entry = await set_up(hass, boinc_radiator(first.port))
    await until_it_runs(hass, entry, first)
    await reconfigure(hass, entry, machine(second.port, name="Hall"))
    assert (first.override, first.permanent) == (FIRST, 2)
    await until_it_runs(hass, entry, second)
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (second.override, second.permanent) == (SECOND, 1)
    assert not not_put_back(hass)


async def test_a_machine_whose_password_has_changed_is_the_same_and_gets_its_own_settings_back(
    hass: HomeAssistant, first: SimulatedClient
) -> None:
    entry = await set_up(hass, boinc_radiator(first.port))
    await until_it_runs(hass, entry, first)
    await first.stop()
    first.password = "new"
    await first.start()
    await reconfigure(hass, entry, machine(first.port, name="Hall", password="new"))
    assert not not_put_back(hass)
    await until_reached(hass, entry)
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (first.override, first.permanent) == (FIRST, 2)


async def test_a_machine_is_still_the_same_at_another_address(
    hass: HomeAssistant, first: SimulatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpid = cpid_of(first.port)
    monkeypatch.setattr(simulated, "cpid_of", lambda _port: cpid)
    entry = await set_up(hass, boinc_radiator(first.port))
    await until_it_runs(hass, entry, first)
    await moves(first)
    await reconfigure(hass, entry, machine(first.port, name="Hall"))
    assert not not_put_back(hass)
    await until_it_runs(hass, entry, first)
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (first.override, first.permanent) == (FIRST, 2)


async def moves(client: SimulatedClient) -> None:
    """Have a client answer at another address."""
    await client.stop()
    client.port = 0
    await client.start()


async def add(hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient) -> str:
    """Add a client as the only radiator, and heat with it; return the radiator's id."""
    result = await answer(hass, await start(hass, entry), machine(client.port, name="Hall"))
    await answer(hass, result, SIMULATED_ROOM)
    await hass.async_block_till_done()
    await until_it_runs(hass, entry, client)
    radiator_id: str = next(iter(entry.subentries))
    return radiator_id


async def remove(
    hass: HomeAssistant, entry: MockConfigEntry, radiator_id: str, client: SimulatedClient
) -> None:
    """Heat, and remove the radiator after its client has gone, which so keeps our settings."""
    await until_it_runs(hass, entry, client)
    await client.stop()
    hass.config_entries.async_remove_subentry(entry, radiator_id)
    await hass.async_block_till_done()
    assert client.override != FIRST


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, user_input: dict[str, Any]
) -> None:
    """Change the radiator in the hall."""
    result = await answer(hass, await change(hass, entry), user_input)
    result = await answer(hass, result, SIMULATED_ROOM)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
