"""A catalogue as small as can be: a job is to give its input back."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from custom_components.qheat.backend.access import Access
from custom_components.qheat.backend.catalogue import Offer
from custom_components.qheat.backend.server import JobServer
from custom_components.qheat.backend.store import Store
from custom_components.qheat.backend.work import (
    HOME,
    Delivery,
    NoCatalogue,
    Settlement,
    Submission,
    Terms,
)

MODULE = b"\0asm echo"
PAY = Decimal("0.000123")
TERMS = Terms(currency="EUR", repayment_per_kwh=Decimal("0.25"))
OUTPUT_BYTES = 1000


class TinyCatalogue:
    """Has `jobs` jobs, or as many as are asked for; input 0 asks for output 0."""

    def __init__(self, jobs: int | None = None, module: bytes = MODULE) -> None:
        self.jobs = jobs
        self._module = module
        self.MODULES: Mapping[str, str] = {"echo": sha256(module).hexdigest()}

    def load_module(self, kind: str) -> bytes:
        assert kind == "echo"
        return self._module

    def offer(self, number: int) -> Offer | None:
        if self.jobs is not None and number >= self.jobs:
            return None
        return Offer(
            number=number,
            kind="echo",
            module_sha256=self.MODULES["echo"],
            input_data=f"input {number}".encode(),
            memory_bytes=1 << 20,
            cpu_s=10.0,
            output_bytes=OUTPUT_BYTES,
            pay=PAY,
        )

    def check_output(self, kind: str, input_data: bytes, output: bytes) -> str | None:
        assert kind == "echo"
        return None if output == input_data else "not the input"


def deliver(store: Store, lease_id: str, output: bytes, energy_j: float, now: float) -> Settlement:
    """Deliver a result that nobody else has to confirm."""
    delivery = Delivery(output=output, energy_j=energy_j)
    settled = store.deliver(HOME, lease_id, delivery, now)
    assert isinstance(settled, Settlement)
    return settled


def submission(key: str, module: bytes, body: bytes, **changes: Any) -> Submission:
    """Return a job of a module whose input is `body`."""
    values: dict[str, Any] = {
        "kind": "echo",
        "pay": PAY,
        "repayment_per_kwh": None,
        "memory_bytes": 1 << 20,
        "cpu_s": 10.0,
        "output_bytes": 100,
        "replicas": 1,
    }
    return Submission(
        key=key,
        module_sha256=sha256(module).hexdigest(),
        input_sha256=sha256(body).hexdigest(),
        input_data=body,
        **values | changes,
    )


@asynccontextmanager
async def server_in(
    folder: Path, homes: Mapping[str, str], submitter: str | None = None
) -> AsyncIterator[JobServer]:
    """Yield a server with an open database, and no jobs, that listens nowhere yet."""
    server = JobServer(
        db_path=folder / "jobs.db",
        access=Access(homes=homes, submitter=submitter),
        terms=TERMS,
        catalogue=NoCatalogue(),
    )
    await server.open()
    try:
        yield server
    finally:
        await server.close()
