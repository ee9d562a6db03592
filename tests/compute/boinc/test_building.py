"""Many clients at once: what they answer together is not all read in one turn of the loop."""

import asyncio
import time
from xml.etree.ElementTree import Element

import pytest

from custom_components.qheat.compute.boinc import BoincEngine, engine, rpc
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.replies import ClientStatus
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.engine import HeatBudget, PowerModel

from .simulated import PASSWORD, SimulatedClient

COUNT = 20
MODEL = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)


@pytest.mark.usefixtures("socket_enabled")
async def test_radiators_that_are_due_at_once_look_in_turns_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "SPREAD_S", 0.0)
    clients = [SimulatedClient() for _ in range(COUNT)]
    for client in clients:
        await client.start()
    pace = asyncio.Lock()
    engines = [
        BoincEngine("127.0.0.1", c.port, PASSWORD, radiator_id=str(n), model=MODEL, pace=pace)
        for n, c in enumerate(clients)
    ]
    for one in engines:
        await one.start()
    async with asyncio.timeout(30):
        while not all(one.status().reachable for one in engines):
            await asyncio.sleep(0.01)
    turn, looked_in = 0, list[int]()
    status = BoincClient.status

    async def count() -> None:
        nonlocal turn
        while True:
            await asyncio.sleep(0)
            turn += 1

    async def status_counted(client: BoincClient) -> ClientStatus:
        looked_in.append(turn)
        return await status(client)

    monkeypatch.setattr(BoincClient, "status", status_counted)
    counter = asyncio.create_task(count())
    for one in engines:
        one.set_budget(HeatBudget(power_w=60.0, expires_s=time.monotonic() + 20.0))
    async with asyncio.timeout(30):
        while len(looked_in) < COUNT:
            await asyncio.sleep(0.01)
    counter.cancel()
    first = looked_in[:COUNT]
    assert max(first.count(one) for one in first) == 1
    for one in engines:
        await one.stop()
    for client in clients:
        await client.stop()


@pytest.mark.usefixtures("socket_enabled")
async def test_replies_that_come_at_once_are_read_in_turns_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = [SimulatedClient() for _ in range(COUNT)]
    for client in clients:
        await client.start()
    pace = asyncio.Lock()
    connections = [RpcConnection("127.0.0.1", c.port, PASSWORD, pace) for c in clients]
    for connection in connections:
        await connection.connect()
    turn, read_in, arrived = 0, list[int](), 0
    all_there = asyncio.Event()
    exchange, parse = RpcConnection._exchange, rpc.parse

    async def count() -> None:
        nonlocal turn
        while True:
            await asyncio.sleep(0)
            turn += 1

    async def exchange_together(connection: RpcConnection, message: bytes) -> bytes:
        nonlocal arrived
        reply = await exchange(connection, message)
        arrived += 1
        if arrived == COUNT:
            all_there.set()
        await all_there.wait()
        return reply

    def parse_counted(reply: bytes) -> Element:
        read_in.append(turn)
        return parse(reply)

    monkeypatch.setattr(RpcConnection, "_exchange", exchange_together)
    monkeypatch.setattr(rpc, "parse", parse_counted)
    counter = asyncio.create_task(count())
    replies = await asyncio.gather(*(BoincClient(c).status() for c in connections))
    counter.cancel()
    assert len(replies) == COUNT
    assert max(read_in.count(one) for one in read_in) == 1
    for connection in connections:
        await connection.close()
    for client in clients:
        await client.stop()
