"""Errors as `application/problem+json` (RFC 9457), translated in this one place."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from ..wire import FieldError
from .work import (
    BlobUnknownError,
    BlobWrongError,
    JobUnknownError,
    KeyReusedError,
    LeaseLostError,
    LeaseUnknownError,
    ManifestOldError,
    ManifestWrongError,
    NotCoveredError,
    QueueFullError,
    StorageFullError,
)

_LOGGER = logging.getLogger(__name__)

_PROBLEMS: Final[Mapping[type[Exception], tuple[HTTPStatus, str]]] = {
    LeaseUnknownError: (HTTPStatus.NOT_FOUND, "There is no such lease."),
    LeaseLostError: (HTTPStatus.CONFLICT, "The job needs no result of this lease."),
    JobUnknownError: (HTTPStatus.NOT_FOUND, "There is no such job."),
    KeyReusedError: (
        HTTPStatus.UNPROCESSABLE_CONTENT,
        "Another job was submitted under this Idempotency-Key.",
    ),
    BlobUnknownError: (
        HTTPStatus.UNPROCESSABLE_CONTENT,
        "The module or the input has to be uploaded first.",
    ),
    BlobWrongError: (
        HTTPStatus.UNPROCESSABLE_CONTENT,
        "The body has another SHA-256 than the path says, or is no WebAssembly module.",
    ),
    ManifestWrongError: (
        HTTPStatus.UNPROCESSABLE_CONTENT,
        "The manifest is not this module's, not signed by its key, not canonical, or has expired.",
    ),
    ManifestOldError: (
        HTTPStatus.CONFLICT,
        "There is a manifest of this publisher with the same or a higher serial.",
    ),
    NotCoveredError: (
        HTTPStatus.UNPROCESSABLE_CONTENT,
        "The module has no manifest, or none that covers this job's kind and limits.",
    ),
    QueueFullError: (HTTPStatus.TOO_MANY_REQUESTS, "Too many jobs wait already."),
    StorageFullError: (HTTPStatus.INSUFFICIENT_STORAGE, "All storage for jobs is taken."),
    TimeoutError: (HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time."),
    sqlite3.Error: (HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be used now."),
}


@web.middleware
async def problems_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error of a handler into problem details."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        headers = {
            name: value
            for name, value in error.headers.items()
            if name in {hdrs.ALLOW, hdrs.WWW_AUTHENTICATE}
        }
        return problem(HTTPStatus(error.status), None, headers)
    except FieldError as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    except tuple(_PROBLEMS) as error:
        status, detail = next(told for kind, told in _PROBLEMS.items() if isinstance(error, kind))
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            status = HTTPStatus.INSUFFICIENT_STORAGE
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _LOGGER.error("The job backend cannot answer: %s", error)
        return problem(status, detail)
    except Exception:
        _LOGGER.exception("The job backend failed to answer")
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, None)


def problem(
    status: HTTPStatus, detail: str | None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return problem details."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
    }
    if detail is not None:
        body["detail"] = detail
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )
