"""The client among backends that are wrong, hostile, slow or gone."""

import asyncio
import gzip
import json
import logging
import re
import tracemalloc
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from compression import zstd
from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.qheat import wire
from custom_components.qheat.compute import client as client_module
from custom_components.qheat.compute import messages
from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem, Settlement
from custom_components.qheat.compute.messages import GiveBackReason, PullRequest
from custom_components.qheat.wire import FieldError, read_object

from .homes import TOKEN, client_of
from .hostile import answering, http, say

REQUEST = PullRequest(radiator_id="r", key="k", count=2, slots=2, slot_w=100.0, wanted_s=60.0)
JOB = {
    "kind": "echo",
    "module_sha256": "a" * 64,
    "input_sha256": "b" * 64,
    "pay": "0.001",
    "repayment_per_kwh": "0.25",
    "memory_bytes": 1000,
    "cpu_s": 1.0,
    "output_bytes": 10,
}
LEASE = {"lease_id": "l", "ttl_s": 60.0, "job": JOB}
SETTLEMENT = {
    "settlement_id": "s",
    "radiator_id": "r",
    "kind": "echo",
    "accepted": True,
    "earned": "0.001",
    "repaid": "0.0000001",
    "energy_j": 12.5,
    "currency": "EUR",
    "settled_at": 1_800_000_000.0,
    "anything": "else",
}


async def problem_with(folder: Path, answer: bytes, **options: bool) -> BackendError:
    """Return how the client takes such an answer to a request for its account."""
    async with answering(folder, answer, **options) as path, client_of(path) as client:
        with pytest.raises(BackendError) as caught:
            await client.account()
    return caught.value


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", EngineProblem.BACKEND_UNREACHABLE),
        (b"\x00\xff garbage\r\n\r\n", EngineProblem.BACKEND_FAULTY),
        (http(b"<html>"), EngineProblem.BACKEND_FAULTY),
        (http(b"[]"), EngineProblem.BACKEND_FAULTY),
        (http(b"{" * 100_000), EngineProblem.BACKEND_FAULTY),
        (http(b'{"balance": ' + b"9" * 10_000 + b"}"), EngineProblem.BACKEND_FAULTY),
        (say({"currency": "EUR", "balance": 1.0}), EngineProblem.BACKEND_FAULTY),
        (http(b"{}", "500 Oh"), EngineProblem.BACKEND_FAULTY),
        (http(b"{}", "401 No"), EngineProblem.BACKEND_REFUSED),
        (http(b"{}", "403 No"), EngineProblem.BACKEND_REFUSED),
        (
            http(b"", "302 Go", "Location: http://localhost/v1/account\r\n"),
            EngineProblem.BACKEND_FAULTY,
        ),
        (http(b"{}").replace(b": 2", b": 20"), EngineProblem.BACKEND_UNREACHABLE),  # cut off
        (http(b"{}").replace(b": 2", b": -2"), EngineProblem.BACKEND_FAULTY),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", EngineProblem.BACKEND_FAULTY),
        (http(b" " * 2_000_000), EngineProblem.BACKEND_FAULTY),
        (http(b"\x1f\x8b\x08", headers="Content-Encoding: gzip\r\n"), EngineProblem.BACKEND_FAULTY),
    ],
)
async def test_a_wrong_answer_is_a_clear_problem(
    tmp_path: Path, answer: bytes, problem: EngineProblem
) -> None:
    assert (await problem_with(tmp_path, answer)).problem is problem


async def test_an_answer_without_end_is_given_up_at_its_limit(tmp_path: Path) -> None:
    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            writer.close()

    path = tmp_path / "flood.sock"
    async with await asyncio.start_unix_server(flood, path), client_of(path) as client:
        with pytest.raises(BackendError) as caught:
            await client.module("0" * 64)
    assert caught.value.problem is EngineProblem.BACKEND_FAULTY


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br", "gzip, gzip"])
async def test_a_compression_bomb_is_refused_without_being_opened(
    tmp_path: Path, encoding: str
) -> None:
    plain = b'{"leases": [' + b" " * (32 << 20) + b"]}"
    bombs = {"deflate": zlib.compress(plain), "zstd": zstd.compress(plain)}
    bomb = bombs.get(encoding) or gzip.compress(plain)
    answer = http(bomb, headers=f"Content-Encoding: {encoding}\r\n")
    async with answering(tmp_path, answer) as path, client_of(path) as client:
        asks: list[Awaitable[object]] = [
            client.account(),
            client.pull(REQUEST, 0),
            client.module(sha256(plain).hexdigest()),
        ]
        tracemalloc.start()
        try:
            for ask in asks:
                with pytest.raises(BackendError) as caught:
                    await ask
                assert caught.value.problem is EngineProblem.BACKEND_FAULTY
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 4 << 20


async def test_a_backend_that_never_answers_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_SILENCE_S", 0.2)
    error = await problem_with(tmp_path, b"HTTP/1.1 200", hang=True)
    assert error.problem is EngineProblem.BACKEND_UNREACHABLE


async def test_a_backend_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    async with client_of(tmp_path / "nobody.sock") as client:
        with pytest.raises(BackendError) as caught:
            await client.account()
    assert caught.value.problem is EngineProblem.BACKEND_UNREACHABLE


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("1e99", 600.0), ("-1", None), ("nan", None), ("soon", None)],
)
async def test_a_wish_to_be_left_alone_is_heard_within_bounds(
    tmp_path: Path, header: str, seconds: float | None
) -> None:
    answer = http(b"", "503 Later", f"Retry-After: {header}\r\n")
    assert (await problem_with(tmp_path, answer)).retry_after_s == seconds


async def test_what_many_jobs_need_at_once_is_fetched_once(tmp_path: Path) -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(b"", "503 Later") if asked == 1 else http(b"module"))
        await writer.drain()
        writer.close()

    path = tmp_path / "counting.sock"
    async with await asyncio.start_unix_server(answer, path), client_of(path) as client:
        digest = sha256(b"module").hexdigest()
        found = await asyncio.gather(
            *[client.module(digest) for _ in range(8)], return_exceptions=True
        )
        assert asked == 2  # whoever asked first was refused
        assert found.count(b"module") == 7
        assert not client._fetching


async def test_modules_are_kept_up_to_a_limit_those_used_last_the_longest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_KEPT_BYTES", 20)
    modules = {sha256(one).hexdigest(): one for one in (b"a" * 10, b"b" * 10, b"c" * 10)}
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        module = modules[head.split(b"/")[3][:64].decode()]
        asked.append(module[:1])
        writer.write(http(module))
        await writer.drain()
        writer.close()

    a, b, c = modules
    path = tmp_path / "modules.sock"
    async with await asyncio.start_unix_server(answer, path), client_of(path) as client:
        for digest in (a, b, a, c, a, b):
            assert await client.module(digest) == modules[digest]
    assert asked == [b"a", b"b", b"c", b"b"]


async def test_the_inputs_of_jobs_that_are_done_take_no_memory(tmp_path: Path) -> None:
    """Each is one job's own: they were kept beside the modules, up to 64 MiB of them."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(http(inputs[head.split(b"/")[3][:64].decode()]))
        await writer.drain()
        writer.close()

    inputs = {sha256(one).hexdigest(): one for one in (bytes([n]) * 1_000_000 for n in range(20))}
    path = tmp_path / "inputs.sock"
    async with await asyncio.start_unix_server(answer, path), client_of(path) as client:
        tracemalloc.start()
        try:
            for digest, one in inputs.items():
                assert await client.input_data(digest) == one
            held_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held_bytes < 5_000_000


async def test_bytes_with_another_hash_are_refused(tmp_path: Path) -> None:
    async with answering(tmp_path, http(b"evil")) as path, client_of(path) as client:
        with pytest.raises(BackendError) as caught:
            await client.module(sha256(b"good").hexdigest())
        assert caught.value.problem is EngineProblem.BACKEND_FAULTY
        assert await client.module(sha256(b"evil").hexdigest()) == b"evil"
    async with client_of(path) as gone:
        gone._modules = client._modules
        assert await gone.module(sha256(b"evil").hexdigest()) == b"evil"


def changed(message: Any, path: str, value: object) -> Any:
    """Return a copy of `message` whose field at `path` has another value."""
    copy = json.loads(json.dumps(message))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place[parent]
    place[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lease_id", "../../etc"),
        ("lease_id", "x" * 65),
        ("lease_id", None),
        ("ttl_s", True),
        ("ttl_s", -1),
        ("ttl_s", 1e300),
        ("ttl_s", "60"),
        ("job", []),
        ("job.kind", "a b"),
        ("job.module_sha256", "A" * 64),
        ("job.input_sha256", "a" * 63),
        ("job.pay", 0.001),
        ("job.pay", "-1"),
        ("job.pay", "NaN"),
        ("job.pay", "1e9"),
        ("job.pay", "9" * 30),
        ("job.pay", "1000000.01"),
        ("job.repayment_per_kwh", "-0.1"),
        ("job.repayment_per_kwh", "1000000.01"),
        ("job.repayment_per_kwh", None),
        ("job.memory_bytes", 1.5),
        ("job.memory_bytes", 1 << 60),
        ("job.cpu_s", 0),
        ("job.output_bytes", -1),
        ("job.count_fuel", 1),
        ("job.count_fuel", None),
    ],
)
def test_a_lease_with_a_wrong_field_is_refused(path: str, value: object) -> None:
    with pytest.raises(FieldError):
        messages.read_leases({"leases": [changed(LEASE, path, value)]}, 2)


def test_more_leases_than_asked_for_or_one_twice_are_refused() -> None:
    several: list[object] = [[LEASE] * 3, [LEASE] * 2, [LEASE, "lease"], {}]
    for leases in several:
        with pytest.raises(FieldError):
            messages.read_leases({"leases": leases}, 2)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settlement_id", ""),
        ("radiator_id", "another"),
        ("accepted", 1),
        ("earned", "-0.1"),
        ("repaid", 1),
        ("energy_j", -1),
        ("energy_j", 1e13),
        ("currency", "euro"),
        ("settled_at", 1e12),
    ],
)
def test_a_settlement_with_a_wrong_field_is_refused(path: str, value: object) -> None:
    with pytest.raises(FieldError):
        messages.read_settlement(changed(SETTLEMENT, path, value), "r")


def test_bytes_are_no_more_than_they_may_be() -> None:
    for size in range(6):
        message = {"data": b64encode(bytes(size)).decode()}
        assert wire.data(message, "data", size) == bytes(size)
        with pytest.raises(FieldError):
            wire.data(message, "data", size - 1)


def test_money_is_exact() -> None:
    settlement = messages.read_settlement(SETTLEMENT, "r")
    assert settlement.earned + settlement.repaid == Decimal("0.0010001")


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_an_error(body: bytes) -> None:
    try:
        message = read_object(body)
    except FieldError:
        return
    assert isinstance(message, dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*LEASE, *JOB, *SETTLEMENT, "verdict", "cursor"]), JSON))
def test_any_message_is_understood_or_refused(message: dict[str, object]) -> None:
    readers: list[Callable[[dict[str, object]], object]] = [
        lambda one: messages.read_leases({"leases": [one]}, 2),
        lambda one: messages.read_leases({"leases": [{**LEASE, "job": {**JOB, **one}}]}, 2),
        lambda one: messages.read_settlement({**SETTLEMENT, **one}, "r"),
        lambda one: messages.read_settlements(one, "r"),
        messages.read_renewal,
        messages.read_account,
    ]
    for reader in readers:
        with suppress(FieldError):
            reader(message)


@pytest.mark.parametrize("status", ["404 Gone", "409 Lost", "410 Gone"])
async def test_a_lease_that_is_gone_ends_everything_quietly(tmp_path: Path, status: str) -> None:
    gone = http(b"", status, "Qheat-Api-Version: 1\r\n")
    async with answering(tmp_path, gone) as path, client_of(path) as client:
        assert await client.renew("l", 0.0) is None
        assert await client.deliver("l", "r", b"", 0.0) is None
        await client.give_back("l", GiveBackReason.STOPPED)


async def test_leases_come_with_the_time_to_ask_again(tmp_path: Path) -> None:
    body = json.dumps({"leases": [LEASE]}).encode()
    answer = http(body, headers="Retry-After: 5\r\n")
    async with answering(tmp_path, answer) as path, client_of(path) as client:
        pulled = await client.pull(REQUEST, 0)
    assert pulled.retry_after_s == 5
    assert [lease.lease_id for lease in pulled.leases] == ["l"]


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://localhost", "localhost", "http://[::2]", "http:/"]
)
async def test_a_backend_off_this_machine_needs_https(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="https"):
            JobClient(session, url, TOKEN)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@example.com",
        "https://user@example.com",
        "https://:secret@example.com",
        "https://example.com?a=b",
        "https://example.com/path#part",
        "https:/path",
    ],
)
async def test_an_address_with_more_or_less_than_a_place_is_refused_untold(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="no more") as caught:
            JobClient(session, url, TOKEN)
        assert "secret" not in str(caught.value)


async def test_a_session_that_is_closed_is_a_clear_problem(tmp_path: Path) -> None:
    async with client_of(tmp_path / "none.sock") as client:
        pass
    with pytest.raises(BackendError) as caught:
        await client.account()
    assert caught.value.problem is EngineProblem.BACKEND_FAULTY


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "é", "x" * 513])
async def test_a_token_that_fits_no_header_is_refused_without_being_told(token: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="visible ASCII") as caught:
            JobClient(session, "https://example.com", token)
        assert not token or token not in str(caught.value)


def traces(error: BaseException | None) -> str:
    """Return all that an exception tells, with what it was caused by."""
    text = ""
    while error is not None:
        text += f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        http(json.dumps({"detail": TOKEN}).encode(), f"401 {TOKEN}"),
        http(TOKEN.encode()),
        http(json.dumps({"currency": TOKEN}).encode()),
        http(b"").replace(b": 0", f": {TOKEN}".encode()),
    ],
)
async def test_the_token_is_never_told(
    tmp_path: Path, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with answering(tmp_path, answer) as path, client_of(path) as client:
        assert TOKEN not in repr(client)
        asks: list[Awaitable[object]] = [client.account(), client.module("0" * 64)]
        for ask in asks:
            with pytest.raises(BackendError) as caught:
                await ask
            assert TOKEN not in traces(caught.value)
    assert TOKEN not in caplog.text


async def test_a_large_result_arrives_whole(tmp_path: Path) -> None:
    answer = say(SETTLEMENT)
    async with answering(tmp_path, answer) as path, client_of(path) as client:
        settlement = await client.deliver("l", "r", b"x" * wire.MOST_OUTPUT_BYTES, 1.0)
    assert isinstance(settlement, Settlement)
    assert settlement.settlement_id == "s"


@pytest.mark.parametrize("page", [http(b"<html>"), say({**SETTLEMENT, "radiator_id": "other"})])
async def test_what_says_nothing_of_a_result_has_not_taken_it(tmp_path: Path, page: bytes) -> None:
    async with answering(tmp_path, page) as path, client_of(path) as client:
        with pytest.raises(BackendError):
            await client.deliver("l", "r", b"", 1.0)


async def test_over_a_slow_line_a_module_comes_and_a_result_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_SILENCE_S", 0.5)
    module = b"m" * 1_000_000

    async def creep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        for _ in range(5 if length else 0):
            await asyncio.sleep(0.2)
            await reader.readexactly(int(length[1]) // 5 if length else 0)
        answer = say(SETTLEMENT) if length else http(module)
        for start in range(0, len(answer), 200_000):
            writer.write(answer[start : start + 200_000])
            await writer.drain()
            await asyncio.sleep(0.2)
        writer.close()

    path = tmp_path / "slow.sock"
    async with await asyncio.start_unix_server(creep, path), client_of(path) as client:
        assert await client.module(sha256(module).hexdigest()) == module
        output = b"x" * wire.MOST_OUTPUT_BYTES
        assert isinstance(await client.deliver("l", "r", output, 1.0), Settlement)


async def test_a_result_that_a_tunnel_has_taken_may_still_be_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_SILENCE_S", 0.5)

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"1.0}")
        await asyncio.sleep(1.0)
        writer.write(say(SETTLEMENT))
        await writer.drain()
        writer.close()

    path = tmp_path / "tunnel.sock"
    server = await asyncio.start_unix_server(hold, path, limit=1_000_000)
    async with server, client_of(path) as client:
        assert isinstance(await client.deliver("l", "r", b"x" * 100_000, 1.0), Settlement)
