"""BOINC machines in a home: heat, truth on the entities, and settings put back."""

import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.qheat.cadence import FEW
from custom_components.qheat.compute.boinc import BoincEngine
from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.diagnostics import async_get_config_entry_diagnostics
from tests.compute.boinc.simulated import PASSWORD, URL, SimulatedClient, cpid_of

from .boinc import HALL, boinc_radiator, heat, sensor_of, state_of, until, until_reached
from .conftest import FixedEngine, home, kept, radiator, set_up, state_at

LIVE = ("heat_output", "jobs_running", "heat_kind", "tasks_waiting", "projects", "credit")


pytestmark = pytest.mark.usefixtures("boinc")


@pytest.fixture
async def entry(hass: HomeAssistant, client: SimulatedClient) -> MockConfigEntry:
    """Return a home with one BOINC machine, set up."""
    return await set_up(hass, boinc_radiator(client.port))


async def test_a_setpoint_makes_the_machine_compute_and_off_makes_it_stop(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await until_reached(hass, entry)
    assert client.running == 0
    await heat(hass)
    await until(hass, entry, lambda: state_of(hass, "jobs_running") == "4")
    assert client.running == 4
    assert client.permanent == 3
    assert state_of(hass, "heat_output") == "100"
    assert state_of(hass, "heat_kind") == "filler"
    assert state_of(hass, "tasks_waiting") == "4"
    assert state_of(hass, "task_progress") == "25"
    assert float(state_of(hass, "task_time_left")) == pytest.approx(2700 / 60)
    assert state_of(hass, "projects") == "Science"
    (project,) = sensor_of(hass, "projects").attributes["projects"]
    assert (project["name"], project["filler"]) == ("Science", True)
    first, *_ = sensor_of(hass, "task_progress").attributes["tasks"]
    assert (first["name"], first["project"]) == ("task_0", "Science")
    assert float(state_of(hass, "credit")) == 100
    await hass.services.async_call(
        "climate", "turn_off", {"entity_id": "climate.hall"}, blocking=True
    )
    await until(hass, entry, lambda: client.running == 0)


async def test_of_a_machine_with_hundreds_of_tasks_a_hundred_are_shown_one_by_one(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    client.cores = client.tasks = client.begun = 150
    entry = await set_up(hass, boinc_radiator(client.port, cores=150))
    await until_reached(hass, entry)
    await heat(hass)
    await until(hass, entry, lambda: state_of(hass, "jobs_running") == "150")
    assert len(sensor_of(hass, "task_progress").attributes["tasks"]) == 100


async def test_a_dial_turned_down_just_after_it_was_turned_up_acts_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await until_reached(hass, entry)
    await heat(hass)
    await until(hass, entry, lambda: client.running == 4)
    await heat(hass, 10)
    await until(hass, entry, lambda: client.running == 0)


@pytest.mark.parametrize(("few", "passed_s"), [(1, 60), (0, 300)])
async def test_how_far_tasks_have_come_is_not_written_with_each_look_less_often_in_a_building(
    hass: HomeAssistant, client: SimulatedClient, few: int, passed_s: int
) -> None:
    with patch("custom_components.qheat.cadence.FEW_AT_MOST", few):
        entry = await set_up(hass, boinc_radiator(client.port))

    def left_s() -> float | None:
        details = entry.runtime_data.boinc.details(HALL)
        return details.running[0].left_s if details and details.running else None

    async def get_on(seconds: float) -> None:
        client.done_s += seconds
        await entry.runtime_data.boinc.engine(HALL).update(URL)
        await until(hass, entry, lambda: left_s() == 3600 - client.done_s)

    await until_reached(hass, entry)
    await heat(hass)
    await until(hass, entry, lambda: state_of(hass, "tasks_waiting") == "4")
    written = async_capture_events(hass, EVENT_STATE_CHANGED)
    await get_on(passed_s / 12)
    assert not [event for event in written if "task" in event.data["entity_id"]]
    await get_on(passed_s * 11 / 12)
    progress = round(25 + passed_s / 36)
    await until(hass, entry, lambda: int(state_of(hass, "task_progress")) == progress)
    assert float(state_of(hass, "task_time_left")) == 45 - passed_s / 60


async def test_a_home_of_boinc_machines_only_starts_no_jobs_of_this_machine(
    hass: HomeAssistant, entry: MockConfigEntry, own_folder: Path
) -> None:
    assert entry.runtime_data.machine is None
    assert entry.runtime_data.embedded is None
    assert not kept(own_folder)
    assert not hass.states.async_entity_ids("image")


@pytest.mark.parametrize(
    ("few", "every", "budget_s"), [(2, 2, 20), (1, 3, 30)], ids=["few", "a building"]
)
async def test_a_machine_is_ticked_every_other_tick_and_in_a_building_every_third(
    hass: HomeAssistant, client: SimulatedClient, few: int, every: int, budget_s: float
) -> None:
    other = SimulatedClient()
    await other.start()
    with patch("custom_components.qheat.cadence.FEW_AT_MOST", few):
        entry = await set_up(
            hass, boinc_radiator(client.port), boinc_radiator(other.port, "attic", "Attic")
        )
    radiators = entry.runtime_data.radiators
    ticked: dict[str, list[int]] = {key: [] for key in radiators}
    with patch.object(BoincEngine, "set_budget", autospec=True) as set_budget:
        for tick in range(3 * every):
            seen = {key: one.data for key, one in radiators.items()}
            await entry.runtime_data.async_refresh()
            await hass.async_block_till_done()
            for key, one in radiators.items():
                if one.data is not seen[key]:
                    ticked[key].append(tick)
        left_s = [call.args[1].expires_s - time.monotonic() for call in set_budget.call_args_list]
    firsts = [ticks[0] for ticks in ticked.values()]
    assert len(set(firsts)) == 2
    for ticks in ticked.values():
        assert ticks == list(range(ticks[0], 3 * every, every))
    assert all(budget_s - 10 < one_s <= budget_s for one_s in left_s)
    await hass.config_entries.async_unload(entry.entry_id)
    await other.stop()


@pytest.mark.parametrize(("few", "every_s"), [(2, 10), (1, 30)])
async def test_tasks_of_more_machines_than_a_few_are_looked_at_less_often(
    hass: HomeAssistant, client: SimulatedClient, few: int, every_s: int
) -> None:
    next_door = boinc_radiator(client.port, "next_door", "Next door")
    home(next_door, entry_id="01JNEXT", unique_id="next").add_to_hass(hass)
    machines = "custom_components.qheat.boinc_machines"
    with (
        patch("custom_components.qheat.cadence.FEW_AT_MOST", few),
        patch(f"{machines}.BoincEngine", wraps=BoincEngine) as engine,
    ):
        await set_up(hass, boinc_radiator(client.port))
    assert {call.kwargs["options"].look_every_s for call in engine.call_args_list} == {every_s}


async def test_radiators_of_both_kinds_share_a_home(
    hass: HomeAssistant, engine: FixedEngine, client: SimulatedClient
) -> None:
    entry = await set_up(hass, radiator(), boinc_radiator(client.port))
    await until_reached(hass, entry)
    assert sorted(hass.states.async_entity_ids("climate")) == [
        "climate.hall",
        "climate.living_room",
    ]
    assert float(state_at(hass, "sensor.home_heat_output").state) == 340


async def test_a_machine_that_does_not_answer_is_told_and_keeps_nothing_from_loading(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await until_reached(hass, entry)
    await client.stop()
    await until(hass, entry, lambda: state_of(hass, "heat_output") == "unavailable")
    assert {state_of(hass, key) for key in LIVE} == {"unavailable"}
    assert state_of(hass, "status") == "backend_unreachable"
    assert float(state_of(hass, "heat")) >= 0
    assert state_at(hass, "climate.hall").state == "unavailable"
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await client.start()
    await until_reached(hass, entry)
    assert state_of(hass, "heat_output") == "20"


async def test_a_power_meter_rules_over_the_estimate(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    hass.states.async_set("sensor.plug", "0.033", {"unit_of_measurement": "kW"})
    entry = await set_up(hass, boinc_radiator(client.port, power_entity="sensor.plug"))
    await until_reached(hass, entry)
    assert state_of(hass, "power_source") == "estimated"
    hass.states.async_set("sensor.plug", "0.044", {"unit_of_measurement": "kW"})
    await until(hass, entry, lambda: state_of(hass, "heat_output") == "44")
    assert state_of(hass, "power_source") == "measured"
    kept = entry.runtime_data.boinc.save()[HALL]["engine"]["watts"]
    assert kept["meter"] == "sensor.plug"
    for nonsense in ("unavailable", "nan", "-5"):
        hass.states.async_set("sensor.plug", "40", {"unit_of_measurement": "W"})
        await until(hass, entry, lambda: state_of(hass, "power_source") == "measured")
        hass.states.async_set("sensor.plug", nonsense, {"unit_of_measurement": "W"})
        await until(hass, entry, lambda: state_of(hass, "power_source") == "estimated")
    # The same value again is news, too.
    hass.states.async_set("sensor.plug", "-5", {"unit_of_measurement": "W"})
    hass.states.async_set("sensor.plug", "40", {"unit_of_measurement": "furlong"})
    hass.states.async_remove("sensor.plug")
    await until(hass, entry, lambda: state_of(hass, "power_source") == "estimated")


async def test_a_power_meter_that_is_renamed_is_still_the_same_meter(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    registry = er.async_get(hass)
    plug = registry.async_get_or_create("sensor", "test", "plug", suggested_object_id="plug")
    entry = await set_up(hass, boinc_radiator(client.port, power_entity=plug.entity_id))
    await until_reached(hass, entry)
    before = entry.runtime_data.boinc.save()[HALL]["engine"]["watts"]
    registry.async_update_entity(plug.entity_id, new_entity_id="sensor.hall_plug")
    await hass.async_block_till_done()
    assert entry.subentries[HALL].data["power_entity"] == "sensor.hall_plug"
    assert entry.runtime_data.boinc.save()[HALL]["engine"]["watts"] == before


async def test_after_a_reload_the_thermostat_asks_for_the_cores_that_the_machine_has_now(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    client.cores = 2
    entry = await set_up(hass, boinc_radiator(client.port))
    await until_reached(hass, entry)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.runtime_data.radiators[HALL].radiator.control.rating.slots == 2


async def test_a_graphics_card_has_a_sensor_of_its_own_while_it_is_there(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    entry = await set_up(hass, boinc_radiator(client.port, gpu_w=200))
    await until_reached(hass, entry)
    assert state_of(hass, "gpu_tasks") == "0"
    [hall] = entry.subentries.values()
    hass.config_entries.async_update_subentry(entry, hall, data={**hall.data, "gpu_w": 0})
    await hass.async_block_till_done()
    await until_reached(hass, entry)
    ids = er.async_get(hass).entities
    assert not any(one.unique_id == f"{HALL}_gpu_tasks" for one in ids.values())


async def test_credit_is_paid_at_the_rate_of_its_project_and_once(
    hass: HomeAssistant, client: SimulatedClient
) -> None:
    # Whoever types a rate cannot know by which scheme a client was attached.
    rates = [{"project": f"http://{address_of(URL)}", "rate": 0.5}]
    with (
        patch("custom_components.qheat.compute.boinc.session.PROJECTS_S", 0),
        patch("custom_components.qheat.cadence.FEW", replace(FEW, settlements_every_s=0.1)),
    ):
        entry = await set_up(hass, boinc_radiator(client.port, rates=rates))
        await until_reached(hass, entry)
        await heat(hass)
        await until(hass, entry, lambda: state_of(hass, "heat_kind") == "paid")
        assert float(state_of(hass, "earnings")) == 0
        client.credit += 10
        await until(hass, entry, lambda: float(state_of(hass, "earnings")) == 5)
        assert await hass.config_entries.async_reload(entry.entry_id)
        await until_reached(hass, entry)
        client.credit += 1
        await until(hass, entry, lambda: float(state_of(hass, "earnings")) == 5.5)


async def test_diagnostics_of_a_boinc_machine_tell_its_run_mode_and_no_secret(
    hass: HomeAssistant, entry: MockConfigEntry, client: SimulatedClient
) -> None:
    await until_reached(hass, entry)
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert diagnostics["machine"] is None
    assert diagnostics["boinc"][HALL]["client"]["version"] == "8.2.15"
    assert diagnostics["boinc"][HALL]["status"]["cpu"]["permanent"] == "never"
    for secret in (f"'{PASSWORD}'", "127.0.0.1", "'box'", cpid_of(client.port)):
        assert secret not in str(diagnostics)
