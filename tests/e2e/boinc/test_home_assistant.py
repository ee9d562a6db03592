"""A real Home Assistant with a real BOINC client as its only radiator."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.radiator import BUDGET_S
from scripts.demo_home.api import Api
from scripts.demo_home.folder import HOST, password, prepare
from scripts.demo_home.process import HassProcess, free_port

from .project import ACCOUNT_KEY, Job, Project
from .real_client import CORES, OWN_PREFERENCES, PASSWORD, RealClient, until

pytestmark = pytest.mark.timeout(420)

GRACE_S = 15


class Home:
    """Home Assistant in a process of its own; it may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._hass = HassProcess(folder)

    async def start(self) -> None:
        prepare(self._folder, self._port, fresh=False)
        await self._hass.start()
        self.api = await Api(f"http://{HOST}:{self._port}").__aenter__()
        async with asyncio.timeout(120):
            await self.api.wait_until_it_answers()
            await self.api.sign_in(password(self._folder))
            await self.api.wait_until_it_runs()

    async def kill(self) -> None:
        await self.api.__aexit__(None, None, None)
        await self._hass.kill()

    async def stop(self) -> None:
        await self.api.__aexit__(None, None, None)
        await self._hass.stop()

    async def state(self, entity_id: str) -> str:
        known = {state["entity_id"]: state["state"] for state in await self.api.get("/api/states")}
        found: str = known.get(entity_id, "missing")
        return found

    async def device_id(self, name: str) -> str:
        devices = await self.api.command("config/device_registry/list")
        return next(str(device["id"]) for device in devices if device["name"] == name)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    folder = tmp_path / "home"
    folder.mkdir()
    home = Home(folder)
    await home.start()
    yield home
    await home.stop()


async def test_a_client_is_added_heats_outlives_a_kill_and_gets_its_settings_back(
    client: RealClient, project: Project, home: Home
) -> None:
    project.endless = Job(cpu_s=600.0)
    entry = await home.api.walk(
        "flow", "qheat", {"user": {"name": "Home", "backend": "embedded"}, "money": {}}
    )
    await home.api.walk(
        "subentries/flow",
        [entry["entry_id"], "boinc"],
        {
            "user": {
                "name": "Hall",
                "host": "127.0.0.1",
                "port": client.port,
                "password": PASSWORD,
                "rated_w": 100,
                "idle_w": 20,
                "gpu_w": 0,
                "room": "simulated",
            },
            "simulated": {"floor_area_m2": 30, "speed": 1},
        },
    )
    await until(lambda: home.state("sensor.hall_heat_output"), "20", 60)
    await home.api.act(
        "qheat",
        "attach_project",
        device_id=await home.device_id("Hall"),
        project_url=project.url,
        account_key=ACCOUNT_KEY,
    )
    await heat(home)
    await client.until_burning(CORES, 120)
    await until(lambda: home.state("sensor.hall_jobs_running"), str(CORES), 60)
    assert await home.state("sensor.hall_projects") == project.name

    await home.kill()
    await client.until_burning(0, BUDGET_S + GRACE_S)
    await home.start()
    await client.until_burning(CORES, 120)

    await home.stop()
    await has_its_settings_back(client)
    assert await client.burning() == 0
    await home.start()
    await client.until_burning(CORES, 120)

    [radiator] = await home.api.command(
        "config_entries/subentries/list", entry_id=entry["entry_id"]
    )
    await home.api.command(
        "config_entries/subentries/delete",
        entry_id=entry["entry_id"],
        subentry_id=radiator["subentry_id"],
    )
    await has_its_settings_back(client)


async def has_its_settings_back(client: RealClient) -> None:
    connection = RpcConnection("127.0.0.1", client.port, PASSWORD)
    await connection.connect()
    boinc = BoincClient(connection)
    try:
        await until(boinc.override, OWN_PREFERENCES, 60)
        await until(lambda: mode_of(boinc), RunMode.AUTO, 60)
    finally:
        await connection.close()


async def mode_of(boinc: BoincClient) -> RunMode:
    return (await boinc.status()).cpu.permanent


async def heat(home: Home) -> None:
    await home.api.act(
        "climate", "set_temperature", entity_id="climate.hall", temperature=30, hvac_mode="heat"
    )
