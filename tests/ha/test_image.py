"""The picture that the shipped jobs paint, tile by tile."""

from http import HTTPStatus
from unittest.mock import patch

import pytest
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.qheat.backend.gallery import Picture
from custom_components.qheat.compute.engine import SettlementPage
from custom_components.qheat.showcase import Showcase

from .conftest import FixedEngine, load, radiator, set_up, settlement, state_at

ENTITY = "image.home_picture"
PICTURE = Picture(png=b"\x89PNG a tile", painted_at=1_764_580_000.0)


async def test_there_is_no_picture_before_the_first_tile(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    hass_client: ClientSessionGenerator,
) -> None:
    await load(hass, entry)
    response = await (await hass_client()).get(f"/api/image_proxy/{ENTITY}")
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR


async def test_a_settled_tile_is_seen_in_the_picture(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    hass_client: ClientSessionGenerator,
) -> None:
    engine.pages = [SettlementPage(settlements=(settlement(),), cursor="1")] * 2
    painted = Showcase(picture=PICTURE, figures={"docking": -7.123})
    with patch("custom_components.qheat.coordinator.read_showcase", return_value=painted):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await entry.runtime_data.async_book_settlements()
        await hass.async_block_till_done()
    response = await (await hass_client()).get(f"/api/image_proxy/{ENTITY}")
    assert response.status == HTTPStatus.OK
    assert await response.read() == PICTURE.png
    docking = state_at(hass, "sensor.home_last_docking")
    assert (docking.state, docking.attributes["unit_of_measurement"]) == ("-7.123", "kJ/mol")


@pytest.mark.usefixtures("engine")
async def test_a_picture_is_known_at_once_and_no_newer_when_a_home_is_loaded_anew(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    shown = async_capture_events(hass, EVENT_STATE_CHANGED)
    with patch(
        "custom_components.qheat.coordinator.read_showcase", return_value=Showcase(picture=PICTURE)
    ):
        await load(hass, entry)
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
    states = [event.data["new_state"].state for event in shown if event.data["entity_id"] == ENTITY]
    painted_at = "2025-12-01T09:06:40+00:00"
    assert states == [painted_at, "unavailable", painted_at]


@pytest.mark.usefixtures("engine")
async def test_an_operators_home_has_no_picture(hass: HomeAssistant) -> None:
    operator = {"backend": "operator", "url": "https://operator.example", "token": "secret"}
    await set_up(hass, radiator(), data={**operator, "currency": "EUR"})
    assert hass.states.get(ENTITY) is None
