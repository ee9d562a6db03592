"""Adding and changing a BOINC machine: every path ends in a radiator, also after its error."""

import asyncio
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.compute.boinc.simulated import PASSWORD, URL, SimulatedClient, cpid_of

from .boinc import HALL, SIMULATED_ROOM, answer, boinc_radiator, change, machine, start
from .conftest import home, set_up

pytestmark = pytest.mark.usefixtures("boinc")


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a home without radiators, set up."""
    return await set_up(hass)


async def fill_in(hass: HomeAssistant, entry: MockConfigEntry, port: int, **changes: Any) -> Any:
    """Begin to add a machine, and answer the first form."""
    return await answer(hass, await start(hass, entry), machine(port, **changes))


@pytest.mark.parametrize(
    ("room", "details"),
    [("sensor", {"temperature_entity": "sensor.cellar"}), ("simulated", SIMULATED_ROOM)],
)
async def test_a_machine_is_tried_and_added_in_its_area(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: SimulatedClient,
    room: str,
    details: dict[str, Any],
) -> None:
    hass.states.async_set("sensor.cellar", "19", {"unit_of_measurement": "°C"})
    area = ar.async_get(hass).async_create("Cellar")
    result = await start(hass, entry)
    assert result["step_id"] == "user"
    assert result["description_placeholders"]["help_url"].startswith("https://")
    result = await answer(hass, result, machine(client.port, room=room, area=area.id))
    assert result["step_id"] == room
    result = await answer(hass, result, details)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()

    (subentry,) = entry.subentries.values()
    assert subentry.title == "Cellar"
    assert subentry.data["cores"] == 4
    assert subentry.data["machine"] == cpid_of(client.port)
    (device,) = dr.async_entries_for_area(dr.async_get(hass), area.id)
    assert device.name == "Cellar"
    assert "set_run_mode" not in client.calls[:4]


async def recovers(hass: HomeAssistant, result: Any, client: SimulatedClient) -> None:
    """End a flow well after its error."""
    result = await answer(hass, result, machine(client.port))
    assert result["step_id"] == "simulated"
    result = await answer(hass, result, SIMULATED_ROOM)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_a_wrong_password_is_told_and_not_shown_again(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    result = await fill_in(hass, entry, client.port, password="hunter2")
    assert result["errors"] == {"password": "wrong_password"}
    assert shown(result)["host"] == "127.0.0.1"
    assert "hunter2" not in str(shown(result))
    await recovers(hass, result, client)


async def test_a_client_that_is_not_there_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    result = await fill_in(hass, entry, 1)
    assert result["errors"] == {"host": "unreachable"}
    await recovers(hass, result, client)


async def test_a_client_that_does_not_know_us_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1")
    result = await start(hass, entry)
    port = server.sockets[0].getsockname()[1]
    result = await answer(hass, result, machine(port))
    assert result["errors"] == {"base": "not_allowed"}
    server.close()
    await recovers(hass, result, client)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"answer": b"<boinc_gui_rpc_reply>\x03"}, {"base": "broken_reply"}),
        ({"answer": b"HTTP/1.1 400 Bad Request\r\n\r\n\x03"}, {"port": "not_boinc"}),
        ({"version": (7, 2, 42)}, {"base": "too_old"}),
    ],
)
async def test_a_client_that_is_of_no_use_is_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: SimulatedClient,
    changes: dict[str, Any],
    errors: dict[str, str],
) -> None:
    useless = SimulatedClient(**changes)
    await useless.start()
    result = await fill_in(hass, entry, useless.port)
    assert result["errors"] == errors
    await useless.stop()
    await recovers(hass, result, client)


async def test_a_machine_takes_more_power_at_work_than_at_rest(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    result = await fill_in(hass, entry, client.port, idle_w=300)
    assert result["errors"] == {"idle_w": "idle_not_below_rated"}
    assert shown(result)["password"] == PASSWORD, "it is not to be typed again"
    assert not client.calls
    await recovers(hass, result, client)


@pytest.mark.parametrize(
    "row",
    [
        {"project": "no address", "rate": 1},
        {"project": URL, "rate": float("nan")},
        {"project": URL, "rate": 1e9},
        {"project": URL, "rate": -1},
        {"project": URL, "rate": True},
    ],
)
async def test_rates_that_are_none_are_told(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, row: dict[str, Any]
) -> None:
    result = await start(hass, entry)
    try:
        result = await answer(hass, result, machine(client.port, rates=[row]))
    except InvalidData:
        pass
    else:
        assert result["errors"] == {"rates": "bad_rate"}
    await recovers(hass, result, client)


async def test_blanks_around_an_address_and_a_password_are_no_part_of_them(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    result = await start(hass, entry)
    copied = machine(client.port, host=" 127.0.0.1 ", password=f"{PASSWORD}\n")
    result = await answer(hass, result, copied)
    assert result["step_id"] == "simulated"


@pytest.mark.parametrize("port", [0, 65_536, float("nan")])
async def test_a_port_that_is_none_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, port: float
) -> None:
    result = await start(hass, entry)
    with pytest.raises(InvalidData):
        await answer(hass, result, machine(client.port) | {"port": port})
    await recovers(hass, result, client)


async def test_a_machine_is_one_radiator_only(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await recovers(hass, await start(hass, entry), client)
    result = await fill_in(hass, entry, client.port)
    assert result["errors"] == {"host": "already_a_radiator"}
    other = SimulatedClient()
    await other.start()
    await recovers(hass, result, other)
    await other.stop()


async def test_a_machine_that_another_dialog_has_added_meanwhile_is_added_no_second_time(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: SimulatedClient,
) -> None:
    hosts = "127.0.0.1", "localhost"
    first, second = [await fill_in(hass, entry, client.port, host=host) for host in hosts]
    await answer(hass, first, SIMULATED_ROOM)
    assert (await answer(hass, second, SIMULATED_ROOM))["reason"] == "already_a_radiator"
    await hass.async_block_till_done()
    assert len(entry.subentries) == 1


async def test_a_machine_under_another_address_is_the_same_radiator_in_whichever_home(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    next_door = boinc_radiator(client.port, "next_door", "Next door")
    home(next_door, entry_id="01JNEXT", unique_id="next").add_to_hass(hass)
    result = await fill_in(hass, entry, client.port, host="localhost")
    assert result["errors"] == {"host": "already_a_radiator"}


async def test_a_radiator_may_get_another_address_but_not_another_ones_machine(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    other = SimulatedClient()
    await other.start()
    entry = home(boinc_radiator(client.port), boinc_radiator(other.port, "attic", "Attic"))
    entry.add_to_hass(hass)
    result = await change(hass, entry)
    result = await answer(hass, result, machine(other.port, host="localhost"))
    assert result["errors"] == {"host": "already_a_radiator"}
    result = await answer(hass, result, machine(client.port, host="localhost"))
    result = await answer(hass, result, SIMULATED_ROOM)
    assert result["reason"] == "reconfigure_successful"
    await other.stop()


async def test_machines_whose_addresses_were_swapped_are_given_their_new_ones(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    other = SimulatedClient()
    await other.start()
    hall = boinc_radiator(other.port, machine=cpid_of(client.port))
    attic = boinc_radiator(client.port, "attic", "Attic", machine=cpid_of(other.port))
    entry = home(hall, attic)
    entry.add_to_hass(hass)
    result = await answer(hass, await change(hass, entry), machine(client.port))
    assert not result["errors"]
    assert (await answer(hass, result, SIMULATED_ROOM))["reason"] == "reconfigure_successful"
    assert entry.subentries[HALL].data["machine"] == cpid_of(client.port)
    await other.stop()


async def test_a_changed_machine_keeps_its_password_and_shows_it_to_nobody(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    entry = await set_up(hass, boinc_radiator(client.port))
    result = await change(hass, entry)
    assert result["step_id"] == "reconfigure"
    assert shown(result)["name"] == "Hall"
    assert "password" not in shown(result)
    changes = machine(client.port, name="Attic", rates=[{"project": URL, "rate": 0.25}])
    del changes["password"]
    client.cores = 8
    result = await answer(hass, result, changes)
    result = await answer(hass, result, SIMULATED_ROOM)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    subentry = entry.subentries[HALL]
    assert subentry.title == "Attic"
    assert subentry.data["password"] == PASSWORD
    assert subentry.data["cores"] == 8
    assert subentry.data["rates"] == [{"project": URL, "rate": 0.25}]


async def test_a_machine_that_is_off_is_changed_but_not_moved(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    entry = home(boinc_radiator(client.port))
    entry.add_to_hass(hass)
    before = entry.subentries[HALL].data
    await client.stop()
    result = await change(hass, entry)
    result = await answer(hass, result, machine(client.port, host="localhost"))
    assert result["errors"] == {"host": "unreachable"}
    result = await answer(hass, result, machine(client.port, password="new"))
    assert result["errors"] == {"host": "unreachable"}
    result = await answer(hass, result, machine(client.port, rated_w=250))
    result = await answer(hass, result, SIMULATED_ROOM)
    assert result["reason"] == "reconfigure_successful"
    data = entry.subentries[HALL].data
    assert data["rated_w"] == 250
    assert (data["cores"], data["machine"]) == (before["cores"], before["machine"])


async def test_a_new_password_is_tried_before_it_replaces_the_old_one(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    entry = await set_up(hass, boinc_radiator(client.port, password="old"))
    result = await change(hass, entry)
    result = await answer(hass, result, machine(client.port, password="wrong"))
    assert result["errors"] == {"password": "wrong_password"}
    assert entry.subentries[HALL].data["password"] == "old"
    result = await answer(hass, result, machine(client.port))
    await answer(hass, result, SIMULATED_ROOM)
    await hass.async_block_till_done()
    assert entry.subentries[HALL].data["password"] == PASSWORD


def shown(result: Any) -> dict[str, Any]:
    """Return the values that a form shows."""
    return {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }
