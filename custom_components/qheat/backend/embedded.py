"""The backend that comes with the house: the job API on a unix socket."""

import asyncio
import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from .access import Access
from .database import StoreDamagedError, set_aside
from .server import JobServer
from .store import LEASE_TTL_S, Store
from .work import HOME, Catalogue, Terms

_MOST_PATH_BYTES: Final = 107  # of sun_path, without the zero byte at its end


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
        self.set_aside: Path | None = None
        """Where `start` has put a damaged database, to begin with an empty one."""
        self._db_path = db_path
        self._make_server = partial(
            JobServer,
            db_path=db_path,
            access=Access(homes={HOME: token}),
            terms=terms,
            catalogue=catalogue,
            clock=clock,
            lease_ttl_s=lease_ttl_s,
        )
        self._server: JobServer | None = None
        self._own_folder: Path | None = None

    async def start(self) -> None:
        """Open the database and listen. Raises StoreError, OSError."""
        try:
            try:
                server = await self._open()
            except StoreDamagedError:
                await self.stop()
                self.set_aside = await asyncio.to_thread(set_aside, self._db_path)
                server = await self._open()
            await asyncio.to_thread(self._choose_socket)
            await server.listen_unix(self.socket_path)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Answer what was asked, then close everything; harmless where nothing was started."""
        if self._server is not None:
            await self._server.close()
            self._server = None
        if self._own_folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._own_folder, ignore_errors=True)
            self._own_folder = None

    async def latest_results(self, kind: str, most: int) -> list[tuple[bytes, bytes]]:
        """Return input and output of the last `most` accepted jobs of a kind, newest first."""
        return await self.ask(lambda store: store.books.latest_results(kind, most))

    async def ask[T](self, question: Callable[[Store], T]) -> T:
        """Return what `question` makes of the store; raises what it raises."""
        assert self._server is not None
        return await self._server.desk.ask(question)

    async def _open(self) -> JobServer:
        self._server = self._make_server()
        await self._server.open()
        return self._server

    def _choose_socket(self) -> None:
        if len(os.fsencode(self.socket_path)) > _MOST_PATH_BYTES:
            self._own_folder = _private_folder(self._db_path)
            self.socket_path = self._own_folder / "backend.sock"


def _private_folder(db_path: Path) -> Path:
    """Return this database's own folder for short paths, the same one after a crash.

    Raises PermissionError where somebody else could put something in it.
    """
    digest = sha256(os.fsencode(db_path.resolve())).hexdigest()
    folder = Path(tempfile.gettempdir(), f"qheat-{digest[:16]}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) & 0o077 == 0
    if not private or status.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is not private")
    return folder
