"""One GUI RPC connection to a BOINC client."""

import asyncio
import socket
import time
from collections.abc import Callable
from hashlib import md5
from typing import Final, override
from xml.etree.ElementTree import Element

from .alarm import Alarm
from .errors import BoincError, BoincFault
from .markup import MAX_REPLY_BYTES, YEARS_S, number_in, parse, text_of

DEFAULT_PORT: Final = 31416
TIMEOUT_S: Final = 10.0
CLOSE_S: Final = 1.0
LONG_BYTES: Final = 50_000
"""To read more would hold up the event loop, above all if it is made to."""
CLOCK_SET_S: Final = 4.0
"""Two clocks that are not set part by less between two connections, minutes after one another."""
_END: Final = b"\x03"


class _Line(asyncio.Protocol):
    """The bytes of one connection: a request out, its reply in, up to the end mark."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = bytearray()
        self._reply: asyncio.Future[bytes] | None = None
        self._overdue = Alarm(lambda: self._fail(TimeoutError()))
        self._lost = asyncio.Event()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self._reply is None or self._reply.done():
            # What nobody asked for would be taken for the next reply.
            self._transport.abort()
            return
        self._received += data
        end = data.find(_END)
        if 0 <= end < len(data) - 1:
            self._fail(BoincError(BoincFault.BROKEN_REPLY, "The reply goes on behind its end"))
        elif len(self._received) > MAX_REPLY_BYTES:
            self._fail(BoincError(BoincFault.BROKEN_REPLY, "The reply is too long"))
        elif end >= 0:
            self._reply.set_result(bytes(self._received[:-1]))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._overdue.cancel()
        fault = BoincFault.BROKEN_REPLY if self._received else BoincFault.UNREACHABLE
        self._fail(exc or BoincError(fault, "The client closed the connection"))

    @property
    def is_lost(self) -> bool:
        """Tell whether the other end is known to be gone."""
        return self._lost.is_set()

    async def ask(self, message: bytes) -> bytes:
        """Send a request; return the reply, or raise BoincError or OSError."""
        if self.is_lost:
            raise BoincError(BoincFault.UNREACHABLE, "The client closed the connection")
        loop = asyncio.get_running_loop()
        self._received.clear()
        reply: asyncio.Future[bytes] = loop.create_future()
        self._reply = reply
        self._overdue.set(loop.time() + TIMEOUT_S)
        try:
            self._transport.write(message)
            return await reply
        finally:
            self._reply = None

    async def close(self) -> None:
        """Close the connection, if need be without what is still to be sent."""
        self._transport.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()

    def _fail(self, error: Exception) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)


class RpcConnection:
    """A kept connection; calls are made one after another, each answered within ten seconds.

    The protocol is neither encrypted nor safe from replay: docs/boinc.md says how to tunnel it.
    """

    def __init__(
        self, host: str, port: int, password: str, pace: asyncio.Lock | None = None
    ) -> None:
        """Connect nowhere yet. With the same `pace`, connections share out the loop's turns.

        After a busy moment the replies of a whole building are there at once: then each is read,
        and the next request sent, in a turn of its own.
        """
        self._pace = asyncio.Lock() if pace is None else pace
        self._host = host
        self._port = port
        self._password = password
        self._turn = asyncio.Lock()
        self._line: _Line | None = None
        self._clock_ahead_s = (0.0, 0.0)
        """What the client's clock is ahead of ours (time.monotonic), at least and at most."""

    def clock_s(self) -> float:
        """Return what the client's own clock shows at least, in seconds since the epoch.

        That is what it showed when it was told last, and the time since then.
        """
        return time.monotonic() + self._clock_ahead_s[0]

    async def clock_was_set(self, *, alone: bool = False) -> bool:
        """Tell whether the client's clock was set since its time was last told.

        A client tells its time to whoever connects, so another connection is made and closed;
        if this one is to be `alone`, it is made anew instead. Raises BoincError.
        """
        known_least_s, known_most_s = self._clock_ahead_s
        if alone:
            await self.connect()
        else:
            other = RpcConnection(self._host, self._port, self._password, self._pace)
            try:
                await other.connect()
            finally:
                await other.close()
            self._clock_ahead_s = other._clock_ahead_s
        least_s, most_s = self._clock_ahead_s
        return max(least_s - known_most_s, known_least_s - most_s) > CLOCK_SET_S

    @property
    def connected(self) -> bool:
        """Tell whether there is a connection, as far as is known."""
        return self._line is not None and not self._line.is_lost

    async def connect(self) -> None:
        """Connect and authenticate; raise BoincError, with the connection closed, if that fails."""
        await self.close()
        await self.next_turn()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                self._line = await _connected(self._host, self._port)
        except (OSError, OverflowError, ValueError) as error:
            raise BoincError(
                BoincFault.UNREACHABLE, f"No connection: {type(error).__name__}"
            ) from error
        try:
            await self._authenticate()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, if there is one."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def call(self, request: str) -> Element:
        """Send a request element and return the reply's root; raise BoincError if refused."""
        return await self.read(request, lambda reply: reply)

    async def read[T](self, request: str, reader: Callable[[Element], T]) -> T:
        """Send a request element and return what `reader` makes of the reply's root.

        It may be called in a thread. Raises BoincError if the request is refused.
        """
        raw = await self.call_raw(request)
        await self.next_turn()
        if len(raw) <= LONG_BYTES:
            return reader(_granted(raw))
        return await asyncio.to_thread(lambda: reader(_granted(raw)))

    async def call_raw(self, request: str) -> bytes:
        """Send a request element and return the reply as it came, without its end mark."""
        message = f"<boinc_gui_rpc_request>\n{request}\n</boinc_gui_rpc_request>\n".encode()
        async with self._turn:
            try:
                return await self._exchange(message + _END)
            except BaseException:
                # Half an answer may still be on its way: the next one would be taken for it.
                await self.close()
                raise

    async def _exchange(self, message: bytes) -> bytes:
        if self._line is None:
            raise BoincError(BoincFault.UNREACHABLE, "Not connected")
        try:
            return await self._line.ask(message)
        except OSError as error:
            raise BoincError(
                BoincFault.UNREACHABLE, f"Connection lost: {type(error).__name__}"
            ) from error

    async def next_turn(self) -> None:
        """Wait for a turn of the loop that no other connection of the same `pace` has."""
        async with self._pace:
            await asyncio.sleep(0)

    async def _authenticate(self) -> None:
        asked_s = time.monotonic()
        try:
            nonce = text_of(await self.call("<auth1/>"), "nonce")
        except BoincError as error:
            silent = isinstance(error.__cause__, TimeoutError)
            if error.fault is BoincFault.UNREACHABLE and not silent:
                raise BoincError(
                    BoincFault.NOT_ALLOWED, "The client does not accept this computer"
                ) from error
            raise
        if not nonce:
            raise BoincError(BoincFault.NOT_BOINC, "The reply does not come from a BOINC client")
        # A client takes the time as its nonce. Where it or this loop is held up, seconds may lie
        # between the request and the nonce, or between that and now.
        told_s = number_in(nonce, 0.0, YEARS_S)
        told_s = time.time() if told_s is None else told_s
        self._clock_ahead_s = told_s - time.monotonic(), told_s - asked_s
        digest = md5((nonce + self._password).encode(), usedforsecurity=False).hexdigest()
        reply = await self.call(f"<auth2>\n<nonce_hash>{digest}</nonce_hash>\n</auth2>")
        if reply.find("authorized") is None:
            raise BoincError(BoincFault.WRONG_PASSWORD, "The client refuses the password")


async def _connected(host: str, port: int) -> _Line:
    """Connect by IPv4 if that is possible: clients listen there only.

    A firewall that drops what is for no listener would take all the time for the IPv6 address.
    """
    loop = asyncio.get_running_loop()
    try:
        _, line = await loop.create_connection(_Line, host, port, family=socket.AF_INET)
    except OSError:
        _, line = await loop.create_connection(_Line, host, port)
    return line


def _granted(raw: bytes) -> Element:
    reply = parse(raw)
    if reply.find("unauthorized") is not None:
        raise BoincError(BoincFault.WRONG_PASSWORD, "The client refuses the password")
    if (refusal := reply.find("error")) is not None:
        raise BoincError(BoincFault.COMMAND_REFUSED, text_of(reply, "error") or refusal.tag)
    return reply
