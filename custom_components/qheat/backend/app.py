"""The job API, version 1, as an aiohttp application: JSON in, JSON or problem details out."""

import asyncio
import dataclasses
import hmac
import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from .. import wire
from .desk import Desk
from .problems import problems_as_json
from .work import GiveBackReason, Lease, PullRequest, Terms

MOST_OUTPUT_BYTES: Final = 8 * 1024 * 1024
MOST_LEASES: Final = 64
MOST_WAIT_S: Final = 60.0
RETRY_AFTER_S: Final = 10
CAPABILITY: Final = "wasm32-wasi"

_MESSAGE_BYTES: Final = 16 * 1024
_RESULT_BYTES: Final = wire.base64_length(MOST_OUTPUT_BYTES) + _MESSAGE_BYTES
_BODY_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 1.0
_PAGE: Final = 500
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})")
_ID: Final = "[A-Za-z0-9._:-]{1,64}"
_SHA256: Final = "[0-9a-f]{64}"
_IMMUTABLE: Final = {hdrs.CACHE_CONTROL: "private, max-age=31536000, immutable"}


class JobApi:
    """Answers the requests of one home; `clock` gives seconds since the epoch."""

    def __init__(self, desk: Desk, terms: Terms, token: str, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._terms = terms
        self._authorization = f"Bearer {token}".encode()
        self._clock = clock
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        """Return the application, ready to be served."""
        app = web.Application(middlewares=[problems_as_json, self._check_token])
        app.on_shutdown.append(self._end_waiting)
        app.add_routes(
            [
                web.post("/v1/leases", self._pull),
                web.post(f"/v1/leases/{{id:{_ID}}}/renewal", self._renew),
                web.post(f"/v1/leases/{{id:{_ID}}}/return", self._give_back),
                web.put(f"/v1/leases/{{id:{_ID}}}/result", self._deliver),
                web.get(f"/v1/modules/{{id:{_SHA256}}}", self._module),
                web.get(f"/v1/inputs/{{id:{_SHA256}}}", self._input),
                web.get(f"/v1/jobs/{{id:{_ID}}}/result", self._result),
                web.get("/v1/settlements", self._settlements),
                web.get("/v1/account", self._account),
            ]
        )
        return app

    @web.middleware
    async def _check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(hdrs.AUTHORIZATION, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self._authorization):
            raise web.HTTPUnauthorized(headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        return await handler(request)

    async def _end_waiting(self, _app: web.Application) -> None:
        self._closing.set()

    async def _pull(self, request: web.Request) -> web.Response:
        message = wire.read_object(await _body(request, _MESSAGE_BYTES))
        slots = wire.number(message, "slots", 0, 4096)
        pull = PullRequest(
            radiator_id=wire.name(message, "radiator_id"),
            key=wire.name(
                {"Idempotency-Key": request.headers.get("Idempotency-Key")}, "Idempotency-Key"
            ),
            count=min(wire.integer(message, "count", 1, MOST_LEASES), math.ceil(slots)),
            slot_w=wire.number(message, "slot_w", 0, 100_000),
        )
        wire.number(message, "wanted_s", 0, 10_000_000)
        able = CAPABILITY in wire.names(message, "capabilities", 16)
        leases = await self._wait_for_leases(pull, _wait_s(request)) if able else []
        return _json(
            {"leases": [_lease_json(lease) for lease in leases]},
            {} if leases else {hdrs.RETRY_AFTER: str(RETRY_AFTER_S)},
        )

    async def _wait_for_leases(self, pull: PullRequest, wait_s: float) -> list[Lease]:
        now_s = asyncio.get_running_loop().time
        end_s = now_s() + wait_s
        while True:
            leases = await self._desk.ask(lambda store: store.pull(pull, self._clock()))
            left_s = end_s - now_s()
            if leases or left_s <= 0 or self._closing.is_set():
                return leases
            try:
                async with asyncio.timeout(min(left_s, _POLL_S)):
                    await self._closing.wait()
            except TimeoutError:
                pass

    async def _renew(self, request: web.Request) -> web.Response:
        message = wire.read_object(await _body(request, _MESSAGE_BYTES))
        wire.number(message, "cpu_s", 0, 1e9)
        lease_id = request.match_info["id"]
        ttl_s = await self._desk.ask(lambda store: store.renew(lease_id, self._clock()))
        if ttl_s is None:
            return _json({"verdict": "cancel", "ttl_s": 0})
        return _json({"verdict": "continue", "ttl_s": ttl_s})

    async def _give_back(self, request: web.Request) -> web.Response:
        message = wire.read_object(await _body(request, _MESSAGE_BYTES))
        reason = wire.choice(message, "reason", GiveBackReason)
        lease_id = request.match_info["id"]
        await self._desk.ask(lambda store: store.give_back(lease_id, reason, self._clock()))
        return web.Response(status=204)

    async def _deliver(self, request: web.Request) -> web.Response:
        message = wire.read_object(await _body(request, _RESULT_BYTES))
        output = wire.data(message, "output", MOST_OUTPUT_BYTES)
        energy_j = wire.number(message, "energy_j", 0, 1e12)
        lease_id = request.match_info["id"]
        booking = await self._desk.ask(
            lambda store: store.deliver(lease_id, output, energy_j, self._clock())
        )
        return _json(dataclasses.asdict(booking))

    async def _module(self, request: web.Request) -> web.Response:
        sha256 = request.match_info["id"]
        return _bytes(await self._desk.ask(lambda store: store.module(sha256)))

    async def _input(self, request: web.Request) -> web.Response:
        sha256 = request.match_info["id"]
        return _bytes(await self._desk.ask(lambda store: store.input_data(sha256)))

    async def _result(self, request: web.Request) -> web.Response:
        job_id = request.match_info["id"]
        return _bytes(await self._desk.ask(lambda store: store.books.output(job_id)))

    async def _settlements(self, request: web.Request) -> web.Response:
        radiator_id = wire.name(request.query, "radiator_id")
        after = wire.name(request.query, "after") if "after" in request.query else None
        bookings, cursor = await self._desk.ask(
            lambda store: store.books.settlements(radiator_id, after, _PAGE)
        )
        return _json(
            {"settlements": [dataclasses.asdict(one) for one in bookings], "cursor": cursor}
        )

    async def _account(self, _request: web.Request) -> web.Response:
        return _json(
            {
                "currency": self._terms.currency,
                "balance": await self._desk.ask(lambda store: store.books.balance()),
                "repayment_per_kwh": self._terms.repayment_per_kwh,
            }
        )


async def _body(request: web.Request, most: int) -> bytes:
    if hdrs.CONTENT_ENCODING in request.headers:
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    async with asyncio.timeout(_BODY_TIMEOUT_S):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > most:
                raise web.HTTPRequestEntityTooLarge(most, len(body))
    return bytes(body)


def _wait_s(request: web.Request) -> float:
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(match[1]), MOST_WAIT_S) if match else 0.0


def _lease_json(lease: Lease) -> Mapping[str, object]:
    job = dataclasses.asdict(lease)
    return {"lease_id": job.pop("lease_id"), "ttl_s": job.pop("ttl_s"), "job": job}


def _json(message: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    text = json.dumps(message, default=_exactly)
    return web.Response(text=text, headers=headers, content_type="application/json")


def _exactly(value: Any) -> str:
    assert isinstance(value, Decimal)
    return f"{value:f}"


def _bytes(body: bytes | None) -> web.Response:
    if body is None:
        raise web.HTTPNotFound
    return web.Response(body=body, headers=_IMMUTABLE, content_type="application/octet-stream")
