"""The backend as a process: the production server, with leases short enough to run out here."""

import asyncio
import logging
import signal
from decimal import Decimal
from pathlib import Path

from custom_components.qheat.backend.access import Access
from custom_components.qheat.backend.server import JobServer
from custom_components.qheat.backend.work import NoCatalogue, Terms

LEASE_TTL_S = 6.0
TERMS = Terms(currency="EUR", repayment_per_kwh=Decimal("0.25"))


async def serve(*, folder: str, homes: dict[str, str], submitter: str) -> None:
    """Serve on a unix socket until asked to stop."""
    logging.basicConfig(format="%(asctime)s backend %(message)s")
    server = JobServer(
        db_path=Path(folder, "jobs.db"),
        access=Access(homes=homes, submitter=submitter),
        terms=TERMS,
        catalogue=NoCatalogue(),
        lease_ttl_s=LEASE_TTL_S,
    )
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    try:
        await server.open()
        await server.listen_unix(Path(folder, "jobs.sock"))
        await asked_to_stop.wait()
    finally:
        await server.close()
