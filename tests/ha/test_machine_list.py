"""A building's machines come from a list, through Home Assistant's own HTTP interface."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from textwrap import dedent

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from scripts.add_boinc_machines import ListError, main, read_list, take_over
from scripts.demo_home.api import Api
from scripts.demo_home.errors import DemoError
from tests.compute.boinc.simulated import PASSWORD, URL, SimulatedClient

from .conftest import home, set_up

NEEDED = "name,host,port,password,rated_w,idle_w,temperature_entity"
ROW = "Hall,127.0.0.1,31416,secret,300,40,sensor.hall"
OPERATORS = Path(__file__).parents[2] / "docs/operators.md"


@pytest.fixture
async def api(
    hass: HomeAssistant,
    boinc: None,
    hass_client_no_auth: ClientSessionGenerator,
    hass_access_token: str,
) -> AsyncGenerator[Api]:
    """Return Home Assistant's own interface, as an administrator's."""
    for component in ("config", "websocket_api"):
        assert await async_setup_component(hass, component, {})
    client = await hass_client_no_auth()
    hass.states.async_set("sensor.hall", "19", {"unit_of_measurement": "°C"})
    async with Api(str(client.make_url(""))) as api:
        await api.enter(hass_access_token)
        yield api


async def take(api: Api, path: Path, *lines: str, title: str | None = None) -> int:
    """Have a list of these lines done; return how many machines were refused."""
    path.write_text("\n".join(lines), encoding="utf-8")  # noqa: ASYNC240 - a few short lines
    return await take_over(api, read_list(path), title)


async def test_machines_of_a_list_are_added_and_one_that_is_refused_keeps_no_other_from_it(
    hass: HomeAssistant,
    api: Api,
    client: SimulatedClient,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = await set_up(hass)
    ar.async_get(hass).async_create("Cellar")
    second = SimulatedClient()
    await second.start()
    try:
        refused = await take(
            api,
            tmp_path / "list.csv",
            f"{NEEDED},area,{URL}",
            f"Cellar,127.0.0.1,{client.port},{PASSWORD},300,40,sensor.hall,Cellar,0.002",
            f"Attic,127.0.0.1,{second.port},wrong,300,40,sensor.hall,Attic,",
            f"Loft,127.0.0.1,{second.port},{PASSWORD},1e6,20,sensor.hall,Loft,",
            f"Hall,127.0.0.1,{second.port},{PASSWORD},200,20,sensor.hall,Hall,",
        )
        await hass.async_block_till_done()
        assert refused == 2
        added = {one.title: one for one in entry.subentries.values()}
        assert set(added) == {"Cellar", "Hall"}
        assert added["Cellar"].data["rates"] == [{"project": URL, "rate": 0.002}]
        assert added["Hall"].data["rated_w"] == 200
        assert "rates" not in added["Hall"].data
        devices = dr.async_get(hass)
        areas = ar.async_get(hass)
        for name in added:
            area = areas.async_get_area_by_name(name)
            assert area is not None
            [device] = dr.async_entries_for_area(devices, area.id)
            assert device.name == name
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "Cellar: added"
        assert said[1].startswith("Attic: refused. password: The BOINC client refuses this")
        assert said[2].startswith("Loft: refused. POST")
        assert "rated_w" in said[2]
        assert not hass.config_entries.subentries.async_progress()
    finally:
        await second.stop()


async def test_a_list_that_is_done_again_changes_its_machines_and_keeps_passwords_it_does_not_tell(
    hass: HomeAssistant, api: Api, client: SimulatedClient, tmp_path: Path
) -> None:
    entry = await set_up(hass)
    for password, rate in ((PASSWORD, "0.002"), ("", "0.003")):
        row = f"Hall,127.0.0.1,{client.port},{password},300,40,sensor.hall,{rate}"
        assert await take(api, tmp_path / "list.csv", f"{NEEDED},{URL}", row) == 0
        await hass.async_block_till_done()
    [only] = entry.subentries.values()
    assert only.data["rates"] == [{"project": URL, "rate": 0.003}]
    assert only.data["password"] == PASSWORD


async def test_a_radiator_of_this_computer_is_not_made_a_boinc_machine_by_its_name(
    hass: HomeAssistant, api: Api, tmp_path: Path, entry: MockConfigEntry
) -> None:
    before = dict(entry.subentries)
    row = ROW.replace("Hall", "Living room")
    assert await take(api, tmp_path / "list.csv", NEEDED, row) == 1
    assert dict(entry.subentries) == before


async def test_of_several_homes_one_is_chosen(
    hass: HomeAssistant, api: Api, tmp_path: Path
) -> None:
    with pytest.raises(DemoError, match="home first"):
        await take(api, tmp_path / "list.csv", NEEDED, ROW)
    for title in ("North", "South"):
        home(title=title, entry_id=title).add_to_hass(hass)
    with pytest.raises(DemoError, match="--home: North, South"):
        await take(api, tmp_path / "list.csv", NEEDED, ROW)
    assert await take(api, tmp_path / "list.csv", NEEDED, title="South") == 0


@pytest.mark.usefixtures("socket_enabled")
async def test_a_home_assistant_that_stops_meanwhile_is_told_in_words(tmp_path: Path) -> None:
    async def stop_after_the_token(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        await socket.receive_json()
        await socket.send_json({"type": "auth_ok"})
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/api/websocket", stop_after_the_token)
    async with TestServer(app) as server, Api(str(server.make_url(""))) as api:
        await api.enter("token")
        with pytest.raises(DemoError, match="closed the connection"):
            await take(api, tmp_path / "list.csv", NEEDED, ROW)


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("homeassistant:8123", "secret", "begins with http://"),
        ("ftp://homeassistant:8123", "secret", "begins with http://"),
        ("http://[::1", "secret", "begins with http://"),
        ("http://127.0.0.1:1", "", "not set"),
    ],
)
def test_an_address_or_a_token_that_cannot_be_one_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    token: str,
    says: str,
) -> None:
    monkeypatch.setenv("HASS_TOKEN", token)
    monkeypatch.setattr("sys.argv", ["add-boinc-machines", url, "list.csv"])
    with pytest.raises(SystemExit):
        main()
    assert says in capsys.readouterr().err


@pytest.mark.usefixtures("socket_enabled")
def test_the_address_of_any_page_of_home_assistants_tells_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(f"{NEEDED}\n{ROW}\n")
    monkeypatch.setenv("HASS_TOKEN", "secret")
    page = "http://127.0.0.1:1/config/integrations?domain=qheat"
    monkeypatch.setattr("sys.argv", ["add-boinc-machines", page, str(tmp_path / "list.csv")])
    assert main() == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "missing: name, host"),
        ([NEEDED.replace("host", "hots"), ROW], "missing: host"),
        ([f"{NEEDED},colour", f"{ROW},red"], "'colour' is neither"),
        ([f"{NEEDED},name", f"{ROW},Hall"], "twice: name"),
        ([NEEDED, f"{ROW},extra"], "line 2 has not as many"),
        ([NEEDED, "Hall,127.0.0.1"], "line 2 has not as many"),
        ([NEEDED, ROW.replace("sensor.hall", " ")], "line 2 has nothing for temperature_entity"),
        ([NEEDED, ROW, ROW], "line 3 has a name that was there before: Hall"),
        ([f"{NEEDED},{URL}", f"{ROW},nan"], "line 2 has no number for https"),
        ([f"{NEEDED},{URL}", f'{ROW},"0,5"'], "line 2 has no number for https"),
        ([NEEDED, ROW.replace("300", "300 W")], "line 2 has no number for rated_w: 300 W"),
        ([NEEDED, f'"{ROW}'], "no CSV file"),
    ],
)
def test_a_list_that_cannot_be_read_says_where_and_nothing_of_it_is_done(
    tmp_path: Path, lines: list[str], says: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ListError, match=re.escape(says)):
        read_list(path)


def test_a_list_may_come_from_a_spreadsheet_of_another_country(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    text = f"{NEEDED}\r\n{ROW}\r\n".replace(",", ";").replace("Hall", '"Salon; été"')
    path.write_bytes(text.encode("utf-8-sig"))
    [row] = read_list(path)
    assert row["name"] == "Salon; été"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ListError, match="UTF-8"):
        read_list(path)


def test_the_list_in_the_operators_page_can_be_read(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```csv\n(.*?) *```", OPERATORS.read_text(), re.DOTALL)
    path = tmp_path / "list.csv"
    path.write_text(dedent(shown))
    assert len(read_list(path)) == 2
