"""Run the backend alone: `python -m custom_components.qheat.backend --help`."""

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from .. import wire
from . import Terms, catalogue
from .access import Access, AccessError
from .database import StoreError
from .server import InsecureError, JobServer
from .submit_api import amount
from .work import HOME, Catalogue, NoCatalogue


async def _serve(arguments: argparse.Namespace) -> None:
    own_jobs: Catalogue = catalogue if arguments.own_jobs else NoCatalogue()
    server = JobServer(
        db_path=arguments.database,
        access=_access(arguments),
        terms=Terms(currency=arguments.currency, repayment_per_kwh=arguments.repayment),
        catalogue=own_jobs,
    )
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    try:
        await server.open()
        if arguments.socket is not None:
            await server.listen_unix(arguments.socket)
        if arguments.listen is not None:
            host, port = arguments.listen
            port = await server.listen_tcp(host, port, _tls(arguments))
            print(f"listening on port {port}", flush=True)  # noqa: T201
        await asked_to_stop.wait()
    finally:
        await server.close()


def _access(arguments: argparse.Namespace) -> Access:
    homes = {HOME: _secret(arguments.token_file)} if arguments.token_file else {}
    for line in _secret(arguments.homes_file).splitlines() if arguments.homes_file else ():
        home_id, _, token = line.partition(" ")
        if home_id in homes:
            raise AccessError(f"there are two homes {home_id}")
        homes[home_id] = token.strip()
    if not homes:
        raise AccessError("there is no home: --token-file or --homes-file has to name one")
    submitter = arguments.submitter_token_file
    return Access(homes=homes, submitter=_secret(submitter) if submitter else None)


def _secret(path: Path) -> str:
    # What is no UTF-8 is no token either, and is told as that.
    return path.read_text(errors="replace").strip()


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.tls_certificate, arguments.tls_key)
    return context


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not 0 <= int(port) <= 65_535:
        raise ValueError(text)
    return host.removeprefix("[").removesuffix("]"), int(port)


def _amount(text: str) -> Decimal:
    try:
        return amount({"": text}, "")
    except wire.FieldError:
        raise argparse.ArgumentTypeError(
            f"not an amount from 0 to below 1000000 with at most 12 decimals: {text}"
        ) from None


def _currency(text: str) -> str:
    try:
        return wire.currency({"": text}, "")
    except wire.FieldError:
        raise argparse.ArgumentTypeError(
            f"not a currency's three capital letters: {text}"
        ) from None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--socket", type=Path, help="unix socket to listen on")
    parser.add_argument("--listen", type=_address, help="HOST:PORT to listen on; port 0: any")
    parser.add_argument("--tls-certificate", type=Path, help="PEM; needed off loopback")
    parser.add_argument("--tls-key", type=Path, help="PEM; left out if the certificate holds it")
    parser.add_argument("--token-file", type=Path, help="holds the token of a single home")
    parser.add_argument("--homes-file", type=Path, help="a line for each home: its id, its token")
    parser.add_argument("--submitter-token-file", type=Path, help="who holds it may submit jobs")
    parser.add_argument(
        "--own-jobs",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hand out the shipped demonstration jobs, too",
    )
    parser.add_argument("--currency", type=_currency, default="EUR")
    parser.add_argument("--repayment", type=_amount, default=Decimal("0.25"), help="per kWh")
    arguments = parser.parse_args(argv)
    if arguments.socket is None and arguments.listen is None:
        parser.error("it needs somewhere to listen: --socket or --listen")
    return arguments


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until asked to stop; what was told wrongly ends it with a reason."""
    arguments = _arguments(argv)
    try:
        asyncio.run(_serve(arguments))
    except (AccessError, InsecureError, OSError, StoreError) as error:
        sys.exit(f"qheat backend: {error}")


if __name__ == "__main__":
    main()
