"""A connection to something that sends what no client should, or when no client should."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from xml.etree.ElementTree import Element

import pytest

from custom_components.qheat.compute.boinc import BoincError, BoincFault, rpc
from custom_components.qheat.compute.boinc.markup import MAX_REPLY_BYTES, text_of
from custom_components.qheat.compute.boinc.rpc import RpcConnection

from .simulated import PASSWORD, SimulatedClient

REPLY = b"<boinc_gui_rpc_reply>\n<authorized/><nonce>1</nonce>\n</boinc_gui_rpc_reply>\n\x03"
BODY = REPLY[:-1]


class Peer:
    """Whatever listens: lets anybody in, and answers each later request with `answers`."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests = 0
        self.hangs_up = False
        self._server: asyncio.Server | None = None
        self._served: list[asyncio.Task[None] | None] = []

    async def start(self) -> RpcConnection:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        connection = RpcConnection("127.0.0.1", self._server.sockets[0].getsockname()[1], "x")
        await connection.connect()
        return connection

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        served = [task for task in self._served if task is not None]
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._served.append(asyncio.current_task())
        try:
            while True:
                await reader.readuntil(b"\x03")
                self.requests += 1
                for answer in [REPLY] if self.requests <= 2 else self.answers:
                    writer.write(answer)
                    await writer.drain()
                    await asyncio.sleep(0.02)
                if self.hangs_up and self.requests > 2:
                    writer.close()
                    return
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def peer(socket_enabled: None) -> AsyncGenerator[Peer]:
    made = Peer()
    yield made
    await made.stop()


async def fault_of(connection: RpcConnection) -> BoincFault:
    with pytest.raises(BoincError) as caught:
        await connection.call_raw("<get_cc_status/>")
    assert not connection.connected
    return caught.value.fault


@pytest.mark.parametrize("by_ipv4", [True, False])
async def test_a_machine_is_reached_whose_ipv6_address_is_silent_and_one_that_has_no_other(
    simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch, by_ipv4: bool
) -> None:
    """A client listens on IPv4 only, and firewalls drop what comes for a port nobody listens at."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as silent,
        socket.socket() as one,
        socket.socket() as other,
    ):
        for fills in (one, other):
            fills.setblocking(False)
            fills.connect_ex(silent.getsockname())
        ports = [silent.getsockname()[1], simulated.port] if by_ipv4 else [simulated.port]

        async def addresses(*_: object, family: int, **__: object) -> list[tuple[object, ...]]:
            if family == socket.AF_INET and not by_ipv4:
                raise socket.gaierror
            found = ports[-1:] if family == socket.AF_INET else ports
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", p)) for p in found]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", addresses)
        monkeypatch.setattr(rpc, "TIMEOUT_S", 3.0)
        connection = RpcConnection("machine", simulated.port, PASSWORD)
        await connection.connect()
        await connection.close()


async def test_a_reply_that_comes_in_pieces_is_put_together(peer: Peer) -> None:
    connection = await peer.start()
    peer.answers = [REPLY[:7], REPLY[7:30], REPLY[30:-1], REPLY[-1:]]
    for _ in range(2):
        assert await connection.call_raw("<get_cc_status/>") == BODY
    await connection.close()


async def test_what_follows_a_reply_is_not_taken_for_the_next_one(peer: Peer) -> None:
    for surplus in (b"<", REPLY):
        peer.requests = 0
        connection = await peer.start()
        peer.answers = [REPLY + surplus]
        assert await fault_of(connection) is BoincFault.BROKEN_REPLY
        await peer.stop()


async def test_what_nobody_asked_for_ends_the_connection(peer: Peer) -> None:
    connection = await peer.start()
    peer.answers = [REPLY, REPLY]
    assert await connection.call_raw("<get_cc_status/>") == BODY
    await asyncio.sleep(0.1)
    assert await fault_of(connection) is BoincFault.UNREACHABLE


async def test_a_reply_without_an_end_is_cut_off(peer: Peer) -> None:
    connection = await peer.start()
    peer.answers = [b"x" * MAX_REPLY_BYTES, b"x", b"x" * MAX_REPLY_BYTES]
    assert await fault_of(connection) is BoincFault.BROKEN_REPLY


async def test_half_a_reply_and_then_the_end_is_a_broken_reply(peer: Peer) -> None:
    connection = await peer.start()
    peer.answers = [REPLY[:20]]
    peer.hangs_up = True
    assert await fault_of(connection) is BoincFault.BROKEN_REPLY


async def test_a_loop_that_is_held_up_while_a_clock_is_asked_for_is_no_clock_that_was_set(
    simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold_up(node: Element, tag: str) -> str:
        time.sleep(0.5)
        return text_of(node, tag)

    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    monkeypatch.setattr(rpc, "CLOCK_SET_S", 0.3)
    monkeypatch.setattr(rpc, "text_of", hold_up)
    for ahead_s in (0.0, 10.0):
        simulated.ahead_s = ahead_s
        assert await connection.clock_was_set() is (ahead_s > 0)
    await connection.close()


async def test_a_client_that_is_held_up_before_it_tells_the_time_has_no_clock_that_was_set(
    simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    monkeypatch.setattr(rpc, "CLOCK_SET_S", 0.3)
    for busy_s, ahead_s in ((0.5, 0.0), (0.0, 0.0), (0.5, 10.0), (0.0, 0.0)):
        simulated.busy_s, simulated.ahead_s = busy_s, ahead_s
        was_ahead_s = round(connection.clock_s() - time.time())
        assert await connection.clock_was_set() is (ahead_s != was_ahead_s)
    await connection.close()


async def test_silence_and_a_reply_that_trickles_end_in_time(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "TIMEOUT_S", 0.2)
    for answers in ([], [b"x"] * 100):
        peer.requests = 0
        connection = await peer.start()
        peer.answers = answers
        async with asyncio.timeout(1):
            assert await fault_of(connection) is BoincFault.UNREACHABLE
        await peer.stop()


async def test_a_connection_that_the_client_closed_meanwhile_is_none(peer: Peer) -> None:
    connection = await peer.start()
    known = [connection.connected]
    await peer.stop()
    await asyncio.sleep(0.1)
    known.append(connection.connected)
    assert known == [True, False]
    await connection.close()


@pytest.mark.parametrize("nonce", [b"nan", b"inf", b"6b86b273ff34"])
async def test_of_a_client_that_does_not_tell_its_clock_ours_is_taken(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, nonce: bytes
) -> None:
    told = REPLY.replace(b"<nonce>1<", b"<nonce>%b<" % nonce)
    monkeypatch.setitem(globals(), "REPLY", told)
    connection = await peer.start()
    assert connection.clock_s() == pytest.approx(time.time(), abs=5.0)
    await connection.close()
    monkeypatch.undo()
    peer.requests = 0
    await peer.stop()
    connection = await peer.start()
    assert connection.clock_s() == pytest.approx(1.0, abs=5.0)
    await connection.close()
