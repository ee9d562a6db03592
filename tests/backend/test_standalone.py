"""The backend as a process of its own, ended politely and with kill -9."""

import asyncio
import contextlib
import signal
import sqlite3
from asyncio.subprocess import Process
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

from custom_components.qheat.backend import catalogue
from custom_components.qheat.compute.client import BackendError
from custom_components.qheat.compute.messages import PullRequest
from tests.compute.homes import TOKEN, client_of
from tests.waiting import until

from .processes import end, start

REQUEST = PullRequest(radiator_id="r1", key="k", count=1, slots=1, slot_w=100.0, wanted_s=60.0)


@contextlib.asynccontextmanager
async def process_in(folder: Path) -> AsyncIterator[Process]:
    """Yield a backend's process that answers; it is dead afterwards."""
    (folder / "token").write_text(f"{TOKEN}\n")
    process = await start(
        *("--socket", folder / "jobs.sock"),
        *("--database", folder / "jobs.db"),
        *("--token-file", folder / "token"),
    )
    try:
        await answering(folder, process)
        yield process
    finally:
        await end(process)


async def answering(folder: Path, process: Process) -> None:
    async with asyncio.timeout(60), client_of(folder / "jobs.sock") as client:
        while process.returncode is None:
            with contextlib.suppress(BackendError):
                await client.account()
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the backend did not start")


def settled(folder: Path) -> int:
    """Return how many settlements are in the database, whoever else has it open."""
    database = sqlite3.connect(folder / "jobs.db")
    try:
        (count,) = database.execute("SELECT count(*) FROM settlements").fetchone()
        return int(count)
    finally:
        database.close()


async def test_it_ends_cleanly_when_asked_to(tmp_path: Path) -> None:
    async with process_in(tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    assert not (tmp_path / "jobs.sock").exists()


async def test_killed_between_delivery_and_reply_it_settles_once(tmp_path: Path) -> None:
    output = b"price=1\nerror=1\n"
    async with process_in(tmp_path) as process, client_of(tmp_path / "jobs.sock") as client:
        (lease,) = (await client.pull(REQUEST, 0)).leases
        assert lease.kind in catalogue.MODULES
        body = b'{"energy_j":0,"output":"%s"}' % b64encode(output)
        reader, writer = await asyncio.open_unix_connection(tmp_path / "jobs.sock")
        writer.write(
            b"PUT /v1/leases/%s/result HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (lease.lease_id.encode(), TOKEN.encode(), len(body), body)
        )
        await until(lambda: settled(tmp_path))
        process.kill()  # and nobody has read the reply
        await process.wait()
        writer.close()
        del reader
    async with process_in(tmp_path), client_of(tmp_path / "jobs.sock") as client:
        again = await client.deliver(lease.lease_id, "r1", output, 0.0)
        page = await client.settlements("r1", None)
        assert page.settlements == (again,)
        assert (await client.pull(REQUEST, 0)).leases == ()
    assert settled(tmp_path) == 1


async def test_a_lease_survives_the_death_of_the_backend(tmp_path: Path) -> None:
    async with process_in(tmp_path), client_of(tmp_path / "jobs.sock") as client:
        (lease,) = (await client.pull(REQUEST, 0)).leases
    async with process_in(tmp_path), client_of(tmp_path / "jobs.sock") as client:
        (same,) = (await client.pull(REQUEST, 0)).leases
        assert same.lease_id == lease.lease_id
        ttl_s = await client.renew(lease.lease_id, 1.0)
        assert ttl_s is not None
        assert ttl_s >= same.ttl_s
