"""Power meters of a radiator as entities: watts, or energy that counts up and is reset at times."""

from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.compute.engine import PowerSource
from custom_components.qheat.const import DOMAIN
from custom_components.qheat.ledger import Totals

from .conftest import FixedEngine, radiator, set_up

PLUG = "sensor.plug_energy"
TICK_S = 5.0


@pytest.fixture
async def entry(
    hass: HomeAssistant, engine: FixedEngine, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Return a home with a radiator on an energy meter, estimated at 320 W."""
    return await set_up(hass, radiator(power_entity=PLUG))


async def totals_after(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    *states: str,
    unit: str = "kWh",
    **attributes: Any,
) -> Totals:
    """Have the meter show one state after the other, a tick apart; return what was booked."""
    for state in states:
        hass.states.async_set(PLUG, state, {"unit_of_measurement": unit, **attributes})
        freezer.tick(TICK_S)
        await entry.runtime_data.async_refresh()
    books = entry.runtime_data.books
    assert await books.async_save()
    totals: Totals = books.home_balance.totals
    return totals


def measured_kwh(totals: Totals) -> float:
    return totals.heat_of(PowerSource.MEASURED) / 3.6e6


@pytest.mark.parametrize(("unit", "per_kwh"), [("kWh", 1), ("Wh", 1e3), ("MWh", 1e-3), ("MJ", 3.6)])
async def test_heat_is_what_an_energy_meter_counts_in_whichever_unit(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    unit: str,
    per_kwh: float,
) -> None:
    shown = [repr(kwh * per_kwh) for kwh in (812.0, 812.001, 812.004, 812.004, 812.009)]
    totals = await totals_after(hass, entry, freezer, *shown, unit=unit)
    assert measured_kwh(totals) == pytest.approx(0.008, abs=1e-6)


async def test_a_reset_an_outage_and_nonsense_make_no_heat_and_take_none_back(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    totals = await totals_after(hass, entry, freezer, "7", "7.001", "7.003")
    assert measured_kwh(totals) == pytest.approx(0.002)
    for silence in ("unavailable", "unknown", "nan", "-1", "1e300", "none of this"):
        before = totals
        totals = await totals_after(hass, entry, freezer, silence, "0", "0.001", "0.003", "0.004")
        assert totals.heat_j > before.heat_j
        gained_kwh = measured_kwh(totals) - measured_kwh(before)
        assert gained_kwh == pytest.approx(0.003)
    before = totals
    totals = await totals_after(hass, entry, freezer, "0.007", last_reset="2026-11-25")
    assert measured_kwh(totals) == pytest.approx(measured_kwh(before))


async def test_until_the_meter_moves_and_after_it_is_gone_heat_is_estimated(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    totals = await totals_after(hass, entry, freezer, "7", "7", "7")
    assert measured_kwh(totals) == 0
    assert totals.heat_of(PowerSource.ESTIMATED) == pytest.approx(320 * 3 * TICK_S)
    totals = await totals_after(hass, entry, freezer, "7.001", "7.001", "7.001")
    assert totals.heat_of(PowerSource.ESTIMATED) == pytest.approx(320 * 4 * TICK_S)
    hass.states.async_remove(PLUG)
    freezer.tick(TICK_S)
    await entry.runtime_data.async_refresh()
    assert await entry.runtime_data.books.async_save()
    totals = entry.runtime_data.books.home_balance.totals
    assert measured_kwh(totals) == 0
    assert totals.heat_of(PowerSource.ESTIMATED) == pytest.approx(320 * 7 * TICK_S)


async def test_a_home_set_up_anew_between_two_steps_counts_nothing_twice(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await totals_after(hass, entry, freezer, "7", "7.001", "7.003", "7.003")
    assert await hass.config_entries.async_reload(entry.entry_id)
    totals = await totals_after(hass, entry, freezer, "7.003", "7.006", "7.007")
    assert measured_kwh(totals) == pytest.approx(0.002 + 0.001)
    # Of seven ticks the meter has counted the heat of two.
    assert totals.heat_of(PowerSource.ESTIMATED) == pytest.approx(320 * 5 * TICK_S)


async def offered(hass: HomeAssistant, entry: MockConfigEntry, power_entity: str) -> Any:
    """Fill in the form of a new radiator with a power meter."""
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "this_machine"), context={"source": "user"}
    )
    answers = {"name": "Hall", "rated_w": 300, "idle_w": 0, "room": "simulated"}
    return await hass.config_entries.subentries.async_configure(
        flow["flow_id"], answers | {"power_entity": power_entity}
    )


@pytest.mark.parametrize(
    ("shows", "state_class"),
    [("energy", "total"), ("energy", "total_increasing"), ("power", "measurement")],
)
async def test_the_form_takes_a_meter_of_watts_or_one_that_counts_for_good(
    hass: HomeAssistant, entry: MockConfigEntry, shows: str, state_class: str
) -> None:
    hass.states.async_set(PLUG, "7", {"device_class": shows, "state_class": state_class})
    result = await offered(hass, entry, PLUG)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "simulated"


async def test_the_form_refuses_energy_that_is_no_count_and_meters_of_our_own(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    hass.states.async_set(PLUG, "7", {"device_class": "energy", "unit_of_measurement": "kWh"})
    result = await offered(hass, entry, PLUG)
    assert result["errors"] == {"power_entity": "no_counter"}
    own = [one for one in er.async_get(hass).entities.values() if one.platform == DOMAIN]
    [heat] = [one.entity_id for one in own if one.entity_id.endswith("living_room_heat")]
    result = await offered(hass, entry, heat)
    assert result["errors"] == {"power_entity": "own_entity"}
