"""The submitter: brings modules and jobs until they are taken, and checks every result."""

import asyncio
from base64 import b64encode
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from random import Random

import aiohttp

from custom_components.qheat.manifests import Manifest

from ..compute.guests import command
from ..publishing import manifest_of, signed

KIND = "echo"
MEMORY_BYTES = 1 << 20
CPU_S = 60
OUTPUT_BYTES = 1000
SHORT_TURNS, LONG_TURNS = 20_000_000, 5_000_000_000
RENEWED_TURNS = 4 * LONG_TURNS
"""A long job may be done on a fast machine before its lease is renewed; this one is not."""

# The first eight bytes of the input say for how many turns to compute before giving it back.
_MODULE = command(
    """(local $left i64)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 65000))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (local.set $left (i64.load (i32.const 64)))
    (loop $turn
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (i64.store (i32.const 16) (local.get $left))
      (br_if $turn (i64.gt_s (i64.load (i32.const 16)) (i64.const 0))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the submitter remembers it."""

    job_id: str
    input_data: bytes
    pay: Decimal


class Submitter:
    """Asks until it is answered: each call may be cut off, and may be repeated."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, chance: Random):
        self.jobs: list[Job] = []
        self._session = session
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._chance = chance
        self._module = b""
        self._keys = 0

    async def new_module(self) -> None:
        """Bring another module: the same code with another hash."""
        name = self._chance.randbytes(8).hex().encode()
        module = _MODULE + bytes([0, len(name) + 1, len(name)]) + name  # a custom section
        digest = sha256(module).hexdigest()
        await self._insist("PUT", f"modules/{digest}", data=module)
        manifest: Manifest = manifest_of(digest)
        await self._insist(
            "PUT", f"modules/{digest}/manifest", json=dict(signed(manifest).to_message())
        )
        self._module = module

    async def submit(self, turns: int) -> None:
        """Bring a job with a pay of its own, so that no two jobs make up for each other."""
        self._keys += 1
        data = turns.to_bytes(8, "little") + self._chance.randbytes(24)
        pay = Decimal(self._chance.randrange(1, 10**7)).scaleb(-9)
        message = {
            "kind": KIND,
            "module_sha256": sha256(self._module).hexdigest(),
            "input": b64encode(data).decode(),
            "pay": str(pay),
            "memory_bytes": MEMORY_BYTES,
            "cpu_s": CPU_S,
            "output_bytes": OUTPUT_BYTES,
        }
        headers = {"Idempotency-Key": f"job-{self._keys}"}
        report = await self._insist("POST", "jobs", json=message, headers=headers)
        self.jobs.append(Job(job_id=report["job_id"], input_data=data, pay=pay))

    async def result(self, job_id: str) -> bytes:
        """Return the result of a settled job."""
        async with self._session.get(
            f"{self._url}/v1/jobs/{job_id}/result", headers=self._headers
        ) as response:
            response.raise_for_status()
            return await response.read()

    async def _insist(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None = None,
        json: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, str]:
        """Ask until there is an answer; raises for one that says no for good."""
        if data is not None:
            headers = {"Content-Type": "application/octet-stream"}
        while True:
            try:
                async with self._session.request(
                    method,
                    f"{self._url}/v1/{path}",
                    data=data,
                    json=json,
                    headers=self._headers | (headers or {}),
                    timeout=aiohttp.ClientTimeout(total=30),
                ) as response:
                    if response.status < 500:
                        response.raise_for_status()
                        return {} if response.status == 204 else await _told(response)
            except TimeoutError, OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError:
                pass
            await asyncio.sleep(0.2)


async def _told(response: aiohttp.ClientResponse) -> dict[str, str]:
    text = await response.read()
    if not text:
        return {}
    message: dict[str, str] = await response.json()
    return message
