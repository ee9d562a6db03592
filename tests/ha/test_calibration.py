"""Calibration on a page of the options: real slots, a meter, and every way to end it."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.calibrating import async_take_over
from custom_components.qheat.compute.calibration import OWNER, Fit
from tests.compute.processes import children, runner, session_of_its_own
from tests.waiting import until

from .boinc import boinc_radiator
from .conftest import LIVING_ROOM, FixedEngine, home, open_page, radiator, set_up

pytestmark = pytest.mark.usefixtures("own_folder")

PLUG = "sensor.plug_power"
KITCHEN = "01JKITCHEN000000000000000"
IDLE_W, SLOT_W = 30.0, 25.0


@pytest.fixture(autouse=True)
def _short_levels() -> Generator[None]:
    """Measure two levels for some seconds, more than busy slots are a mean of."""
    with (
        session_of_its_own(),
        patch("custom_components.qheat.compute.calibration.LEVEL_S", 9.0),
        patch("custom_components.qheat.compute.calibration.slots_to_try", lambda slots: [0, slots]),
    ):
        yield


@pytest.fixture
async def entry(hass: HomeAssistant, own_folder: Path) -> MockConfigEntry:
    """Return a home whose two radiators share this computer, which is on a meter."""
    hass.states.async_set(PLUG, "30.0", {"unit_of_measurement": "W"})
    return await set_up(
        hass, radiator(power_entity=PLUG), radiator(KITCHEN, "Kitchen", idle_w=0, rated_w=400)
    )


@pytest.fixture
async def reports(
    hass: HomeAssistant, entry: MockConfigEntry
) -> AsyncGenerator[asyncio.Task[None]]:
    """Have the meter report."""
    reports = asyncio.create_task(_report(hass, entry))
    yield reports
    reports.cancel()


async def _report(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Show on the meter what the machine's load draws."""
    machine = entry.runtime_data.machine
    while True:
        power_w = IDLE_W + SLOT_W * (machine.usage(OWNER).busy_slots or 0.0)
        hass.states.async_set(PLUG, f"{power_w / 1000:.6f}", {"unit_of_measurement": "kW"})
        await asyncio.sleep(0.25)


async def begin(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Have the calibration begin."""
    result = await open_page(hass, entry, "calibrate")
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "calibrate"
    power_w = int(result["description_placeholders"]["power_w"])
    assert IDLE_W - 1 <= power_w <= IDLE_W + SLOT_W + 1
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    return result


def burning() -> list[int]:
    """Return the processes that make the load."""
    return children(runner(), "worker")


async def outcome(hass: HomeAssistant, result: Any) -> Any:
    """Wait for the end of a calibration; return what is shown then."""
    async with asyncio.timeout(60):
        while result["type"] is FlowResultType.SHOW_PROGRESS:
            await asyncio.sleep(0.2)
            result = await hass.config_entries.options.async_configure(result["flow_id"])
    return result


@pytest.mark.usefixtures("reports")
async def test_what_is_fitted_is_shown_and_kept_once_the_user_agrees(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    before = dict(entry.subentries[LIVING_ROOM].data)
    machine = entry.runtime_data.machine
    async with asyncio.timeout(240):
        result = await outcome(hass, await begin(hass, entry))
        while result.get("reason") == "calibration_taken":  # by other programs
            # The meter shows the mean of some seconds: the load of the last try, too.
            await until(lambda: not machine.usage(OWNER).busy_slots)
            result = await outcome(hass, await begin(hass, entry))
    assert result["type"] is FlowResultType.FORM, result["reason"]
    assert result["step_id"] == "calibrated"
    shown = result["description_placeholders"]
    # Other programs on the computer that runs this make the load uneven.
    assert float(shown["idle_w"]) == pytest.approx(IDLE_W, abs=20)
    assert float(shown["slot_w"]) == pytest.approx(SLOT_W, rel=0.9)
    assert shown["rows"].count("\n") == 1
    assert entry.subentries[LIVING_ROOM].data == before
    result = await hass.config_entries.options.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=False)
    kept, other = entry.subentries[LIVING_ROOM].data, entry.subentries[KITCHEN].data
    assert kept["idle_w"] == float(shown["idle_w"])
    slots_w = float(shown["slot_w"]) * machine.slots
    assert kept["rated_w"] - kept["idle_w"] == pytest.approx(slots_w, abs=0.1 * machine.slots)
    assert other["idle_w"] == 0
    assert other["rated_w"] == pytest.approx(slots_w, abs=0.1 * machine.slots)
    assert kept["power_entity"] == PLUG
    await until(lambda: not burning())


@pytest.mark.parametrize("idles_w", [(0, 20), (20, 0), (15, 20)])
async def test_of_two_homes_on_this_computer_one_radiator_has_its_idle_power(
    hass: HomeAssistant, idles_w: tuple[float, float]
) -> None:
    homes = [
        home(
            radiator(f"01J{number}", idle_w=idle_w),
            boinc_radiator(1, f"01JBOINC{number}"),
            entry_id=f"01JHOME{number}",
        )
        for number, idle_w in enumerate(idles_w)
    ]
    for one in homes:
        one.add_to_hass(hass)
    async_take_over(hass, Fit(levels=(), slots=4, idle_w=30.0, slot_w=25.0))
    kept = [radiator.data for one in homes for radiator in one.subentries.values()]
    expected = [(30, 130) if idle_w == max(idles_w) else (0, 100) for idle_w in idles_w]
    assert [(data["idle_w"], data["rated_w"]) for data in kept[::2]] == expected
    boinc = boinc_radiator(1).data
    assert kept[1::2] == [boinc, boinc]


@pytest.mark.usefixtures("reports")
async def test_closing_the_dialog_half_way_leaves_no_load_and_changes_nothing(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    before = {key: dict(one.data) for key, one in entry.subentries.items()}
    result = await begin(hass, entry)
    await until(lambda: bool(burning()))
    hass.config_entries.options.async_abort(result["flow_id"])
    await until(lambda: not burning())
    assert {key: dict(one.data) for key, one in entry.subentries.items()} == before
    assert (await open_page(hass, entry, "calibrate"))["type"] is FlowResultType.FORM


@pytest.mark.usefixtures("reports")
async def test_a_home_reloaded_half_way_leaves_no_load(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await begin(hass, entry)
    await until(lambda: bool(burning()))
    assert await hass.config_entries.async_reload(entry.entry_id)
    result = await outcome(hass, result)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] in {"calibration_guarded", "calibration_stopped"}
    await until(lambda: not burning())


async def test_without_a_meter_the_page_says_what_to_do(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    entry = await set_up(hass, radiator())
    result = await open_page(hass, entry, "calibrate")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "calibration_no_meter"


async def test_a_home_that_is_not_loaded_is_not_calibrated(hass: HomeAssistant) -> None:
    entry = home(radiator())
    entry.add_to_hass(hass)
    result = await open_page(hass, entry, "calibrate")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "not_loaded"


@pytest.mark.usefixtures("reports")
async def test_this_computer_burns_nothing_while_no_guard_of_another_home_on_it_allows_that(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    other = home(radiator(), entry_id="01JOTHER")
    other.add_to_hass(hass)
    result = await open_page(hass, entry, "calibrate")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "calibration_guarded"
    await hass.config_entries.async_set_disabled_by(other.entry_id, ConfigEntryDisabler.USER)
    assert (await open_page(hass, entry, "calibrate"))["type"] is FlowResultType.FORM


async def test_a_meter_that_vanishes_half_way_ends_the_calibration(
    hass: HomeAssistant, entry: MockConfigEntry, reports: asyncio.Task[None]
) -> None:
    result = await begin(hass, entry)
    await until(lambda: bool(burning()))
    reports.cancel()
    hass.states.async_remove(PLUG)
    result = await outcome(hass, result)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "calibration_no_meter"
    await until(lambda: not burning())


@pytest.mark.usefixtures("reports")
async def test_the_watts_of_the_meter_are_shared_by_the_radiators_of_the_computer(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    await entry.runtime_data.async_refresh()
    states = entry.runtime_data.data.radiators.values()
    assert {state.engine.power_source for state in states} == {"measured"}
    assert sum(state.engine.power_w or 0.0 for state in states) == pytest.approx(IDLE_W, abs=1)
