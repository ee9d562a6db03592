"""The config flow: every path ends in an entry, also after its error."""

from base64 import b64encode
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData, UnknownFlow
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.const import DOMAIN
from custom_components.qheat.manifests import fingerprint

from .conftest import MONEY, TOKEN, Operator

KEYS = (bytes(32), bytes(range(32)))

pytestmark = pytest.mark.usefixtures("engine")


async def start(hass: HomeAssistant, backend: str) -> Any:
    """Start the flow and answer its first form."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    return await answer(hass, result, {"name": "Home", "backend": backend})


async def answer(hass: HomeAssistant, result: Any, user_input: dict[str, Any]) -> Any:
    """Answer the form that the flow shows."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


async def test_a_home_on_the_embedded_backend_is_added(hass: HomeAssistant) -> None:
    hass.config.currency = "EUR"
    result = await start(hass, "embedded")
    assert result["step_id"] == "money"
    result = await answer(hass, result, MONEY)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Home"
    assert result["data"] == {"backend": "embedded", "currency": "EUR"}
    assert result["options"] == MONEY | {"reference_kind": "electric"}


async def test_prices_are_suggested_in_a_currency_that_we_know(hass: HomeAssistant) -> None:
    hass.config.currency = "EUR"
    result = await start(hass, "embedded")
    assert result["data_schema"]({}) == {
        "electricity_price": 0.25,
        "reference_kind": "electric",
        "reference_price": 0.25,
    }


async def test_prices_are_asked_for_in_any_other_currency(hass: HomeAssistant) -> None:
    hass.config.currency = "ISK"
    result = await start(hass, "embedded")
    with pytest.raises(InvalidData):
        await answer(hass, result, {})


async def test_a_kilowatt_hour_may_cost_thousands_in_a_small_unit_of_money(
    hass: HomeAssistant,
) -> None:
    hass.config.currency = "IDR"
    result = await start(hass, "embedded")
    prices = {"electricity_price": 1444.7, "reference_price": 15_000}
    result = await answer(hass, result, prices)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["options"] == prices | {"reference_kind": "electric"}


async def test_a_set_up_that_was_left_half_way_does_not_stand_in_the_way(
    hass: HomeAssistant,
) -> None:
    left = await start(hass, "embedded")
    again = await start(hass, "embedded")
    assert again["type"] is FlowResultType.FORM
    assert (await answer(hass, again, MONEY))["type"] is FlowResultType.CREATE_ENTRY
    with pytest.raises(UnknownFlow):
        await answer(hass, left, MONEY)


@pytest.mark.parametrize("price", [-0.1, 1_000_001, "nan", "dear"])
async def test_a_price_that_makes_no_sense_is_refused(hass: HomeAssistant, price: Any) -> None:
    result = await start(hass, "embedded")
    with pytest.raises(InvalidData):
        await answer(hass, result, MONEY | {"electricity_price": price})


async def test_a_second_home_on_the_embedded_backend_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await start(hass, "embedded")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_a_home_on_an_operators_backend_is_added_in_the_operators_currency(
    hass: HomeAssistant, operator: Operator
) -> None:
    operator.answer["currency"] = "CHF"
    result = await start(hass, "operator")
    # Blanks are easily copied along.
    result = await answer(hass, result, {"url": f" {operator.url}\n", "token": f" {TOKEN}\n"})
    assert result["step_id"] == "money"
    result = await answer(hass, result, MONEY)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {
        "backend": "operator",
        "url": operator.url,
        "token": TOKEN,
        "currency": "CHF",
    }


async def offered(hass: HomeAssistant, operator: Operator) -> Any:
    """Add a home on a backend with two publishers, up to the form that asks about them."""
    operator.publishers = [
        {"public_key": b64encode(key).decode(), "kinds": ["echo", "fold"]} for key in KEYS
    ]
    result = await start(hass, "operator")
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    assert result["step_id"] == "publishers"
    return result


async def test_publishers_are_shown_by_fingerprint_and_none_is_accepted_unless_ticked(
    hass: HomeAssistant, operator: Operator
) -> None:
    result = await offered(hass, operator)
    (selector,) = result["data_schema"].schema.values()
    assert selector.config["options"] == [fingerprint(key) for key in KEYS]
    for key in KEYS:
        line = f"- `{fingerprint(key)}` `echo` `fold`"
        assert line in result["description_placeholders"]["offered"].splitlines()
    result = await answer(hass, result, {})
    assert result["step_id"] == "money"
    result = await answer(hass, result, MONEY)
    assert result["options"]["publishers"] == []


async def test_a_publisher_that_is_ticked_is_accepted_and_no_other(
    hass: HomeAssistant, operator: Operator
) -> None:
    result = await offered(hass, operator)
    result = await answer(hass, result, {"publishers": ["not a fingerprint"]})
    assert result["errors"] == {"publishers": "fingerprint"}
    result = await answer(hass, result, {"publishers": [fingerprint(KEYS[1])]})
    result = await answer(hass, result, MONEY)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["options"]["publishers"] == [fingerprint(KEYS[1])]


@pytest.mark.parametrize(
    "told", [None, 7, [7], [{}], [{"public_key": "AA==", "kinds": []}], [{"kinds": ["x"]}] * 101]
)
async def test_nonsense_about_publishers_offers_none(
    hass: HomeAssistant, operator: Operator, told: Any
) -> None:
    operator.publishers = told
    result = await start(hass, "operator")
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    assert result["step_id"] == "money"


@pytest.mark.parametrize(
    ("url", "token", "status", "reply", "errors"),
    [
        ("http://127.0.0.1:1", TOKEN, 200, None, {"base": "cannot_connect"}),
        ("http://192.0.2.1", TOKEN, 200, None, {"url": "insecure_url"}),
        ("not an address", TOKEN, 200, None, {"url": "insecure_url"}),
        ("https://[::1", TOKEN, 200, None, {"url": "insecure_url"}),
        (None, "another-token", 200, None, {"base": "invalid_auth"}),
        (None, "not a token", 200, None, {"token": "invalid_auth"}),
        (None, TOKEN, 500, None, {"base": "invalid_backend"}),
        (None, TOKEN, 200, {"currency": 7}, {"base": "invalid_backend"}),
    ],
)
async def test_an_operators_backend_is_tried_before_it_is_added(
    hass: HomeAssistant,
    operator: Operator,
    url: str | None,
    token: str,
    status: int,
    reply: Any,
    errors: dict[str, str],
) -> None:
    good = operator.answer
    operator.status, operator.answer = status, reply or good
    result = await start(hass, "operator")
    result = await answer(hass, result, {"url": url or operator.url, "token": token})
    assert result["errors"] == errors

    operator.status, operator.answer = 200, good
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    result = await answer(hass, result, MONEY)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("status", [200, 404])
async def test_a_backend_of_an_unknown_version_is_not_added(
    hass: HomeAssistant, operator: Operator, status: int
) -> None:
    operator.status, operator.version = status, "2"
    result = await start(hass, "operator")
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    assert result["errors"] == {"base": "unknown_version"}


def operators_home(hass: HomeAssistant, url: str) -> MockConfigEntry:
    """Return a home on an operator's backend, whose token has become old."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={"backend": "operator", "url": url, "token": "old", "currency": "EUR"},
        options=MONEY,
    )
    entry.add_to_hass(hass)
    return entry


async def test_a_refused_token_is_asked_for_anew(hass: HomeAssistant, operator: Operator) -> None:
    entry = operators_home(hass, operator.url)
    result = await entry.start_reauth_flow(hass)
    assert result["step_id"] == "reauth_confirm"
    result = await answer(hass, result, {"token": "wrong-again"})
    assert result["errors"] == {"base": "invalid_auth"}
    result = await answer(hass, result, {"token": TOKEN})
    assert result["reason"] == "reauth_successful"
    assert entry.data["token"] == TOKEN


async def test_an_operators_address_can_be_changed(hass: HomeAssistant, operator: Operator) -> None:
    entry = operators_home(hass, "https://gone.example")
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["url"] == operator.url


async def test_an_account_in_another_currency_does_not_replace_the_first(
    hass: HomeAssistant, operator: Operator
) -> None:
    operator.answer["currency"] = "CHF"
    entry = operators_home(hass, operator.url)
    result = await entry.start_reconfigure_flow(hass)
    result = await answer(hass, result, {"url": operator.url, "token": TOKEN})
    assert result["errors"] == {"base": "other_currency"}
    assert entry.data["token"] == "old"


async def test_no_two_homes_end_up_at_the_same_operator(
    hass: HomeAssistant, operator: Operator
) -> None:
    here, there = operators_home(hass, operator.url), operators_home(hass, "http://127.0.0.1:9")
    result = await there.start_reconfigure_flow(hass)
    new = {"url": f" {operator.url}/ ", "token": TOKEN}
    result = await answer(hass, result, new)
    assert result["reason"] == "already_configured"
    result = await here.start_reconfigure_flow(hass)
    result = await answer(hass, result, new)
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert (here.data["url"], here.data["token"]) == (operator.url, TOKEN)
    assert there.data["url"] == "http://127.0.0.1:9"


async def test_two_dialogs_at_once_add_no_two_homes_at_the_same_operator(
    hass: HomeAssistant, operator: Operator
) -> None:
    access = {"url": operator.url, "token": TOKEN}
    first, second = [await answer(hass, await start(hass, "operator"), access) for _ in range(2)]
    assert (await answer(hass, first, MONEY))["type"] is FlowResultType.CREATE_ENTRY
    assert (await answer(hass, second, MONEY))["reason"] == "already_configured"
    await hass.async_block_till_done()


async def test_the_embedded_backend_has_nothing_to_reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    result = await entry.start_reconfigure_flow(hass)
    assert result["reason"] == "embedded"


@pytest.mark.parametrize("name", ["Our house", "x" * 65])
async def test_a_home_is_to_be_called_as_home_assistant_calls_it_and_nothing_is_wrong_yet(
    hass: HomeAssistant, name: str
) -> None:
    hass.config.location_name = name
    flows = hass.config_entries.flow
    result: Any = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    [suggested] = [key.description for key in result["data_schema"].schema if key == "name"]
    assert suggested == {"suggested_value": name}
    assert not result["errors"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 65])
async def test_a_home_has_a_name(hass: HomeAssistant, name: str) -> None:
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await answer(hass, result, {"name": name, "backend": "operator"})
    assert result["errors"] == {"name": "bad_name"}
    result = await answer(hass, result, {"name": "x" * 64, "backend": "operator"})
    assert result["step_id"] == "operator"


async def test_an_operators_address_is_the_same_however_it_is_written(
    hass: HomeAssistant, operator: Operator
) -> None:
    operators_home(hass, operator.url)
    result = await start(hass, "operator")
    written = f" {operator.url.replace('http', 'HTTP')}/ "
    result = await answer(hass, result, {"url": written, "token": TOKEN})
    assert result["reason"] == "already_configured"
