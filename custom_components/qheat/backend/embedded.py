"""The backend that comes with the house: the job API on a unix socket."""

import asyncio
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from .app import JobApi
from .desk import Desk
from .store import LEASE_TTL_S, Store
from .work import Catalogue, Terms

_MOST_PATH_BYTES: Final = 107  # of sun_path, without the zero byte at its end
_SHUTDOWN_S: Final = 2.0


class EmbeddedBackend:
    """Serves the job API between `start` and `stop`; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        db_path: Path,
        socket_path: Path,
        token: str,
        terms: Terms,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
        lease_ttl_s: float = LEASE_TTL_S,
    ) -> None:
        self.socket_path = socket_path
        """Where it listens; a path too long for a socket is replaced by `start`."""
        self._db_path = db_path
        self._token = token
        self._terms = terms
        self._catalogue = catalogue
        self._clock = clock
        self._lease_ttl_s = lease_ttl_s
        self._desk: Desk | None = None
        self._runner: web.AppRunner | None = None
        self._own_folder: Path | None = None

    async def start(self) -> None:
        """Open the database and listen. Raises StoreError, OSError."""
        self._desk = Desk()
        try:
            await self._desk.open(self._open_store)
            api = JobApi(self._desk, self._terms, self._token, self._clock)
            self._runner = web.AppRunner(
                api.application(),
                access_log=None,
                auto_decompress=False,
                handler_cancellation=True,
                shutdown_timeout=_SHUTDOWN_S,
            )
            await self._runner.setup()
            await web.UnixSite(self._runner, self.socket_path).start()
            self.socket_path.chmod(0o600)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Answer what was asked, then close everything; harmless where nothing was started."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._desk is not None:
            await self._desk.close()
            self._desk = None
        if self._own_folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._own_folder, ignore_errors=True)
            self._own_folder = None

    async def latest_results(self, kind: str, most: int) -> list[tuple[bytes, bytes]]:
        """Return input and output of the last `most` accepted jobs of a kind, newest first."""
        assert self._desk is not None
        return await self._desk.ask(lambda store: store.books.latest_results(kind, most))

    def _open_store(self) -> Store:
        if len(os.fsencode(self.socket_path)) > _MOST_PATH_BYTES:
            self._own_folder = Path(tempfile.mkdtemp(prefix="qheat-"))
            self.socket_path = self._own_folder / "backend.sock"
        return Store(
            self._db_path,
            self._terms,
            self._catalogue,
            lambda: uuid.uuid4().hex,
            self._lease_ttl_s,
        )
