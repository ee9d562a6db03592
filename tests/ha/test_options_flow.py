"""The options of a home: each page keeps the others', and a price has to be a price."""

from base64 import b64encode
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.manifests import fingerprint

from .conftest import MONEY, Operator, home, open_page, radiator

pytestmark = pytest.mark.usefixtures("engine", "socket_enabled")

PRICES = {"electricity_price": 0.3, "reference_kind": "gas", "reference_price": 0.1}


async def answer(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    """Answer the page that is shown."""
    return await hass.config_entries.options.async_configure(result["flow_id"], values)


async def test_only_who_needs_it_is_offered_a_page(hass: HomeAssistant) -> None:
    operator = {"backend": "operator", "url": "https://a.example", "token": "x", "currency": "EUR"}
    homes = [home(radiator()), home(entry_id="01JEMPTY"), home(entry_id="01JOP", data=operator)]
    offered = []
    for entry in homes:
        entry.add_to_hass(hass)
        result: Any = await hass.config_entries.options.async_init(entry.entry_id)
        offered.append(result["menu_options"][3:])
    assert offered == [["calibrate"], [], ["publishers", "unpaid"]]


async def test_each_page_leaves_the_options_of_the_others_as_they_are(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await open_page(hass, entry, "presets")
    result = await answer(hass, result, {"comfort": 21.5})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    result = await open_page(hass, entry, "co2")
    await answer(hass, result, {"co2_electricity": 60, "co2_source": "supplier"})
    result = await open_page(hass, entry, "prices")
    await answer(hass, result, PRICES)
    assert entry.options["comfort"] == 21.5
    assert entry.options["co2_electricity"] == 60
    assert entry.options["electricity_price"] == 0.3
    assert "reference_efficiency" not in entry.options


async def test_the_outdoor_temperature_that_qheat_shows_is_no_source_of_itself(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    result = await open_page(hass, entry, "presets")
    own = {"outdoor_entity": "sensor.living_room_outdoor_temperature"}
    result = await answer(hass, result, own)
    assert result["errors"] == {"outdoor_entity": "own_entity"}
    result = await answer(hass, result, {"outdoor_entity": "weather.home"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()


async def test_what_is_emptied_on_a_page_is_forgotten(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await open_page(hass, entry, "co2")
    await answer(hass, result, {"co2_electricity": 60})
    result = await open_page(hass, entry, "co2")
    await answer(hass, result, {})
    assert entry.options == MONEY


@pytest.mark.parametrize(
    ("unit", "error"),
    [
        ("EUR/kWh", None),
        ("€/MWh", None),
        ("USD/kWh", "price_currency"),
        ("$/kWh", "price_currency"),
        ("EUR", "price_unit"),
        ("EUR/m³", "price_unit"),
        ("kWh", "price_unit"),
        (None, "price_unit"),
    ],
)
@pytest.mark.parametrize("field", ["electricity_price_entity", "reference_price_entity"])
async def test_a_price_entity_has_to_price_energy_in_the_homes_currency(
    hass: HomeAssistant, entry: MockConfigEntry, field: str, unit: str | None, error: str | None
) -> None:
    hass.states.async_set("sensor.price", "0.2", {"unit_of_measurement": unit})
    result = await open_page(hass, entry, "prices")
    result = await answer(hass, result, PRICES | {field: "sensor.price"})
    if error is not None:
        assert result["errors"] == {field: error}
        result = await answer(hass, result, PRICES)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_price_entity_that_is_not_there_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await open_page(hass, entry, "prices")
    gone = PRICES | {"electricity_price_entity": "sensor.gone"}
    result = await answer(hass, result, gone)
    assert result["errors"] == {"electricity_price_entity": "price_unit"}


async def publishers_page(
    hass: HomeAssistant, url: str = "http://127.0.0.1:1"
) -> tuple[MockConfigEntry, Any]:
    """Open the page of publishers of a home on an operator's backend, which may be away."""
    data = {"backend": "operator", "url": url, "token": "secret", "currency": "EUR"}
    entry = home(data=data)
    entry.add_to_hass(hass)
    return entry, await open_page(hass, entry, "publishers")


async def test_a_publisher_is_accepted_by_its_fingerprint_and_removed_again(
    hass: HomeAssistant,
) -> None:
    entry, result = await publishers_page(hass)
    assert result["description_placeholders"] == {"offered": "—"}
    written = fingerprint(bytes(32)).replace(" ", "").upper()
    result = await answer(hass, result, {"publishers": [written, fingerprint(bytes(32))]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == MONEY | {"publishers": [fingerprint(bytes(32))]}
    result = await open_page(hass, entry, "publishers")
    await answer(hass, result, {"publishers": []})
    assert entry.options["publishers"] == []


@pytest.mark.parametrize("wrong", ["", "abcd", "g" * 64, "0" * 65])
async def test_what_is_no_fingerprint_is_not_accepted(hass: HomeAssistant, wrong: str) -> None:
    entry, result = await publishers_page(hass)
    result = await answer(hass, result, {"publishers": [fingerprint(bytes(32)), wrong]})
    assert result["errors"] == {"publishers": "fingerprint"}
    await answer(hass, result, {})
    assert entry.options == MONEY | {"publishers": []}


async def test_the_backends_publishers_are_offered_beside_those_that_are_accepted(
    hass: HomeAssistant, operator: Operator
) -> None:
    operator.publishers = [{"public_key": b64encode(bytes(32)).decode(), "kinds": ["echo"]}]
    entry, result = await publishers_page(hass, operator.url)
    mine = fingerprint(bytes(range(32)))
    await answer(hass, result, {"publishers": [mine]})
    result = await open_page(hass, entry, "publishers")
    (selector,) = result["data_schema"].schema.values()
    assert selector.config["options"] == [mine, fingerprint(bytes(32))]
    lines = [f"- `{mine}`", f"- `{fingerprint(bytes(32))}` `echo`"]
    assert result["description_placeholders"]["offered"].splitlines() == lines


async def test_who_removes_a_publisher_does_not_wait_for_its_backend(
    hass: HomeAssistant, operator: Operator
) -> None:
    entry, result = await publishers_page(hass, operator.url)
    assert operator.asked_for_publishers == 1
    await answer(hass, result, {"publishers": []})
    assert entry.options["publishers"] == []
    assert operator.asked_for_publishers == 1


async def test_unpaid_jobs_are_taken_only_once_somebody_has_said_so(hass: HomeAssistant) -> None:
    entry, _ = await publishers_page(hass)
    for said in (False, True, False):
        page = await open_page(hass, entry, "unpaid")
        await answer(hass, page, {"unpaid_jobs": True} if said else {})
        assert entry.options == MONEY | {"unpaid_jobs": said}
