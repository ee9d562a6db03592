"""Diagnostics help to find a fault and hold no secret."""

import json
import math
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import JSONEncoder
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.diagnostics import async_get_config_entry_diagnostics

from .conftest import LIVING_ROOM, FixedEngine, radiator, set_up


async def test_diagnostics_show_the_radiators_and_no_secret(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    operator = {"backend": "operator", "url": "https://operator.example", "token": "secret"}
    engine.tell(jobs_left_s=(60.0, math.inf))
    entry = await set_up(hass, radiator(), data={**operator, "currency": "EUR"})

    diagnostics = await async_get_config_entry_diagnostics(hass, entry)

    text = json.dumps(diagnostics, cls=JSONEncoder, allow_nan=False)
    assert "secret" not in text
    assert "operator.example" not in text
    state = diagnostics["radiators"][LIVING_ROOM]["state"]
    assert state["engine"]["power_w"] == 320
    assert state["learned"]["heat_loss_w_k"] > 0
    assert state["next_start_s"] is None
    assert state["engine"]["jobs_left_s"] == [60.0, None]
    assert diagnostics["machine"]["slots"] == 1


async def test_a_radiator_that_fails_is_shown_and_one_that_was_just_added_or_removed_is_not(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    entry = await set_up(hass, radiator(), radiator("01JBED", "Bedroom"))
    living_room = entry.runtime_data.radiators[LIVING_ROOM].radiator
    with patch.object(living_room, "tick", side_effect=OverflowError):
        await entry.runtime_data.async_refresh()
    hass.config_entries.async_remove_subentry(entry, "01JBED")
    hass.config_entries.async_add_subentry(entry, radiator("01JHALL", "Hall"))
    told = (await async_get_config_entry_diagnostics(hass, entry))["radiators"]
    assert list(told) == [LIVING_ROOM]
    assert told[LIVING_ROOM]["settings"]["rated_w"] == 500
    assert told[LIVING_ROOM]["state"] is None
    await hass.async_block_till_done()


async def test_a_home_that_is_not_loaded_says_why(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert set(diagnostics) == {"home", "not_loaded_because"}
