"""Leases pulled and settled, against a bare echo of the same bytes.

A lease's life is three requests: pull, fetch the input, deliver. Backend and client are the real
ones, as inside Home Assistant: one process, one event loop, a unix socket, SQLite on disk. The echo
is an aiohttp server and an aiohttp client that send and answer the same bodies on the same paths,
and do nothing else. They take turns, so that what else the machine does meets both.
"""

import asyncio
import itertools
import json
import statistics
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.messages import PullRequest
from tests.backend.tiny import TinyCatalogue
from tests.compute.homes import RADIATOR, TOKEN, client_of, serving

from .figure import Figure

ROUNDS: Final = 7
IN_A_ROUND: Final = 64
AT_ONCE: Final = (1, 8)

_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request's method, path and body, and the body of its answer."""

    method: str
    path: str
    sent: bytes
    answer: bytes


async def measure(effort: float) -> list[Figure]:
    """Return leases per second and their share of the echo's, one at a time and several at once."""
    rounds, count = max(round(ROUNDS * effort), 2), max(round(IN_A_ROUND * effort), 8)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qheat-leases-")))
        backend = await stack.enter_async_context(serving(folder, TinyCatalogue()))
        client = await stack.enter_async_context(client_of(backend.socket_path))
        session = await stack.enter_async_context(_session(backend.socket_path))
        exchanges = await _record(session)
        bare = await stack.enter_async_context(_echo(folder / "echo.sock", exchanges))
        figures = []
        for at_once in AT_ONCE:
            ours, echoes = [], []
            for _ in range(rounds):
                ours.append(await _rate(lambda: _lease(client), count, at_once))
                echoes.append(await _rate(lambda: _bare(bare, exchanges), count, at_once))
            figures.append(_figure(at_once, ours, echoes))
        return figures


def _figure(at_once: int, ours: list[float], echoes: list[float]) -> Figure:
    lost = statistics.median(echo / own for own, echo in zip(ours, echoes, strict=True))
    return Figure(
        name=f"leases pulled and settled, {at_once} at once",
        value=f"{statistics.median(ours):.0f} per second; a bare echo of the same bytes "
        f"{statistics.median(echoes):.0f}, {lost:.1f} times as many",
    )


async def _rate(work: Callable[[], Awaitable[None]], count: int, at_once: int) -> float:
    """Return how often a second `work` was done, by `at_once` tasks."""

    async def one_after_another() -> None:
        for _ in range(count // at_once):
            await work()

    begun_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())
    return count // at_once * at_once / (time.perf_counter() - begun_s)


async def _lease(client: JobClient) -> None:
    request = PullRequest(
        radiator_id=RADIATOR, key=f"key{next(_numbers)}", count=1, slots=1, slot_w=50, wanted_s=600
    )
    (lease,) = (await client.pull(request, 20)).leases
    data = await client.input_data(lease.input_sha256)
    assert await client.deliver(lease.lease_id, RADIATOR, data, 1.0) is not None


async def _bare(session: aiohttp.ClientSession, exchanges: list[Exchange]) -> None:
    for one in exchanges:
        async with session.request(one.method, one.path, data=one.sent) as response:
            assert await response.read() == one.answer


async def _record(session: aiohttp.ClientSession) -> list[Exchange]:
    """Carry one lease through by hand; return what went over the wire."""
    wish = {"radiator_id": RADIATOR, "count": 1, "slots": 1, "slot_w": 50, "wanted_s": 600}
    pull = await _ask(session, "POST", "/v1/leases", wish | {"capabilities": ["wasm32-wasi"]})
    (lease,) = json.loads(pull.answer)["leases"]
    data = await _ask(session, "GET", f"/v1/inputs/{lease['job']['input_sha256']}")
    result = {"output": b64encode(data.answer).decode(), "energy_j": 1.0}
    path = f"/v1/leases/{lease['lease_id']}/result"
    return [pull, data, await _ask(session, "PUT", path, result)]


async def _ask(
    session: aiohttp.ClientSession, method: str, path: str, message: object = None
) -> Exchange:
    sent = b"" if message is None else json.dumps(message).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "recorded"}
    async with session.request(method, path, data=sent, headers=headers) as response:
        response.raise_for_status()
        return Exchange(method=method, path=path, sent=sent, answer=await response.read())


@asynccontextmanager
async def _echo(path: Path, exchanges: list[Exchange]) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve the recorded answers; yield a session that asks for them."""
    answers = {one.path: one.answer for one in exchanges}

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=answers[request.path])

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.UnixSite(runner, path).start()
        async with _session(path) as session:
            yield session
    finally:
        await runner.cleanup()


def _session(path: Path) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        "http://localhost",
        connector=aiohttp.UnixConnector(path=str(path)),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
