"""The job API served: a database, the homes and submitter that may ask, and where it listens."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Final, override

from aiohttp import web

from .access import Access
from .answers import VERSION, VERSION_HEADER
from .app import JobApi
from .desk import Desk
from .problems import problem
from .store import LEASE_TTL_S, Store
from .work import Catalogue, Terms

MOST_CONNECTIONS: Final = 512
"""Half of what Linux lets a process have open; files need some of the rest."""
IDLE_S: Final = 30.0
"""For so long after its last answer a connection may stay without a whole request."""

_SHUTDOWN_S: Final = 2.0


class InsecureError(Exception):
    """Whoever listens beyond this machine needs TLS."""


class _Handler(web.RequestHandler):
    """Answers what is no HTTP as every other error is answered, and keeps to a number."""

    __slots__ = ()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self._manager is not None
        # What is being closed stays there for some turns, in which a whole crowd may come.
        crowd = [
            (one, one.transport)
            for one in self._manager.connections
            if one.transport is not None and not one.transport.is_closing()
        ]
        if len(crowd) > MOST_CONNECTIONS:
            # The oldest that asks for nothing; else the oldest that takes no answer, as a slow one
            # seems to; at worst this one, which has not had the time.
            *idle, this = (line for one, line in crowd if not one._request_in_progress)
            unread = (line for one, line in crowd if one.writing_paused)
            [*idle, *unread, this][0].abort()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        answer = problem(HTTPStatus(status), None, {VERSION_HEADER: str(VERSION)})
        answer.force_close()
        return answer


class _Server(web.Server):
    @override
    def __call__(self) -> web.RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    __slots__ = ()

    @override
    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        # An application chooses its server's class itself.
        server.__class__ = _Server
        return server


class JobServer:
    """Serves the job API between `open` and `close`; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        db_path: Path,
        access: Access,
        terms: Terms,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
        lease_ttl_s: float = LEASE_TTL_S,
    ) -> None:
        self.desk = Desk()
        self._api = JobApi(self.desk, terms, access, clock)
        self._open_store = partial(
            Store,
            db_path,
            terms,
            catalogue,
            lambda: uuid.uuid4().hex,
            lease_ttl_s=lease_ttl_s,
            homes=access.homes,
        )
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Open the database. Raises StoreError, OSError."""
        await self.desk.open(self._open_store)
        self._runner = _Runner(
            self._api.application(),
            access_log=None,
            auto_decompress=False,
            handler_cancellation=True,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=_SHUTDOWN_S,
        )
        await self._runner.setup()

    async def listen_unix(self, path: Path) -> None:
        """Answer on a socket that only this user may use. Raises OSError."""
        assert self._runner is not None
        await web.UnixSite(self._runner, path).start()
        await asyncio.to_thread(path.chmod, 0o600)

    async def listen_tcp(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Answer at an address and return its port. Raises InsecureError, OSError."""
        assert self._runner is not None
        if tls is None and not is_loopback(host):
            raise InsecureError(f"{host} is not this machine alone: it needs TLS")
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        return int(self._runner.addresses[-1][1])

    async def close(self) -> None:
        """Answer what was asked, then close everything."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self.desk.close()


def is_loopback(host: str) -> bool:
    """Tell whether an address reaches this machine only; a name does not say so."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
