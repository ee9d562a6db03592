"""Run the backend alone: `python -m custom_components.qheat.backend --help`."""

import argparse
import asyncio
import signal
from decimal import Decimal
from pathlib import Path

from . import EmbeddedBackend, Terms, catalogue


async def _serve(arguments: argparse.Namespace) -> None:
    backend = EmbeddedBackend(
        db_path=arguments.database,
        socket_path=arguments.socket,
        token=arguments.token_file.read_text().strip(),
        terms=Terms(currency=arguments.currency, repayment_per_kwh=arguments.repayment),
        catalogue=catalogue,
    )
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    await backend.start()
    try:
        await asked_to_stop.wait()
    finally:
        await backend.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--token-file", type=Path, required=True, help="holds the home's token")
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--repayment", type=Decimal, default=Decimal("0.25"), help="per kWh")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
