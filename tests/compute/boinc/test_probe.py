"""Trying a client once tells who is there, or what is wrong."""

import asyncio

import pytest

from custom_components.qheat.compute.boinc import BoincError, BoincFault, probe

from .simulated import PASSWORD, SimulatedClient, cpid_of


async def test_a_probe_tells_who_is_there(simulated: SimulatedClient) -> None:
    found = await probe("127.0.0.1", simulated.port, PASSWORD)
    assert (found.version, found.host_name, found.cores) == ("8.2.15", "box", 4)
    assert found.cpid == cpid_of(simulated.port)
    assert simulated.permanent == 2


async def test_a_probe_tells_what_is_wrong(simulated: SimulatedClient) -> None:
    async def fault(host: str, port: int, password: str) -> BoincFault:
        with pytest.raises(BoincError) as caught:
            await probe(host, port, password)
        assert password not in str(caught.value)
        return caught.value.fault

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    assert await fault("127.0.0.1", simulated.port, "wrong one") is BoincFault.WRONG_PASSWORD
    for host, port in (("127.0.0.1", 1), ("127.0.0.1", 99_999), ("127.0.0.1", -1)):
        assert await fault(host, port, PASSWORD) is BoincFault.UNREACHABLE
    simulated.version = (7, 2, 42)
    assert await fault("127.0.0.1", simulated.port, PASSWORD) is BoincFault.TOO_OLD
    simulated.answer = b"220 mail.example ESMTP\r\n\x03"
    assert await fault("127.0.0.1", simulated.port, PASSWORD) is BoincFault.NOT_BOINC
    doorman = await asyncio.start_server(refuse, "127.0.0.1")
    port = doorman.sockets[0].getsockname()[1]
    assert await fault("127.0.0.1", port, PASSWORD) is BoincFault.NOT_ALLOWED
    doorman.close()
    await doorman.wait_closed()
