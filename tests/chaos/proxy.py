"""Between homes and the backend: sees every call, and strikes in a chosen phase of a chosen one."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

_CALLS = (
    ("pull", r"POST /v1/leases"),
    ("renew", r"POST /v1/leases/[^/]+/renewal"),
    ("return", r"POST /v1/leases/[^/]+/return"),
    ("deliver", r"PUT /v1/leases/[^/]+/result"),
    ("module", r"GET /v1/modules/[^/]+"),
    ("input", r"GET /v1/inputs/[^/]+"),
    ("settlements", r"GET /v1/settlements\?.*"),
    ("upload", r"PUT /v1/modules/[^/]+"),
    ("sign", r"PUT /v1/modules/[^/]+/manifest"),
    ("submit", r"POST /v1/jobs"),
)
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


class Phase(StrEnum):
    """How far a call has come when it is struck."""

    UNSENT = "before the request"
    HALF_SENT = "in the request"
    SENT = "after the request"
    ANSWERED = "before the answer"
    HALF_ANSWERED = "in the answer"


@dataclass(slots=True, kw_only=True)
class Trap:
    """Waits for a call of that name to come as far as `phase`, then strikes once."""

    call: str
    phase: Phase
    strike: Callable[[], Awaitable[None]]
    cuts: bool
    """Whether the connection ends with it."""
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    entered: bool = False
    """Whether a call is in it."""


class _CutError(Exception):
    """The connection was cut on purpose."""


class Proxy:
    """Passes HTTP from a TCP port of this machine to a unix socket."""

    def __init__(self, socket: Path, chance: Random) -> None:
        self.port = 0
        self._socket = socket
        self._chance = chance
        self._trap: Trap | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        self._server.close()

    @contextlib.contextmanager
    def trapped(self, trap: Trap) -> Iterator[None]:
        """Have a trap out meanwhile."""
        self._trap = trap
        try:
            yield
        finally:
            self._trap = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._pass_on(reader, writer)
        except OSError, asyncio.IncompleteReadError, _CutError:
            pass
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _message(reader)
        call = _name(request)
        trap = self._trap
        if trap is None or trap.call != call or trap.entered:
            await self._pass_through(request, reader, writer, None)
            return
        trap.entered = True
        try:
            await self._pass_through(request, reader, writer, trap)
        finally:
            # A call that fails on its way, for want of a backend for instance, leaves the trap out.
            trap.entered = trap.sprung.is_set()

    async def _pass_through(
        self,
        request: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        trap: Trap | None,
    ) -> None:
        await self._reach(Phase.UNSENT, trap)
        backend, to_backend = await asyncio.open_unix_connection(self._socket, limit=1 << 22)
        try:
            half = self._part(request)
            await _send(to_backend, request[:half])
            await self._reach(Phase.HALF_SENT, trap)
            await _send(to_backend, request[half:])
            await self._reach(Phase.SENT, trap)
            answer = await _unless_gone(reader, _message(backend))
            await self._reach(Phase.ANSWERED, trap)
            half = self._part(answer)
            await _send(writer, answer[:half])
            await self._reach(Phase.HALF_ANSWERED, trap)
            await _send(writer, answer[half:])
        finally:
            to_backend.transport.abort()

    def _part(self, message: bytes) -> int:
        """Return how much of a message comes through: half of it, or all but its last byte."""
        return self._chance.choice((len(message) // 2, len(message) - 1))

    async def _reach(self, phase: Phase, trap: Trap | None) -> None:
        if trap is None or trap.phase is not phase:
            return
        if phase in {Phase.HALF_SENT, Phase.HALF_ANSWERED}:
            await asyncio.sleep(0.01)  # so that the first half is read
        await trap.strike()
        trap.sprung.set()
        if trap.cuts:
            raise _CutError


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one request or answer; both say how long they are."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")


async def _unless_gone(reader: asyncio.StreamReader, answer: Awaitable[bytes]) -> bytes:
    """Wait for the backend's answer, but not when nobody waits for it any more."""
    answering = asyncio.ensure_future(answer)
    going = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait([answering, going], return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise _CutError
        return answering.result()
    finally:
        for one in (answering, going):
            one.cancel()
        await asyncio.wait([answering, going])


def _name(request: bytes) -> str:
    line = request[: request.index(b"\r\n")].decode().rpartition(" ")[0]
    return next((name for name, form in _CALLS if re.fullmatch(form, line)), "other")
