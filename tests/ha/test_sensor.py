"""What the sensors show, in which unit, and what they show when nothing is known."""

from decimal import Decimal
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.qheat.compute.engine import EngineProblem, SettlementPage

from .conftest import FixedEngine, load, radiator, set_up, settlement, state_at


def value(hass: HomeAssistant, entity_id: str) -> str:
    """Return a sensor's state."""
    return state_at(hass, entity_id).state


@pytest.mark.usefixtures("engine", "all_entities_enabled")
@pytest.mark.freeze_time("2026-11-23 12:00:00+00:00")
@pytest.mark.parametrize("platform", [Platform.CLIMATE, Platform.SENSOR])
async def test_all_entities(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    platform: Platform,
) -> None:
    with patch("custom_components.qheat.PLATFORMS", [platform]):
        await load(hass, entry)
    await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_a_homes_heat_is_that_of_all_its_radiators(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    engine.tell(power_w=360.0)
    entry = await set_up(hass, radiator(), radiator("01JBEDROOM", "Bedroom"))
    for _ in range(4):
        freezer.tick(10)
        await entry.runtime_data.async_refresh()
    assert float(value(hass, "sensor.bedroom_heat")) == pytest.approx(0.003)
    assert float(value(hass, "sensor.home_heat")) == pytest.approx(0.006)


async def test_unknown_power_is_shown_as_unknown(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    engine.tell(power_w=None)
    await load(hass, entry)
    assert value(hass, "sensor.living_room_heat_output") == STATE_UNKNOWN
    assert value(hass, "sensor.home_heat_output") == STATE_UNKNOWN


@pytest.mark.parametrize("entity_id", ["sensor.home_heat", "sensor.living_room_earnings"])
async def test_a_figure_of_the_books_may_be_updated_by_hand(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    engine: FixedEngine,
    caplog: pytest.LogCaptureFixture,
    entity_id: str,
) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    await load(hass, entry)
    await hass.services.async_call(
        "homeassistant", "update_entity", {"entity_id": entity_id}, blocking=True
    )
    assert "fails" not in caplog.text
    assert float(value(hass, entity_id)) == 0
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_settlement_is_earned_once_however_often_it_comes(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> None:
    page = SettlementPage(settlements=(settlement(),), cursor="1")
    engine.pages = [page] * 4
    await load(hass, entry)
    freezer.tick(60)
    await entry.runtime_data.async_refresh()
    for _ in engine.pages:
        await entry.runtime_data.async_book_settlements()
    assert Decimal(value(hass, "sensor.living_room_earnings")) == Decimal("0.002")
    assert float(value(hass, "sensor.living_room_free_heat")) == pytest.approx(0.001)
    assert Decimal(value(hass, "sensor.home_earnings")) == Decimal("0.002")


async def test_what_was_earned_outlives_a_restart_and_a_removed_radiator(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine
) -> None:
    engine.pages = [SettlementPage(settlements=(settlement(),), cursor="1")] * 2
    await load(hass, entry)
    await entry.runtime_data.async_book_settlements()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert Decimal(value(hass, "sensor.living_room_earnings")) == Decimal("0.002")
    hass.config_entries.async_remove_subentry(entry, next(iter(entry.subentries)))
    await hass.async_block_till_done()
    assert Decimal(value(hass, "sensor.home_earnings")) == Decimal("0.002")


async def test_a_refused_token_asks_the_user_for_a_new_one(
    hass: HomeAssistant, engine: FixedEngine
) -> None:
    operator = {"backend": "operator", "url": "https://operator.example", "token": "old"}
    engine.refuses = EngineProblem.BACKEND_REFUSED
    entry = await set_up(hass, radiator(), data={**operator, "currency": "EUR"})
    await entry.runtime_data.async_book_settlements()
    await hass.async_block_till_done()
    assert [flow["context"]["source"] for flow in hass.config_entries.flow.async_progress()] == [
        "reauth"
    ]
