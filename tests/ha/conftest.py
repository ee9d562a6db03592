"""A home in Home Assistant, with real parts behind it unless a test asks for a fixed engine."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, override
from unittest.mock import patch

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, State
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.qheat.compute.engine import (
    Engine,
    EngineError,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerSource,
    Settlement,
    SettlementPage,
)
from custom_components.qheat.compute.machine import Machine
from custom_components.qheat.compute.rapl import Rapl
from custom_components.qheat.const import DOMAIN
from tests.compute.boinc.simulated import SimulatedClient

from .boinc import FIRST, Repairs, boinc_radiator, hurried, until_it_runs

LIVING_ROOM = "01JLIVINGROOM0000000000000"
THERMOSTAT = "climate.living_room"

TOKEN = "a-token-of-the-operator"
MONEY = {"electricity_price": 0.25, "reference_price": 0.25, "reference_efficiency": 1.0}


@pytest.fixture(autouse=True)
def _recorder_first(request: pytest.FixtureRequest) -> None:
    """Start the recorder before Home Assistant, as it has to be, in a test that has one."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("mock_recorder_before_hass")
        request.getfixturevalue("async_test_recorder")


@pytest.fixture(autouse=True)
def _custom_integrations(_recorder_first: None, enable_custom_integrations: None) -> None:
    """Let Home Assistant load what is under custom_components."""


@pytest.fixture(autouse=True)
def _no_rapl(tmp_path: Path) -> Generator[None]:
    """Have the processor measure nothing, wherever the tests run."""
    rapl = Rapl(tmp_path / "no powercap")
    with patch("custom_components.qheat.machine_share.Rapl", return_value=rapl):
        yield


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write snapshots in Home Assistant's own form."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


def radiator(subentry_id: str = LIVING_ROOM, title: str = "Living room", **data: Any) -> Any:
    """Return a radiator of this machine in a simulated room."""
    return ConfigSubentry(
        data=MappingProxyType(
            {
                "rated_w": 500,
                "idle_w": 20,
                "room": "simulated",
                "floor_area_m2": 18,
                "speed": 1,
                **data,
            }
        ),
        subentry_id=subentry_id,
        subentry_type="this_machine",
        title=title,
        unique_id=None,
    )


def home(*radiators: ConfigSubentry, entry_id: str = "01JHOME", **changes: Any) -> MockConfigEntry:
    """Return a home on the embedded backend."""
    values: dict[str, Any] = {
        "domain": DOMAIN,
        "title": "Home",
        "entry_id": entry_id,
        "unique_id": "embedded",
        "data": {"backend": "embedded", "currency": "EUR"},
        "options": MONEY,
        "subentries_data": [item.as_dict() for item in radiators],
    }
    return MockConfigEntry(**values | changes)


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a home with one radiator, known to Home Assistant and not yet set up."""
    entry = home(radiator())
    entry.add_to_hass(hass)
    return entry


async def load(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up a home that Home Assistant knows."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def set_up(
    hass: HomeAssistant, *radiators: ConfigSubentry, **changes: Any
) -> MockConfigEntry:
    """Add a home, and set it up."""
    entry = home(*radiators, **changes)
    entry.add_to_hass(hass)
    await load(hass, entry)
    return entry


def state_at(hass: HomeAssistant, entity_id: str) -> State:
    """Return what an entity shows."""
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state


async def call(hass: HomeAssistant, action: str, **data: Any) -> None:
    """Call a climate action on the living room's thermostat."""
    await hass.services.async_call(
        "climate", action, {"entity_id": THERMOSTAT} | data, blocking=True
    )


def thermostat(hass: HomeAssistant) -> State:
    """Return the thermostat's state."""
    return state_at(hass, THERMOSTAT)


async def open_page(hass: HomeAssistant, entry: MockConfigEntry, page: str) -> Any:
    """Choose a page from the menu of options."""
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["type"] is FlowResultType.MENU
    assert page in result["menu_options"]
    return await hass.config_entries.options.async_configure(
        result["flow_id"], {"next_step_id": page}
    )


def kept(own_folder: Path) -> set[str]:
    """Return the names of all files that a home keeps."""
    return {path.name for path in own_folder.glob("qheat*")}


@pytest.fixture
def boinc(socket_enabled: None, own_folder: Path) -> Generator[None]:
    """Let radiators reach simulated BOINC clients, and not wait for each other."""
    with hurried():
        yield


@pytest.fixture
async def client(boinc: None) -> AsyncGenerator[SimulatedClient]:
    """Return a BOINC client with preferences of its user's own."""
    client = SimulatedClient(override=FIRST)
    await client.start()
    yield client
    await client.stop()


@pytest.fixture
async def heating_home(hass: HomeAssistant, client: SimulatedClient) -> MockConfigEntry:
    """Return a home with one BOINC machine, which heats."""
    entry = await set_up(hass, boinc_radiator(client.port))
    await until_it_runs(hass, entry, client)
    return entry


@pytest.fixture
async def repairs(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Repairs:
    """Let repairs be opened."""
    assert await async_setup_component(hass, "repairs", {})
    return Repairs(hass_client)


class FixedEngine(Engine):
    """An engine whose answers a test chooses; it remembers the last budget."""

    def __init__(self, *_: object, **__: object) -> None:
        self.budget: HeatBudget | None = None
        self.now = EngineStatus(
            power_w=320.0,
            power_source=PowerSource.ESTIMATED,
            heat_kind=HeatKind.PAID,
            jobs_running=2,
            jobs_paused=1,
            jobs_queued=0,
            work_lost_s=3.0,
            lease_left_s=60.0,
            problem=None,
        )
        self.pages: list[SettlementPage] = []
        self.refuses: EngineProblem | None = None

    def tell(self, **changes: Any) -> None:
        """Change what the engine says of itself."""
        self.now = replace(self.now, **changes)

    @override
    async def start(self) -> None:
        """Have nothing to make ready."""

    @override
    async def stop(self) -> None:
        """Have nothing to stop."""

    @override
    def set_budget(self, budget: HeatBudget) -> None:
        self.budget = budget

    @override
    def status(self) -> EngineStatus:
        return self.now

    @override
    async def settlements(self, after: str | None) -> SettlementPage:
        if self.refuses is not None:
            raise EngineError(self.refuses, "refused by the test")
        if self.pages:
            return self.pages.pop(0)
        return SettlementPage(settlements=(), cursor=after)


@asynccontextmanager
async def no_machine(hass: HomeAssistant) -> AsyncIterator[Machine]:
    """Lend a machine that is never started: a fixed engine does not use it."""
    yield Machine(1)


@pytest.fixture
def own_folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Give Home Assistant a folder of its own to write to; return its storage."""
    hass.config.config_dir = str(tmp_path)
    storage = tmp_path / STORAGE_DIR
    storage.mkdir()
    return storage


@pytest.fixture
def all_entities_enabled() -> Generator[None]:
    """Enable also the entities that are disabled by default."""
    with patch.object(Entity, "entity_registry_enabled_default", True):
        yield


@pytest.fixture
def engine(own_folder: Path) -> Generator[FixedEngine]:
    """Put a fixed engine where the pull engine would be."""
    engine = FixedEngine()
    with (
        patch("custom_components.qheat.this_machine.PullEngine", return_value=engine),
        patch("custom_components.qheat.this_machine.async_shared_machine", no_machine),
    ):
        yield engine


def settlement(settlement_id: str = "s1", **changes: Any) -> Settlement:
    """Return an accepted settlement of 0.002 earned and 0.01 repaid."""
    values: dict[str, Any] = {
        "settlement_id": settlement_id,
        "radiator_id": LIVING_ROOM,
        "job_kind": "option_price",
        "accepted": True,
        "earned": Decimal("0.002"),
        "repaid": Decimal("0.01"),
        "energy_j": 3_600.0,
        "currency": "EUR",
        "settled_at": 1_790_000_000.0,
    }
    return Settlement(**values | changes)


class Operator:
    """A real HTTP server that answers like an operator's backend, or does not."""

    def __init__(self) -> None:
        self.status = 200
        self.version = "1"
        self.answer: Any = {"currency": "EUR", "balance": "0", "repayment_per_kwh": "0.25"}
        self.publishers: Any = []
        self.asked_for_publishers = 0
        self.url = ""

    async def keys(self, request: web.Request) -> web.Response:
        """Answer with the publishers that the test has set."""
        self.asked_for_publishers += 1
        return web.json_response({"publishers": self.publishers})

    async def account(self, request: web.Request) -> web.Response:
        """Answer with what the test has set, if the token is right."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"title": "Unauthorized"}, status=401)
        headers = {"Qheat-Api-Version": self.version}
        return web.json_response(self.answer, status=self.status, headers=headers)


@pytest.fixture
async def operator(socket_enabled: None) -> AsyncGenerator[Operator]:
    """Return an operator's backend on loopback."""
    operator = Operator()
    application = web.Application()
    application.router.add_get("/v1/account", operator.account)
    application.router.add_get("/v1/publishers", operator.keys)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    operator.url = str(server.make_url("/")).rstrip("/")
    yield operator
    await server.close()
