"""The job-pull client: speaks the job API to one backend, and believes nothing it hears."""

import asyncio
import json
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from io import BytesIO
from typing import Final
from weakref import WeakValueDictionary

import aiohttp
from aiohttp import hdrs
from yarl import URL

from .. import wire
from ..wire import FieldError, Fields
from . import messages
from .engine import EngineError, EngineProblem, Settlement, SettlementPage
from .messages import Account, GiveBackReason, Pending, PullAnswer, PullRequest

_LOGGER = logging.getLogger(__name__)

_MESSAGE_BYTES: Final = 1024 * 1024
_BLOB_BYTES: Final = 32 * 1024 * 1024
_KEPT_BYTES: Final = 64 * 1024 * 1024
_MOST_RETRY_AFTER_S: Final = 600.0
_SILENCE_S: Final = 30.0
_SLOWEST_BYTES_PER_S: Final = 64 * 1024
_CAPABILITIES: Final = ("wasm32-wasi",)
_VERSION_HEADER: Final = "Qheat-Api-Version"
_VERSION: Final = "1"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN: Final = re.compile(r"[!-~]{1,512}")
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PASSING: Final = _REFUSED | {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


class BackendError(EngineError):
    """A backend could not be asked; `retry_after_s` is when it wants to be asked again."""

    def __init__(
        self,
        problem: EngineProblem,
        detail: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(problem, detail)
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def is_final(self) -> bool:
        """Whether asking the same again would be answered the same again."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in _PASSING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    version: str | None
    retry_after_s: float | None
    body: bytes


class UnusableTokenError(ValueError):
    """What was given as a token cannot be one."""


class JobClient:
    """One home's access to one backend. Every request raises BackendError."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: str) -> None:
        """Speak to the backend at `base_url` with `token`.

        Raises UnusableTokenError, and ValueError for an address that is none, is not private or
        holds more than host, port and path.
        """
        self._base = url = URL(base_url)
        if not url.host or url.user or url.password or url.query_string or url.fragment:
            raise ValueError("a backend's https address is a host, a port and a path, no more")
        local = url.scheme == "http" and url.host in _LOOPBACK
        if url.scheme != "https" and not local:
            raise ValueError("a backend off this machine needs https")
        if not _TOKEN.fullmatch(token):
            raise UnusableTokenError("a token is made of at most 512 visible ASCII characters")
        self._session = session
        self._headers: Mapping[str, str] = {
            hdrs.AUTHORIZATION: f"Bearer {token}",
            hdrs.ACCEPT_ENCODING: "identity",
        }
        self._modules: dict[str, bytes] = {}
        """The modules by their hash, the one used last at the end."""
        self._fetching: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pull(self, request: PullRequest, wait_s: int) -> PullAnswer:
        """Ask for leases; the backend may take `wait_s` seconds to find some."""
        answer = await self._ask(
            hdrs.METH_POST,
            "leases",
            {
                "radiator_id": request.radiator_id,
                "count": request.count,
                "slots": request.slots,
                "slot_w": request.slot_w,
                "wanted_s": request.wanted_s,
                "unpaid": request.unpaid,
                "capabilities": _CAPABILITIES,
            },
            headers={"Idempotency-Key": request.key, "Prefer": f"wait={wait_s}"},
            wait_s=wait_s,
        )
        leases = _read(answer, lambda message: messages.read_leases(message, request.count))
        return PullAnswer(leases=leases, retry_after_s=answer.retry_after_s)

    async def renew(self, lease_id: str, cpu_s: float) -> float | None:
        """Report progress in CPU seconds; return the new time to live, None: stop the work."""
        answer = await self._tell(hdrs.METH_POST, lease_id, "renewal", {"cpu_s": cpu_s})
        return None if answer is None else _read(answer, messages.read_renewal)

    async def give_back(self, lease_id: str, reason: GiveBackReason) -> None:
        """Give a lease back; one that the backend no longer knows is none to give back."""
        await self._tell(hdrs.METH_POST, lease_id, "return", {"reason": reason})

    async def deliver(
        self,
        lease_id: str,
        radiator_id: str,
        output: bytes,
        energy_j: float,
        fuel: int | None = None,
    ) -> Settlement | Pending | None:
        """Deliver a result, again if need be; None: the backend will never take it."""
        message: dict[str, object] = {
            "output": b64encode(output).decode(),
            "energy_j": energy_j,
        }
        if fuel is not None:
            message["fuel"] = fuel
        answer = await self._tell(hdrs.METH_PUT, lease_id, "result", message)
        if answer is None:
            return None
        if answer.status == HTTPStatus.ACCEPTED:
            return Pending()
        return _read(answer, lambda settled: messages.read_settlement(settled, radiator_id))

    async def module(self, sha256_hex: str) -> bytes:
        """Return the WebAssembly module with this hash."""
        # Jobs that begin together often have the same module: one fetches it, the others wait.
        async with self._fetching.setdefault(sha256_hex, asyncio.Lock()):
            module = self._modules.pop(sha256_hex, None)
            if module is None:
                module = await self._blob("modules", sha256_hex)
            self._modules[sha256_hex] = module
        while sum(map(len, self._modules.values())) > _KEPT_BYTES:
            del self._modules[next(iter(self._modules))]
        return module

    async def input_data(self, sha256_hex: str) -> bytes:
        """Return the input with this hash; it is one job's own, and not kept."""
        return await self._blob("inputs", sha256_hex)

    async def account(self) -> Account:
        """Return currency, balance and repayment rate."""
        return _read(await self._ask(hdrs.METH_GET, "account"), messages.read_account)

    async def publishers(self) -> Mapping[str, tuple[str, ...]]:
        """Return who has signed the backend's modules: kinds of jobs by the key's fingerprint."""
        return _read(await self._ask(hdrs.METH_GET, "publishers"), messages.read_publishers)

    async def settlements(self, radiator_id: str, after: str | None) -> SettlementPage:
        """Return a radiator's settlements behind a cursor (None: from the first).

        A backend that will never take the cursor, another one's, is asked from the first.
        """
        first = {"radiator_id": radiator_id}
        behind = first if after is None else {**first, "after": after}
        try:
            answer = await self._ask(hdrs.METH_GET, "settlements", query=behind)
        except BackendError as error:
            if after is None or not error.is_final:
                raise
            answer = await self._ask(hdrs.METH_GET, "settlements", query=first)
            _LOGGER.warning("The backend refuses a cursor: its settlements are read from the first")
        return _read(answer, lambda page: messages.read_settlements(page, radiator_id))

    async def _tell(self, method: str, lease_id: str, what: str, message: Fields) -> _Answer | None:
        """Tell something of a lease; None: the backend will never hear of it."""
        try:
            return await self._ask(method, f"leases/{lease_id}/{what}", message)
        except BackendError as error:
            if error.is_final:
                return None
            raise

    async def _blob(self, folder: str, sha256_hex: str) -> bytes:
        answer = await self._ask(hdrs.METH_GET, f"{folder}/{sha256_hex}", most=_BLOB_BYTES)
        if sha256(answer.body).hexdigest() != sha256_hex:
            raise BackendError(EngineProblem.BACKEND_FAULTY, "a blob has another hash")
        return answer.body

    async def _ask(
        self,
        method: str,
        path: str,
        message: Fields | None = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0.0,
        most: int = _MESSAGE_BYTES,
    ) -> _Answer:
        body = b"" if message is None else json.dumps(message).encode()
        sent = {**self._headers, **({} if headers is None else headers)}
        if body:
            sent[hdrs.CONTENT_TYPE] = "application/json"
        # Over a slow line a large result takes minutes, and so does a module. What was written may
        # have got no further than a tunnel's buffers: until it has, the backend cannot answer.
        silence_s, way_s = wait_s + _SILENCE_S, len(body) / _SLOWEST_BYTES_PER_S
        timeout = aiohttp.ClientTimeout(
            silence_s + max(way_s, most / _SLOWEST_BYTES_PER_S),
            connect=silence_s,
            sock_read=silence_s + way_s,
        )
        try:
            async with self._session.request(
                method,
                self._base / "v1" / path,
                params=query,
                # A file: aiohttp warns of a body that is large and yet not one.
                data=BytesIO(body) if body else None,
                headers=sent,
                timeout=timeout,
                allow_redirects=False,
                auto_decompress=False,
            ) as response:
                answer = _Answer(
                    status=response.status,
                    version=response.headers.get(_VERSION_HEADER),
                    retry_after_s=wire.seconds_text(
                        response.headers.get(hdrs.RETRY_AFTER), _MOST_RETRY_AFTER_S
                    ),
                    body=await _read_bounded(response, most),
                )
        except (
            TimeoutError,
            OSError,
            aiohttp.ClientConnectionError,
            aiohttp.ClientPayloadError,  # the answer broke off
        ) as error:
            failure = EngineProblem.BACKEND_UNREACHABLE, type(error).__name__
        except (aiohttp.ClientError, RuntimeError, ValueError) as error:
            failure = EngineProblem.BACKEND_FAULTY, type(error).__name__
        else:
            return _accepted(answer)
        # Raised out here, so that it drags along no exception that holds the request's headers.
        raise BackendError(*failure)


async def _read_bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise FieldError("the answer is too large")
    return bytes(body)


def _accepted(answer: _Answer) -> _Answer:
    if answer.version not in {None, _VERSION}:
        raise BackendError(EngineProblem.BACKEND_VERSION, "another version of the job API")
    if 200 <= answer.status < 300:
        return answer
    status = answer.status
    if status == HTTPStatus.NOT_FOUND and answer.version is None:
        # Every backend tells its version. Some proxies say 404 while theirs is started anew.
        status = HTTPStatus.BAD_GATEWAY
    problem = (
        EngineProblem.BACKEND_REFUSED if answer.status in _REFUSED else EngineProblem.BACKEND_FAULTY
    )
    raise BackendError(
        problem,
        f"status {answer.status}",
        status=status,
        retry_after_s=answer.retry_after_s,
    )


def _read[T](answer: _Answer, read: Callable[[Fields], T]) -> T:
    try:
        return read(wire.read_object(answer.body))
    except FieldError as error:
        raise BackendError(EngineProblem.BACKEND_FAULTY, str(error)) from error
