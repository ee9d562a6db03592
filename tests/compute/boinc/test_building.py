"""Many clients at once: what they answer together is not all read in one turn of the loop."""

import asyncio
from xml.etree.ElementTree import Element

import pytest

from custom_components.qheat.compute.boinc import rpc
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.rpc import RpcConnection

from .simulated import PASSWORD, SimulatedClient

COUNT = 20


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
