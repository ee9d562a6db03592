"""From a job's submission to its settlement: backend, client, engine and locked worker are real.

The home has nothing to do but to burn for warmth, and asks the backend as it does while heat is
wanted. The job gives its input back, so that what is left is the way there and back. With own heat
no job makes way for what else the machine does.
"""

import asyncio
import random
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp

from custom_components.qheat.backend.access import Access
from custom_components.qheat.backend.server import JobServer
from custom_components.qheat.backend.work import HOME, NoCatalogue
from custom_components.qheat.compute.trust import Trust
from tests.backend.tiny import TERMS
from tests.compute.guests import ECHO
from tests.compute.homes import client_of, engine_on, heat, machine_with
from tests.publishing import manifest_of, signed

from .figure import Figure, spread

JOBS: Final = 20
LOOK_S: Final = 0.005
PAUSE_S: Final = (0.0, 1.0)
"""Between two jobs: they come at any moment of the home's asking."""
MODULE_SHA256: Final = sha256(ECHO).hexdigest()
SUBMITTER: Final = "token-of-the-submitter"
HOME_TOKEN: Final = "token-of-the-home"


async def measure(effort: float) -> list[Figure]:
    """Return how long jobs take from being submitted to being leased and settled."""
    leased_s, settled_s, chance = [], [], random.Random(1)
    async with _home() as session:
        await _carry(session, 0)
        for number in range(1, max(round(JOBS * effort), 2) + 1):
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            leased, settled = await _carry(session, number)
            leased_s.append(leased)
            settled_s.append(settled)
    return [
        spread("job submitted → settled, home idle", settled_s),
        spread("of that, submitted → leased", leased_s),
    ]


async def _carry(session: aiohttp.ClientSession, number: int) -> tuple[float, float]:
    """Submit a job and wait for its end; return seconds until it was leased and settled."""
    job = {
        "kind": "echo",
        "module_sha256": MODULE_SHA256,
        "input": b64encode(f"input {number}".encode()).decode(),
        "pay": "0.001",
        "memory_bytes": 1 << 20,
        "cpu_s": 10,
        "output_bytes": 100,
    }
    begun_s = time.perf_counter()
    headers = {"Idempotency-Key": f"job{number}"}
    async with session.post("/v1/jobs", json=job, headers=headers) as response:
        report: dict[str, Any] = await response.json()
    leased_s = None
    while report["state"] in {"queued", "leased"}:
        if leased_s is None and report["leases"]:
            leased_s = time.perf_counter() - begun_s
        await asyncio.sleep(LOOK_S)
        async with session.get(f"/v1/jobs/{report['job_id']}") as response:
            report = await response.json()
    settled_s = time.perf_counter() - begun_s
    assert report["state"] == "settled"
    return leased_s or settled_s, settled_s


@asynccontextmanager
async def _home() -> AsyncIterator[aiohttp.ClientSession]:
    """Let a home with one slot ask a backend for jobs; yield the submitter's session."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qheat-trip-")))
        server = JobServer(
            db_path=folder / "jobs.db",
            access=Access(homes={HOME: HOME_TOKEN}, submitter=SUBMITTER),
            terms=TERMS,
            catalogue=NoCatalogue(),
        )
        stack.push_async_callback(server.close)
        await server.open()
        socket = folder / "jobs.sock"
        await server.listen_unix(socket)
        manifest = manifest_of(MODULE_SHA256)
        publisher = signed(manifest)
        await server.desk.ask(lambda store: store.blobs.upload(MODULE_SHA256, ECHO, time.time()))
        await server.desk.ask(lambda store: store.manifests.keep(publisher, manifest))
        client = await stack.enter_async_context(client_of(socket, HOME_TOKEN))
        machine = await stack.enter_async_context(machine_with())
        trust = Trust([publisher.publisher])
        engine = await stack.enter_async_context(engine_on(client, machine, trust=trust))
        engine.set_budget(heat(for_s=3600.0))
        yield await stack.enter_async_context(
            aiohttp.ClientSession(
                "http://localhost",
                connector=aiohttp.UnixConnector(path=str(socket)),
                headers={"Authorization": f"Bearer {SUBMITTER}"},
            )
        )
