"""Attach, detach and update projects from Home Assistant, and see to what needs a person."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.yaml import parse_yaml
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components import qheat
from custom_components.qheat.cadence import FEW
from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import URL, SimulatedClient

from .boinc import (
    HALL,
    Repairs,
    boinc_radiator,
    device_of,
    heat,
    sensor_of,
    state_of,
    until,
    until_reached,
)
from .conftest import LIVING_ROOM, FixedEngine, radiator, set_up

FOLDER = Path(qheat.__file__).parent

pytestmark = pytest.mark.usefixtures("boinc")


@pytest.fixture
async def entry(hass: HomeAssistant, client: SimulatedClient) -> MockConfigEntry:
    """Return a home with one BOINC machine that has been looked at."""
    entry = await set_up(hass, boinc_radiator(client.port))
    await until_reached(hass, entry)
    return entry


async def act(hass: HomeAssistant, action: str, key: str = HALL, **data: Any) -> None:
    """Call an action on a radiator's device."""
    values = {"device_id": device_of(hass, key), "project_url": URL, **data}
    await hass.services.async_call(DOMAIN, action, values, blocking=True)


async def test_the_actions_offer_a_machine_by_a_model_that_needs_no_translation(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    registry = dr.async_get(hass)
    devices = dr.async_entries_for_config_entry(registry, entry.entry_id)
    models = {device.id: device.model for device in devices}
    actions = parse_yaml((FOLDER / "services.yaml").read_text("utf-8"))
    assert isinstance(actions, dict)
    filters = actions["attach_project"]["fields"]["device_id"]["selector"]["device"]["filter"]
    assert filters == {"integration": DOMAIN, "model": models.pop(device_of(hass, HALL))}
    assert filters["model"] == "BOINC"
    assert set(models.values()) == {None}


@pytest.mark.parametrize(
    ("action", "command", "data"),
    [
        ("attach_project", "project_attach", {"account_key": "0123abcd"}),
        ("detach_project", "project_detach", {}),
        ("update_project", "project_update", {}),
    ],
)
async def test_an_action_reaches_the_client(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: SimulatedClient,
    caplog: pytest.LogCaptureFixture,
    action: str,
    command: str,
    data: dict[str, str],
) -> None:
    await act(hass, action, **data)
    assert command in client.calls
    ours = [record for record in caplog.records if record.name.startswith("custom_components")]
    assert "0123abcd" not in str([record.getMessage() for record in ours])


@pytest.mark.parametrize("action", ["attach_project", "detach_project", "update_project"])
async def test_only_administrators_decide_what_a_machine_runs(
    hass: HomeAssistant, entry: MockConfigEntry, hass_read_only_user: User, action: str
) -> None:
    key = {"account_key": "0123abcd"} if action == "attach_project" else {}
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            {"device_id": device_of(hass, HALL), "project_url": URL, **key},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
        )


async def test_what_is_no_project_is_refused(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "detach_project", project_url="file:///etc/passwd")
    assert refusal.value.translation_key == "no_project_url"


async def test_a_key_that_is_none_is_refused_without_being_told(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "attach_project", account_key="<not a key>")
    assert refusal.value.translation_key == "no_account_key"
    assert not refusal.value.translation_placeholders


async def test_a_project_that_refuses_the_key_is_left_again(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    client.host_id, client.next_rpc_s = 0, time.time() + 3600
    with pytest.raises(HomeAssistantError) as refusal:
        await act(hass, "attach_project", account_key="0123abcd")
    assert refusal.value.translation_key == "action_command_refused"
    assert client.calls.count("project_detach") == 1


async def test_a_device_that_is_no_boinc_machine_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    hass.config_entries.async_add_subentry(entry, radiator())
    await hass.async_block_till_done()
    for key in (entry.entry_id, LIVING_ROOM):
        with pytest.raises(ServiceValidationError) as refusal:
            await act(hass, "update_project", key)
        assert refusal.value.translation_key == "no_boinc_machine"
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "update_project", device_id="nobody")
    assert refusal.value.translation_key == "service_device_not_found"


async def test_a_machine_that_does_not_answer_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await client.stop()
    with pytest.raises(HomeAssistantError) as failure:
        await act(hass, "update_project")
    assert failure.value.translation_key == "action_unreachable"
    await client.start()


async def test_a_home_that_is_not_loaded_is_told(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "update_project")
    assert refusal.value.translation_key == "service_config_entry_not_loaded"


def issue_of(hass: HomeAssistant, key: str) -> ir.IssueEntry | None:
    """Return an issue of the machine in the hall."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{HALL}")


async def open_take_back(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> Any:
    """Set a run mode by hand, and open the repair that takes the machine back."""
    client.permanent = 1
    await heat(hass)
    await until(hass, entry, lambda: issue_of(hass, "changed_by_hand"))
    return await repairs.open(f"changed_by_hand_{HALL}")


async def test_a_mode_set_by_hand_is_told_and_can_be_taken_back(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    form = await open_take_back(hass, entry, client, repairs)
    assert state_of(hass, "status") == "changed_by_hand"
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {"radiator": "Hall"}
    assert (await repairs.submit(form))["type"] == "create_entry"
    await until(hass, entry, lambda: client.permanent == 3)
    await until(hass, entry, lambda: issue_of(hass, "changed_by_hand") is None)
    await until(hass, entry, lambda: client.running == 4)


async def test_taking_back_from_a_home_that_is_not_loaded_does_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    form = await open_take_back(hass, entry, client, repairs)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert issue_of(hass, "changed_by_hand") is None
    assert (await repairs.submit(form))["reason"] == "not_loaded"


async def test_taking_back_a_radiator_that_was_removed_meanwhile_does_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient, repairs: Repairs
) -> None:
    form = await open_take_back(hass, entry, client, repairs)
    hass.config_entries.async_remove_subentry(entry, HALL)
    await hass.async_block_till_done()
    assert (await repairs.submit(form))["reason"] == "no_radiator"


async def test_an_issue_that_was_ignored_stays_ignored_over_a_reload(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    client.permanent = 1
    await heat(hass)
    await until(hass, entry, lambda: issue_of(hass, "changed_by_hand"))
    ir.async_ignore_issue(hass, DOMAIN, f"changed_by_hand_{HALL}", True)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(hass, entry, lambda: issue_of(hass, "changed_by_hand"))
    told = ir.async_get(hass).async_get_issue(DOMAIN, f"changed_by_hand_{HALL}")
    assert told is not None
    assert told.dismissed_version
    client.permanent = 3
    await until(hass, entry, lambda: issue_of(hass, "changed_by_hand") is None)


async def test_a_refused_password_is_told_and_asks_for_no_new_token(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    with patch("custom_components.qheat.cadence.FEW", replace(FEW, settlements_every_s=0.1)):
        entry = await set_up(hass, boinc_radiator(client.port, password="wrong"))
        await until(hass, entry, lambda: issue_of(hass, "boinc_refuses"))
    assert state_of(hass, "status") == "backend_refused"
    assert not hass.config_entries.flow.async_progress()
    assert entry.state is ConfigEntryState.LOADED


async def test_silence_is_told_when_it_lasts(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    client: SimulatedClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await client.stop()
    await until(hass, entry, lambda: state_of(hass, "heat_output") == "unavailable")
    assert issue_of(hass, "boinc_unreachable") is None
    for _ in range(180):
        await entry.runtime_data.async_refresh()
    assert issue_of(hass, "boinc_unreachable") is None
    later_s = time.monotonic() + 900
    with patch("custom_components.qheat.issues.monotonic", return_value=later_s):
        await entry.runtime_data.async_refresh()
    assert issue_of(hass, "boinc_unreachable")
    assert caplog.text.count("of Hall does not answer") == 1
    await client.start()
    await until(hass, entry, lambda: issue_of(hass, "boinc_unreachable") is None)
    assert caplog.text.count("of Hall answers again") == 1


async def test_a_machine_whose_settings_cannot_be_saved_is_told(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    keep = "custom_components.qheat.boinc_machines.BoincMachines._keep"
    with patch(keep, side_effect=OSError("no space left on device")) as kept:
        entry = await set_up(hass, boinc_radiator(client.port))
        await until(hass, entry, lambda: issue_of(hass, "boinc_failed"))
        assert client.permanent == 2
        kept.side_effect = None
        await until(hass, entry, lambda: issue_of(hass, "boinc_failed") is None)
    assert client.permanent == 3


async def test_a_project_that_refuses_the_machine_is_told_until_it_takes_it_in(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    client.tasks, client.host_id, client.next_rpc_s = 0, 0, time.time() + 3600
    with patch("custom_components.qheat.compute.boinc.session.SHORT_S", 0):
        await heat(hass)
        await act(hass, "update_project")  # which has the engine look again
        await until(hass, entry, lambda: issue_of(hass, "project_refuses"))
        assert state_of(hass, "status") == "project_refuses"
        (row,) = sensor_of(hass, "projects").attributes["projects"]
        assert row["refuses"]
        ir.async_ignore_issue(hass, DOMAIN, f"project_refuses_{HALL}", True)
        await heat(hass, 5)
        engine = entry.runtime_data.boinc.engine(HALL)
        await until(hass, entry, lambda: engine.status().problem is None)
        await entry.runtime_data.async_refresh()
        assert issue_of(hass, "project_refuses")
        await heat(hass)
        await until(hass, entry, lambda: state_of(hass, "status") == "project_refuses")
        issue = issue_of(hass, "project_refuses")
        assert issue is not None
        assert issue.dismissed_version
        client.host_id = 5
        await act(hass, "update_project")
        await until(hass, entry, lambda: issue_of(hass, "project_refuses") is None)


async def test_a_task_that_burns_on_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    watchdogs = "custom_components.qheat.compute.boinc.watchdogs"
    with patch(f"{watchdogs}.SETTLE_S", 0), patch(f"{watchdogs}.ABORT_AFTER_S", 0):
        async with asyncio.timeout(60):
            while issue_of(hass, "budget_ignored") is None:
                client.cpu_s += 100
                await act(hass, "update_project")
                await asyncio.sleep(0.2)
                await entry.runtime_data.async_refresh()
    assert state_of(hass, "status") == "budget_ignored"
    assert "abort_result" in client.calls
