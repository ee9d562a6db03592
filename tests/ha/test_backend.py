"""What the entities say of a backend that answers badly, and that they recover with it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.const import DOMAIN
from custom_components.qheat.publishers import Serials

from ..publishing import manifest_of, signed
from .conftest import MONEY, call, radiator, set_up, state_at

pytestmark = pytest.mark.usefixtures("own_folder")

STATUS = "sensor.living_room_status"
MODULE = sha256(b"module").hexdigest()
SIGNED = signed(manifest_of(MODULE))


class Operator:
    """A real HTTP server that answers every request as the test says."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.headers: dict[str, str] = {}
        self.url = ""
        self.asked: list[str] = []

    def offer(self, pay: str) -> None:
        """Answer with the lease of a job that pays so much."""
        job = {
            "job_id": "job",
            "kind": "echo",
            "module_sha256": MODULE,
            "input_sha256": MODULE,
            "pay": pay,
            "repayment_per_kwh": "0",
            "memory_bytes": 1000,
            "cpu_s": 1,
            "output_bytes": 100,
            "signed": SIGNED.to_message(),
        }
        leases = [{"lease_id": "lease", "ttl_s": 60, "job": job}]
        self.body = json.dumps({"leases": leases}).encode()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as told."""
        self.asked.append(request.path)
        return web.Response(
            status=self.status,
            body=self.body,
            headers=self.headers,
            content_type="application/json",
        )


@pytest.fixture
async def operator(socket_enabled: None) -> AsyncGenerator[Operator]:
    """Return an operator's backend on loopback."""
    operator = Operator()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", operator.answer)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    operator.url = str(server.make_url("/")).rstrip("/")
    yield operator
    await server.close()


async def heat_at(
    hass: HomeAssistant, url: str, options: dict[str, Any] | None = None
) -> MockConfigEntry:
    """Set up a home on this backend, with its thermostat turned up."""
    data = {"backend": "operator", "url": url, "token": "secret", "currency": "EUR"}
    entry = await set_up(hass, radiator(), data=data, options=MONEY | (options or {}))
    await call(hass, "set_temperature", temperature=25, hvac_mode="heat")
    return entry


async def until_status(hass: HomeAssistant, entry: MockConfigEntry, wanted: str) -> None:
    """Tick until the radiator's status is as wanted."""
    async with asyncio.timeout(60):
        while (state := hass.states.get(STATUS)) is None or state.state != wanted:
            await asyncio.sleep(0.1)
            await entry.runtime_data.async_refresh()
    assert state_at(hass, "climate.living_room").state == "heat"


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (200, b"garbage", "backend_faulty"),
        (500, b"", "backend_faulty"),
        (401, b"", "backend_refused"),
    ],
)
async def test_a_wrong_answer_is_told_and_forgotten_when_the_backend_is_well_again(
    hass: HomeAssistant, operator: Operator, status: int, body: bytes, shown: str
) -> None:
    operator.status, operator.body = status, body
    entry = await heat_at(hass, operator.url)
    await until_status(hass, entry, shown)
    operator.status, operator.body = 200, b'{"leases": []}'
    await until_status(hass, entry, "no_jobs")
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_backend_that_is_not_there_is_told(
    hass: HomeAssistant, socket_enabled: None
) -> None:
    entry = await heat_at(hass, "http://127.0.0.1:1")
    await until_status(hass, entry, "backend_unreachable")
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("status", [200, 404, 410, 500])
async def test_an_unknown_version_of_the_api_is_a_repair_until_it_is_known(
    hass: HomeAssistant, operator: Operator, status: int
) -> None:
    operator.status, operator.body = status, b'{"leases": []}'
    operator.headers = {"Qheat-Api-Version": "2"}
    entry = await heat_at(hass, operator.url)
    await until_status(hass, entry, "backend_version")
    issue_id = f"backend_version_{next(iter(entry.subentries))}"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_key == "backend_version"
    operator.status, operator.headers = 200, {"Qheat-Api-Version": "1"}
    await until_status(hass, entry, "no_jobs")
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("unpaid", [False, True])
async def test_an_unpaid_job_is_taken_only_where_the_home_wants_such(
    hass: HomeAssistant, operator: Operator, *, unpaid: bool
) -> None:
    operator.offer("0")
    options = {"publishers": [SIGNED.publisher], "unpaid_jobs": unpaid}
    entry = await heat_at(hass, operator.url, options)
    if unpaid:
        async with asyncio.timeout(60):
            while f"/v1/modules/{MODULE}" not in operator.asked:
                await asyncio.sleep(0.1)
    else:
        await until_status(hass, entry, "no_jobs")
        assert "/v1/leases/lease/return" in operator.asked
        assert not any("/modules/" in path for path in operator.asked)
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_publisher_that_is_not_accepted_is_a_repair_and_an_accepted_one_is_fetched(
    hass: HomeAssistant, operator: Operator
) -> None:
    operator.offer("0.01")
    entry = await heat_at(hass, operator.url)
    await until_status(hass, entry, "publisher_not_accepted")
    issue_id = f"publisher_not_accepted_{next(iter(entry.subentries))}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is not None
    assert not any("/modules/" in path for path in operator.asked)
    hass.config_entries.async_update_entry(
        entry, options={**entry.options, "publishers": [SIGNED.publisher]}
    )
    async with asyncio.timeout(60):
        while f"/v1/modules/{MODULE}" not in operator.asked:
            await asyncio.sleep(0.1)
            if entry.state is ConfigEntryState.LOADED:
                await entry.runtime_data.async_refresh()
        while not (kept := await Serials(hass, entry.entry_id).async_read()):
            await asyncio.sleep(0.1)
    assert kept == {f"{SIGNED.publisher} {MODULE}": 7}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
