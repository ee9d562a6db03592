"""A user's own BOINC settings are not lost by a kill, nor while a machine is off."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.compute.boinc.simulated import SimulatedClient

from .boinc import HALL, boinc_radiator, hurried
from .test_boinc_equal_names import FIRST, not_put_back, set_up, until_it_runs


@pytest.fixture(autouse=True)
def _no_spread(socket_enabled: None, own_folder: Path) -> Generator[None]:
    """Allow sockets, and have radiators not wait for each other."""
    with hurried():
        yield


@pytest.fixture
async def client() -> AsyncGenerator[SimulatedClient]:
    """Return a client with preferences of its user's own."""
    client = SimulatedClient(override=FIRST)
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, client: SimulatedClient) -> MockConfigEntry:
    """Return a home with one BOINC machine, which heats."""
    entry = await set_up(hass, boinc_radiator(client.port))
    await until_it_runs(hass, entry, client)
    return entry


async def test_a_client_started_anew_while_nobody_asked_it_anything_gets_its_settings_back(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await client.stop()
    await client.start()
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (client.override, client.permanent) == (FIRST, 2)
    assert not not_put_back(hass)
