"""The job API over its socket: what it answers to whom."""

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest

from custom_components.qheat.backend import EmbeddedBackend, StoreError
from custom_components.qheat.backend.app import RETRY_AFTER_S
from custom_components.qheat.backend.database import Database
from tests.backend.tiny import MODULE, PAY, TERMS, TinyCatalogue

TOKEN = "secret"
PULL = {
    "radiator_id": "r1",
    "count": 1,
    "slots": 1,
    "slot_w": 100.0,
    "wanted_s": 60.0,
    "capabilities": ["wasm32-wasi"],
}
LEASE = "/v1/leases/unknown"


def embedded(
    folder: Path, jobs: int = 1, clock: Callable[[], float] = time.time
) -> EmbeddedBackend:
    return EmbeddedBackend(
        db_path=folder / "jobs.db",
        token=TOKEN,
        terms=TERMS,
        catalogue=TinyCatalogue(jobs),
        clock=clock,
    )


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    backend = embedded(tmp_path)
    await backend.start()
    yield backend
    await backend.stop()


@pytest.fixture
async def session(backend: EmbeddedBackend) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_at(backend.socket_path) as session:
        yield session


def session_at(path: Path, token: str = TOKEN) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        "http://localhost",
        connector=aiohttp.UnixConnector(path=str(path)),
        headers={"Authorization": f"Bearer {token}"},
    )


async def pull(session: aiohttp.ClientSession, key: str = "k", **more: Any) -> Any:
    headers = {"Idempotency-Key": key}
    async with session.post("/v1/leases", json={**PULL, **more}, headers=headers) as response:
        assert response.status == 200
        return (await response.json())["leases"]


async def problem(response: aiohttp.ClientResponse) -> int:
    """Return the status of a problem, having seen that it is told as RFC 9457 wants it."""
    assert response.content_type == "application/problem+json"
    told = await response.json(content_type=None)
    assert told["status"] == response.status
    assert told["title"]
    return response.status


async def test_a_job_goes_from_pull_to_money(session: aiohttp.ClientSession) -> None:
    (lease,) = await pull(session)
    job = lease["job"]
    async with session.get(f"/v1/modules/{job['module_sha256']}") as response:
        assert await response.read() == MODULE
        assert "immutable" in response.headers["Cache-Control"]
    async with session.get(f"/v1/inputs/{job['input_sha256']}") as response:
        assert await response.read() == b"input 0"
    lease_path = f"/v1/leases/{lease['lease_id']}"
    async with session.post(f"{lease_path}/renewal", json={"cpu_s": 1.5}) as response:
        assert await response.json() == {"verdict": "continue", "ttl_s": 120.0}
    result = {"output": "aW5wdXQgMA==", "energy_j": 0}
    async with session.put(f"{lease_path}/result", json=result) as response:
        settlement = await response.json()
        assert settlement["accepted"] is True
        assert settlement["earned"] == str(PAY)
    async with session.get("/v1/account") as response:
        assert await response.json() == {
            "currency": "EUR",
            "balance": f"{PAY:f}" + "000",
            "repayment_per_kwh": "0.25",
        }
    async with session.get("/v1/settlements", params={"radiator_id": "r1"}) as response:
        page = await response.json()
        assert page["settlements"] == [settlement]
    after = {"radiator_id": "r1", "after": page["cursor"]}
    async with session.get("/v1/settlements", params=after) as response:
        assert await response.json() == {"settlements": [], "cursor": page["cursor"]}
    async with session.get(f"/v1/jobs/{job['job_id']}/result") as response:
        assert await problem(response) == 403


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic secret", "Bearer ü"])
async def test_without_the_token_nobody_learns_anything(
    backend: EmbeddedBackend, header: str | None
) -> None:
    async with session_at(backend.socket_path) as session:
        del session.headers["Authorization"]
        headers = {} if header is None else {"Authorization": header}
        for path in ("/v1/account", "/v1/none"):
            async with session.get(path, headers=headers) as response:
                assert await problem(response) == 401
                assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_the_tokens_scheme_is_read_in_either_case(session: aiohttp.ClientSession) -> None:
    headers = {"Authorization": session.headers["Authorization"].replace("Bearer", "bearer")}
    async with session.get("/v1/account", headers=headers) as response:
        assert response.status == 200


async def test_an_empty_answer_says_when_to_ask_again(session: aiohttp.ClientSession) -> None:
    await pull(session, "a")
    headers = {"Idempotency-Key": "b"}
    async with session.post("/v1/leases", json=PULL, headers=headers) as response:
        assert (await response.json())["leases"] == []
        assert response.headers["Retry-After"] == str(RETRY_AFTER_S)


async def test_a_radiator_that_cannot_run_modules_gets_none(session: aiohttp.ClientSession) -> None:
    assert await pull(session, capabilities=["cuda"]) == []


async def test_a_radiator_with_a_part_of_a_slot_gets_a_job(session: aiohttp.ClientSession) -> None:
    assert len(await pull(session, slots=0.2)) == 1


async def test_a_pull_that_waits_gets_what_comes_back_meanwhile(
    session: aiohttp.ClientSession,
) -> None:
    (lease,) = await pull(session, "a")
    session.headers["Prefer"] = "respond-async, wait=50"
    waiting = asyncio.create_task(pull(session, "b"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    path = f"/v1/leases/{lease['lease_id']}/return"
    async with session.post(path, json={"reason": "stopped"}) as response:
        assert response.status == 204
    (again,) = await waiting
    assert again["job"] == lease["job"]


async def test_a_backend_that_stops_lets_those_who_wait_go(tmp_path: Path) -> None:
    backend = embedded(tmp_path, jobs=0)
    await backend.start()
    async with session_at(backend.socket_path) as session:
        session.headers["Prefer"] = "wait=60"
        waiting = asyncio.create_task(pull(session))
        await asyncio.sleep(0.3)
        await backend.stop()
        assert await waiting == []


@pytest.mark.parametrize(
    "change",
    [
        {"radiator_id": "a/b"},
        {"radiator_id": 7},
        {"radiator_id": "x" * 65},
        {"count": 0},
        {"count": True},
        {"count": 65},
        {"count": 1.5},
        {"slots": -1},
        {"slots": "1"},
        {"slot_w": 1e30},
        {"slot_w": None},
        {"wanted_s": -1},
        {"capabilities": "wasm32-wasi"},
        {"capabilities": ["x"] * 17},
        {"capabilities": [1]},
    ],
)
async def test_a_wrong_pull_is_refused(
    session: aiohttp.ClientSession, change: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "k"}
    async with session.post("/v1/leases", json={**PULL, **change}, headers=headers) as response:
        assert await problem(response) == 400
    assert len(await pull(session)) == 1


@pytest.mark.parametrize("key", [None, "", "a b", "x" * 65])
async def test_a_pull_needs_a_key(session: aiohttp.ClientSession, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with session.post("/v1/leases", json=PULL, headers=headers) as response:
        assert await problem(response) == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b'{"slots": NaN}', b"[" * 15_000, b"\xff\xfe", b'{"a":1e999}'],
)
async def test_a_body_that_is_no_message_is_refused(
    session: aiohttp.ClientSession, body: bytes
) -> None:
    headers = {"Idempotency-Key": "k"}
    headers["Content-Type"] = "application/json"
    async with session.post("/v1/leases", data=body, headers=headers) as response:
        assert await problem(response) == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("GET", "/v1/modules/" + "0" * 64, None, 404),
        ("GET", "/v1/inputs/" + "0" * 64, None, 404),
        ("GET", "/v1/inputs/../../etc/passwd", None, 404),
        ("GET", "/v1/jobs/none", None, 403),
        ("GET", "/v1/jobs/none/result", None, 403),
        ("POST", "/v1/jobs", {}, 403),
        ("PUT", "/v1/modules/" + "0" * 64, {}, 403),
        ("PUT", "/v1/inputs/" + "0" * 64, {}, 403),
        ("GET", "/v1/settlements", None, 400),
        ("GET", "/v1/settlements?radiator_id=r1&after=no/cursor", None, 400),
        ("DELETE", "/v1/account", None, 405),
        ("POST", f"{LEASE}/renewal", {"cpu_s": 1}, 404),
        ("POST", f"{LEASE}/renewal", {"cpu_s": -1}, 400),
        ("POST", f"{LEASE}/return", {"reason": "stopped"}, 404),
        ("POST", f"{LEASE}/return", {"reason": "bored"}, 400),
        ("POST", f"{LEASE}/return", {"reason": ["stopped"]}, 400),
        ("PUT", f"{LEASE}/result", {"output": "", "energy_j": 0}, 404),
        ("PUT", f"{LEASE}/result", {"output": "*", "energy_j": 0}, 400),
        ("PUT", f"{LEASE}/result", {"output": "", "energy_j": True}, 400),
        ("PUT", f"{LEASE}/result", {"output": "", "energy_j": 1e13}, 400),
        ("POST", f"{LEASE}/renewal", {"cpu_s": 1, "padding": "x" * 20_000}, 413),
        ("PUT", f"{LEASE}/result", {"output": "A" * 12_000_000, "energy_j": 0}, 413),
    ],
)
async def test_a_wrong_request_is_a_problem(
    session: aiohttp.ClientSession, method: str, path: str, body: Any, status: int
) -> None:
    data = None if body is None else BytesIO(json.dumps(body).encode())
    headers = {"Content-Type": "application/json"}
    async with session.request(method, path, data=data, headers=headers) as response:
        assert await problem(response) == status


async def test_a_compressed_body_is_refused_unread(session: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/json"}
    async with session.post(
        f"{LEASE}/renewal", data=b"x" * 9000, headers=headers, compress="gzip"
    ) as response:
        assert await problem(response) == 415


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"this is no HTTP\r\n\r\n",
        b"GET /v1/account HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/account HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_too(
    backend: EmbeddedBackend, request_bytes: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(backend.socket_path)
    writer.write(request_bytes)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert b" 400 Bad Request" in head.partition(b"\r\n")[0]
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == 400


async def test_every_answer_names_the_version_of_the_api(backend: EmbeddedBackend) -> None:
    async with session_at(backend.socket_path, token="wrong") as session:
        for path in ("/v1/openapi.json", "/v1/account", "/v2/account"):
            async with session.get(path) as response:
                assert response.headers["Qheat-Api-Version"] == "1"


async def test_a_body_of_another_type_is_refused(session: aiohttp.ClientSession) -> None:
    async with session.post(f"{LEASE}/renewal", data=b'{"cpu_s": 1}') as response:
        assert await problem(response) == 415


async def test_a_result_of_somebody_elses_job_is_a_conflict(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    backend = embedded(tmp_path, clock=lambda: now[0])
    await backend.start()
    async with session_at(backend.socket_path) as session:
        (first,) = await pull(session, "a")
        now[0] += 1000
        (second,) = await pull(session, "b")
        result = {"output": "aW5wdXQgMA==", "energy_j": 0}
        path = "/v1/leases/{}/result"
        async with session.put(path.format(first["lease_id"]), json=result) as response:
            assert response.status == 200
        async with session.put(path.format(second["lease_id"]), json=result) as response:
            assert await problem(response) == 409
        renewal = f"/v1/leases/{second['lease_id']}/renewal"
        async with session.post(renewal, json={"cpu_s": 0}) as response:
            assert (await response.json())["verdict"] == "cancel"
    await backend.stop()


@pytest.mark.parametrize("is_long", [False, True], ids=["short path", "path too long for sockets"])
async def test_a_backend_starts_again_where_a_killed_one_left_its_socket(
    tmp_path: Path, is_long: bool
) -> None:
    folder = tmp_path / ("x" * 120 if is_long else "x")
    folder.mkdir()
    first, second = embedded(folder), embedded(folder)
    await first.start()
    await second.start()  # as if the first were dead: its socket is there, its database too
    assert stat.S_IMODE((folder / "jobs.sock").stat().st_mode) == 0o600
    async with session_at(second.socket_path) as session:
        assert len(await pull(session)) == 1
    await first.stop()
    await second.stop()
    assert [one.name for one in folder.iterdir()] == ["jobs.db"]
    assert (second.socket_path.parent.resolve() == folder) is not is_long


async def test_a_damaged_database_is_set_aside_whole_and_an_empty_one_begun(tmp_path: Path) -> None:
    damaged = json.dumps({"not": "a database"}) * 100
    (tmp_path / "jobs.db").write_text(damaged)
    for number in (1, 2):
        backend = embedded(tmp_path)
        await backend.start()
        assert backend.set_aside == tmp_path / f"jobs.db.damaged-{number}"
        assert backend.set_aside.read_text() == damaged
        async with session_at(backend.socket_path) as session:
            assert len(await pull(session)) == 1
        await backend.stop()
        (tmp_path / "jobs.db").write_text(damaged)


async def test_a_start_that_is_cut_off_leaves_no_open_database_and_holds_nobody_up(
    tmp_path: Path,
) -> None:
    begun, is_slow_no_more = Event(), Event()

    def check(_: Database) -> None:
        begun.set()
        assert is_slow_no_more.wait(10)

    backend = embedded(tmp_path)
    closing = patch.object(Database, "close", autospec=True, side_effect=Database.close)
    with patch.object(Database, "_check", check), closing as close:
        starting = asyncio.create_task(backend.start())
        await asyncio.to_thread(begun.wait, 10)
        starting.cancel()
        asyncio.get_running_loop().call_later(0.1, is_slow_no_more.set)
        await asyncio.wait([starting])
    assert starting.cancelled()
    close.assert_called_once()


async def test_a_backend_that_cannot_open_its_database_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").mkdir()
    backend = embedded(tmp_path)
    with pytest.raises(StoreError):
        await backend.start()
    assert not backend.socket_path.exists()
    await backend.stop()
