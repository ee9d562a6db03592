"""What all requests of the job API have in common: how bodies are read and answers written."""

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from aiohttp import hdrs, web

from .. import wire
from ..wire import Fields

MESSAGE_BYTES: Final = 16 * 1024
VERSION_HEADER: Final = "Qheat-Api-Version"
VERSION: Final = 1

_BODY_S: Final = 60.0
_SLOWEST_BYTES_PER_S: Final = 64 * 1024
_IMMUTABLE: Final = {hdrs.CACHE_CONTROL: "private, max-age=31536000, immutable"}


async def read_message(request: web.Request, most: int = MESSAGE_BYTES) -> Fields:
    """Return the JSON object that a request brings. Raises HTTPException, FieldError."""
    return wire.read_object(await read_body(request, most, "application/json"))


async def read_body(request: web.Request, most: int, content_type: str) -> bytes:
    """Return at most `most` bytes of the right type, not compressed. Raises HTTPException."""
    if hdrs.CONTENT_ENCODING in request.headers or request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    # A large result takes minutes over a slow line.
    async with asyncio.timeout(_BODY_S + most / _SLOWEST_BYTES_PER_S):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > most:
                raise web.HTTPRequestEntityTooLarge(most, len(body))
    return bytes(body)


def idempotency_key(request: web.Request) -> str:
    """Return the key under which a request is the same one again. Raises FieldError."""
    header = "Idempotency-Key"
    return wire.name({header: request.headers.get(header)}, header)


def json_answer(
    message: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a message; money is written exactly."""
    text = json.dumps(message, default=_exactly)
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")


def bytes_answer(body: bytes | None) -> web.Response:
    """Answer with bytes that never change. Raises HTTPNotFound if there are none."""
    if body is None:
        raise web.HTTPNotFound
    return web.Response(body=body, headers=_IMMUTABLE, content_type="application/octet-stream")


def _exactly(value: Any) -> str:
    assert isinstance(value, Decimal)
    return f"{value:f}"
