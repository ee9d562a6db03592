"""Many clients at once: what they answer together is not all read in one turn of the loop."""

import asyncio
import time
from collections.abc import AsyncGenerator
from xml.etree.ElementTree import Element

import pytest

from custom_components.qheat.compute.boinc import BoincEngine, engine, rpc
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.replies import ClientStatus
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.engine import HeatBudget
from tests.waiting import until

from .simulated import PASSWORD, SimulatedClient
from .watched import MODEL

COUNT = 20


class Turns:
    """Counts the turns of the loop, and notes in which of them something is done."""

    def __init__(self) -> None:
        self.now = 0
        self.noted: list[int] = []

    async def count(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.now += 1

    def note(self) -> None:
        self.noted.append(self.now)

    @property
    def most(self) -> int:
        """Return how often it was done in one turn, of the first times."""
        return max(map(self.noted[:COUNT].count, self.noted))


@pytest.fixture
async def turns() -> AsyncGenerator[Turns]:
    turns = Turns()
    counter = asyncio.create_task(turns.count())
    yield turns
    counter.cancel()


@pytest.fixture
async def clients(socket_enabled: None) -> AsyncGenerator[list[SimulatedClient]]:
    clients = [SimulatedClient() for _ in range(COUNT)]
    for client in clients:
        await client.start()
    yield clients
    for client in clients:
        await client.stop()


async def test_radiators_that_are_due_at_once_look_in_turns_of_their_own(
    clients: list[SimulatedClient], turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SPREAD_S", 0.0)
    pace = asyncio.Lock()
    engines = [
        BoincEngine("127.0.0.1", c.port, PASSWORD, radiator_id=str(n), model=MODEL, pace=pace)
        for n, c in enumerate(clients)
    ]
    for one in engines:
        await one.start()
    await until(lambda: all(one.status().reachable for one in engines))
    status = BoincClient.status

    async def status_counted(client: BoincClient) -> ClientStatus:
        turns.note()
        return await status(client)

    monkeypatch.setattr(BoincClient, "status", status_counted)
    for one in engines:
        one.set_budget(HeatBudget(power_w=60.0, expires_s=time.monotonic() + 20.0))
    await until(lambda: len(turns.noted) >= COUNT)
    assert turns.most == 1
    for one in engines:
        await one.stop()


async def test_replies_that_come_at_once_are_read_in_turns_of_their_own(
    clients: list[SimulatedClient], turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = asyncio.Lock()
    connections = [RpcConnection("127.0.0.1", c.port, PASSWORD, pace) for c in clients]
    for connection in connections:
        await connection.connect()
    together = asyncio.Barrier(COUNT)
    exchange, parse = RpcConnection._exchange, rpc.parse

    async def exchange_together(connection: RpcConnection, message: bytes) -> bytes:
        reply = await exchange(connection, message)
        await together.wait()
        return reply

    def parse_counted(reply: bytes) -> Element:
        turns.note()
        return parse(reply)

    monkeypatch.setattr(RpcConnection, "_exchange", exchange_together)
    monkeypatch.setattr(rpc, "parse", parse_counted)
    replies = await asyncio.gather(*(BoincClient(c).status() for c in connections))
    assert len(replies) == COUNT
    assert turns.most == 1
    for connection in connections:
        await connection.close()
