"""The backend that comes with the house: the job API on a unix socket."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .access import Access
from .database import StoreDamagedError, set_aside
from .server import JobServer
from .store import LEASE_TTL_S, Store
from .work import HOME, Catalogue, Result, Terms

_MOST_PATH_BYTES: Final = 107  # of sun_path, without the zero byte at its end


class EmbeddedBackend:
    """Serves the job API between `start` and `stop`; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        db_path: Path,
        token: str,
        terms: Terms,
        catalogue: Catalogue,
        clock: Callable[[], float] = time.time,
        lease_ttl_s: float = LEASE_TTL_S,
    ) -> None:
        self.socket_path = db_path.with_suffix(".sock")
        """Where it listens; `start` makes one too long for a socket short, for this process."""
        self.set_aside: Path | None = None
        """Where `start` has put a damaged database, to begin with an empty one."""
        self._db_path = db_path
        self._server: JobServer | None = JobServer(
            db_path=db_path,
            access=Access(homes={HOME: token}),
            terms=terms,
            catalogue=catalogue,
            clock=clock,
            lease_ttl_s=lease_ttl_s,
        )
        self._folder: int | None = None

    async def start(self) -> None:
        """Open the database and listen, once. Raises StoreError, OSError."""
        assert self._server is not None
        try:
            try:
                await self._server.open()
            except StoreDamagedError:
                self.set_aside = await asyncio.to_thread(set_aside, self._db_path)
                await self._server.open()
            if len(os.fsencode(self.socket_path)) > _MOST_PATH_BYTES:
                self._folder = os.open(self.socket_path.parent, os.O_PATH)
                self.socket_path = Path(f"/proc/self/fd/{self._folder}", self.socket_path.name)
            await self._server.listen_unix(self.socket_path)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Answer what was asked, then close everything; harmless where nothing was started."""
        if self._server is not None:
            await self._server.close()
            self._server = None
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    async def latest_results(self, kind: str, most: int) -> list[Result]:
        """Return what the last `most` accepted jobs of a kind gave, the newest first."""
        return await self.ask(lambda store: store.books.latest_results(kind, most))

    async def ask[T](self, question: Callable[[Store], T]) -> T:
        """Return what `question` makes of the store; raises what it raises."""
        assert self._server is not None
        return await self._server.desk.ask(question)
