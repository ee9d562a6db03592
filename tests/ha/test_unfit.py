"""A home on a computer that can run no jobs: all else works, and a repair says why."""

from pathlib import Path
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import SimulatedClient
from tests.compute.guests import broken_wasmtime

from .boinc import boinc_radiator, heat, state_of, until, until_reached
from .conftest import call, open_page, radiator, set_up, state_at

ISSUE = (DOMAIN, "machine_unfit_01JHOME")


def told(hass: HomeAssistant) -> str:
    """Return the status of the radiator that is this computer."""
    status = state_at(hass, "sensor.living_room_status")
    return status.state


async def test_where_no_job_can_run_boinc_machines_heat_and_a_repair_says_why(
    hass: HomeAssistant, client: SimulatedClient, tmp_path: Path
) -> None:
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    with (
        patch(
            "custom_components.qheat.compute.machine._find_wasmtime",
            return_value=str(broken_wasmtime(wheel)),
        ),
        patch("custom_components.qheat.compute.boinc.engine.SPREAD_S", 0),
    ):
        entry = await set_up(hass, radiator(), boinc_radiator(client.port))
        assert entry.state is ConfigEntryState.LOADED
        issue = ir.async_get(hass).async_get_issue(*ISSUE)
        assert issue is not None
        assert issue.translation_placeholders is not None
        assert "cannot load wasmtime" in issue.translation_placeholders["detail"]
        assert (await open_page(hass, entry, "calibrate"))["reason"] == "machine_unfit"
        await until_reached(hass, entry)
        await heat(hass)
        await until(hass, entry, lambda: state_of(hass, "jobs_running") == "4")
        await call(hass, "set_temperature", temperature=30, hvac_mode="heat")
        await until(hass, entry, lambda: told(hass) == "engine_failed")

        # Mended and loaded again, nothing is left of it.
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert ir.async_get(hass).async_get_issue(*ISSUE) is None
    assert told(hass) != "engine_failed"
