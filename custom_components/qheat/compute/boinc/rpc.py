"""One GUI RPC connection to a BOINC client."""

import asyncio
from hashlib import md5
from typing import Final
from xml.etree.ElementTree import Element

from .errors import BoincError, BoincFault
from .markup import MAX_REPLY_BYTES, parse, text_of

DEFAULT_PORT: Final = 31416
TIMEOUT_S: Final = 10.0
MAX_REQUEST_BYTES: Final = 90_000  # the client drops a connection that sends 100 000
_END: Final = b"\x03"


class RpcConnection:
    """A kept connection; calls are made one after the other and each ends within ten seconds.

    The protocol is neither encrypted nor safe from replay: docs/boinc.md says how to tunnel it.
    """

    def __init__(
        self, host: str, port: int, password: str, pace: asyncio.Lock | None = None
    ) -> None:
        """Connect nowhere yet. With the same `pace`, connections share out the loop's turns.

        After a busy moment the replies of a whole building are there at once: then each is sent
        for, and read, in a turn of its own.
        """
        self._pace = asyncio.Lock() if pace is None else pace
        self._host = host
        self._port = port
        self._password = password
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def connected(self) -> bool:
        """Tell whether there is a connection, as far as is known."""
        return self._streams is not None

    async def connect(self) -> None:
        """Connect and authenticate; raise BoincError, with the connection closed, if that fails."""
        await self.close()
        await self._next_turn()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                self._streams = await asyncio.open_connection(
                    self._host, self._port, limit=MAX_REPLY_BYTES
                )
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
        streams, self._streams = self._streams, None
        if streams is None:
            return
        streams[1].close()
        try:
            async with asyncio.timeout(1.0):
                await streams[1].wait_closed()
        except OSError:
            streams[1].transport.abort()

    async def call(self, request: str) -> Element:
        """Send a request element and return the reply's root; raise BoincError if refused."""
        raw = await self.call_raw(request)
        await self._next_turn()
        reply = parse(raw)
        if reply.find("unauthorized") is not None:
            raise BoincError(BoincFault.WRONG_PASSWORD, "The client refuses the password")
        if (refusal := reply.find("error")) is not None:
            raise BoincError(BoincFault.COMMAND_REFUSED, text_of(reply, "error") or refusal.tag)
        return reply

    async def call_raw(self, request: str) -> bytes:
        """Send a request element and return the reply as it came, without its end mark."""
        message = f"<boinc_gui_rpc_request>\n{request}\n</boinc_gui_rpc_request>\n".encode()
        if len(message) > MAX_REQUEST_BYTES:
            raise BoincError(BoincFault.COMMAND_REFUSED, "The request is too long for a client")
        async with self._turn:
            await self._next_turn()
            try:
                return await self._exchange(message + _END)
            except BaseException:
                # Half an answer may still be on its way: the next one would be taken for it.
                await self.close()
                raise

    async def _exchange(self, message: bytes) -> bytes:
        if self._streams is None:
            raise BoincError(BoincFault.UNREACHABLE, "Not connected")
        reader, writer = self._streams
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer.write(message)
                await writer.drain()
                return (await reader.readuntil(_END))[:-1]
        except asyncio.LimitOverrunError as error:
            raise BoincError(BoincFault.BROKEN_REPLY, "The reply is too long") from error
        except asyncio.IncompleteReadError as error:
            fault = BoincFault.BROKEN_REPLY if error.partial else BoincFault.UNREACHABLE
            raise BoincError(fault, "The client closed the connection") from error
        except OSError as error:
            raise BoincError(
                BoincFault.UNREACHABLE, f"Connection lost: {type(error).__name__}"
            ) from error

    async def _next_turn(self) -> None:
        async with self._pace:
            await asyncio.sleep(0)

    async def _authenticate(self) -> None:
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
        digest = md5((nonce + self._password).encode(), usedforsecurity=False).hexdigest()
        reply = await self.call(f"<auth2>\n<nonce_hash>{digest}</nonce_hash>\n</auth2>")
        if reply.find("authorized") is None:
            raise BoincError(BoincFault.WRONG_PASSWORD, "The client refuses the password")
