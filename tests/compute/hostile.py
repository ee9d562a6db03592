"""Backends that answer what they like."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def answering(folder: Path, answer: bytes, *, hang: bool = False) -> AsyncIterator[Path]:
    """Serve a socket that gives `answer` to everybody, whatever is asked."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(answer)
            await writer.drain()
            if hang:
                await reader.read()
        except ConnectionError, asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    path = folder / "fake.sock"
    server = await asyncio.start_unix_server(talk, path)
    try:
        yield path
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """Return an HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return f"{head}{headers}\r\n".encode() + body


def say(message: object) -> bytes:
    """Return an HTTP answer that is a message."""
    return http(json.dumps(message).encode())


@asynccontextmanager
async def losing_answers_to(
    folder: Path,
    socket_path: Path,
    request: bytes,
    count: int,
    left_of: Callable[[bytes], bytes] = lambda _: b"",
    *,
    and_requests: bool = False,
) -> AsyncIterator[Path]:
    """Serve a socket that passes all on to `socket_path`, but loses some answers.

    They are the first `count` to requests that begin with `request`; `left_of` says what comes
    of them before the connection ends. With `and_requests` these do not get through either.
    """
    left = count

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        behind, ahead = await asyncio.open_unix_connection(socket_path)
        try:
            while asked := await reader.read(1 << 20):
                if left and and_requests and asked.startswith(request):
                    left -= 1
                    writer.write(left_of(b""))
                    return
                ahead.write(asked)
                answer = await behind.read(1 << 20)
                if left and asked.startswith(request):
                    left -= 1
                    writer.write(left_of(answer))
                    return
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            ahead.close()
            writer.close()

    path = folder / "lossy.sock"
    server = await asyncio.start_unix_server(talk, path)
    try:
        yield path
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()
