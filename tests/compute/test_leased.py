"""One lease's life, of a backend that answers as it likes; the machine computes nothing."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, override

import aiohttp

from custom_components.qheat.compute.client import BackendError, JobClient
from custom_components.qheat.compute.engine import EngineProblem, Settlement
from custom_components.qheat.compute.leased import LeasedJob
from custom_components.qheat.compute.machine import Machine, WorkResult
from custom_components.qheat.compute.messages import GiveBackReason, Pending, read_leases
from custom_components.qheat.compute.trust import Trust
from tests.waiting import until

from .homes import RADIATOR, TOKEN
from .test_client import LEASE


class Moody(JobClient):
    """A client of a backend that twice wants no renewal for ten minutes."""

    renewals = 0

    @override
    async def module(self, sha256_hex: str) -> bytes:
        return b""

    @override
    async def input_data(self, sha256_hex: str) -> bytes:
        return b""

    @override
    async def renew(self, lease_id: str, cpu_s: float) -> float | None:
        self.renewals += 1
        if self.renewals <= 2:
            raise BackendError(
                EngineProblem.BACKEND_FAULTY, "later", status=503, retry_after_s=600.0
            )
        return 100.0

    @override
    async def deliver(self, *_: Any, **__: Any) -> Settlement | Pending | None:
        return Pending()

    @override
    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        raise AssertionError("the lease is not given back")


class Idle(Machine):
    """A machine whose jobs end when they are told to."""

    def __init__(self, module_sha256: str) -> None:
        super().__init__(1, modules=[module_sha256])
        self.told = asyncio.Event()

    @override
    async def run(
        self, *_: Any, used: Callable[[float], None] | None = None, **__: Any
    ) -> WorkResult:
        assert used is not None
        used(5.0)
        await self.told.wait()
        return WorkResult(output=b"", cpu_s=6.0)


async def test_a_backend_that_wants_no_renewal_for_longer_than_the_lease_costs_no_work() -> None:
    (lease,) = read_leases({"leases": [{**LEASE, "ttl_s": 3.0}]}, 1)
    machine = Idle(lease.module_sha256)
    told: list[EngineProblem | None] = []
    async with aiohttp.ClientSession() as session:
        client = Moody(session, "http://localhost", TOKEN)
        job = LeasedJob(
            client,
            machine,
            RADIATOR,
            lease,
            slot_w=1.0,
            trust=Trust(),
            random=Random(1),
            report=told.append,
        )
        running = asyncio.create_task(job.run())
        await until(lambda: client.renewals == 3 or running.done())
        machine.told.set()

        assert await running
        assert job.lost_s == 0
        assert EngineProblem.BACKEND_FAULTY in told
