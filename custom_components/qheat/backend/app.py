"""The job API, version 1, as an aiohttp application: JSON in, JSON or problem details out."""

import asyncio
import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from .. import wire
from .access import Access, admit, home_of
from .answers import (
    MESSAGE_BYTES,
    VERSION,
    VERSION_HEADER,
    bytes_answer,
    idempotency_key,
    json_answer,
    read_message,
)
from .desk import Desk
from .problems import problems_as_json
from .submit_api import SubmitApi
from .work import Delivery, GiveBackReason, Lease, PullRequest, Settlement, Terms

MOST_WAIT_S: Final = 60.0
MOST_FUEL: Final = 2**63 - 1
RETRY_AFTER_S: Final = 1
"""Short, for a job that comes meanwhile waits so long; homes ask with `Prefer: wait` again."""
CAPABILITY: Final = "wasm32-wasi"
OPENAPI_PATH: Final = "/v1/openapi.json"

_DOCUMENT: Final = Path(__file__).with_name("openapi.json")
_RESULT_BYTES: Final = wire.base64_length(wire.MOST_OUTPUT_BYTES) + MESSAGE_BYTES
_POLL_S: Final = 1.0
_PAGE: Final = 500
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*([0-9]{1,6})")
_ID: Final = "[A-Za-z0-9._:-]{1,64}"
_SHA256: Final = "[0-9a-f]{64}"


class JobApi:
    """Answers homes and the submitter; `clock` gives seconds since the epoch."""

    def __init__(
        self, desk: Desk, terms: Terms, access: Access, clock: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._terms = terms
        self._access = access
        self._clock = clock
        self._submit = SubmitApi(desk, clock)
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        """Return the application, ready to be served."""
        app = web.Application(middlewares=[problems_as_json, self._check_token])
        app.on_response_prepare.append(_say_version)
        app.on_shutdown.append(self._end_waiting)
        lease = f"/v1/leases/{{id:{_ID}}}"
        app.add_routes(
            [
                web.get(OPENAPI_PATH, _openapi),
                web.post("/v1/leases", self._pull),
                web.post(f"{lease}/renewal", self._renew),
                web.post(f"{lease}/return", self._give_back),
                web.put(f"{lease}/result", self._deliver),
                web.get(f"/v1/modules/{{id:{_SHA256}}}", self._module),
                web.get(f"/v1/inputs/{{id:{_SHA256}}}", self._input),
                web.put(f"/v1/modules/{{id:{_SHA256}}}", self._submit.put_module),
                web.put(f"/v1/modules/{{id:{_SHA256}}}/manifest", self._submit.put_manifest),
                web.put(f"/v1/inputs/{{id:{_SHA256}}}", self._submit.put_input),
                web.post("/v1/jobs", self._submit.submit),
                web.get(f"/v1/jobs/{{id:{_ID}}}", self._submit.report),
                web.get(f"/v1/jobs/{{id:{_ID}}}/result", self._submit.result),
                web.get("/v1/settlements", self._settlements),
                web.get("/v1/account", self._account),
                web.get("/v1/publishers", self._publishers),
            ]
        )
        return app

    @web.middleware
    async def _check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != OPENAPI_PATH:
            admit(request, self._access)
        return await handler(request)

    async def _end_waiting(self, _app: web.Application) -> None:
        self._closing.set()

    async def _pull(self, request: web.Request) -> web.Response:
        home_id = home_of(request)
        message = await read_message(request)
        slots = math.ceil(wire.number(message, "slots", 0, 4096))
        pull = PullRequest(
            home_id=home_id,
            radiator_id=wire.name(message, "radiator_id"),
            key=idempotency_key(request),
            count=min(wire.integer(message, "count", 1, wire.MOST_LEASES), slots),
            slots=slots,
            slot_w=wire.number(message, "slot_w", 0, 100_000),
            wanted_s=wire.number(message, "wanted_s", 0, 10_000_000),
            unpaid=wire.flag(message, "unpaid") if "unpaid" in message else False,
        )
        able = CAPABILITY in wire.names(message, "capabilities", 16)
        leases = await self._wait_for_leases(pull, _wait_s(request)) if able else []
        return json_answer(
            {"leases": [_lease_json(lease) for lease in leases]},
            headers={} if leases else {hdrs.RETRY_AFTER: str(RETRY_AFTER_S)},
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
        home_id, lease_id = home_of(request), request.match_info["id"]
        message = await read_message(request)
        wire.number(message, "cpu_s", 0, 1e9)
        ttl_s = await self._desk.ask(lambda store: store.renew(home_id, lease_id, self._clock()))
        if ttl_s is None:
            return json_answer({"verdict": "cancel", "ttl_s": 0})
        return json_answer({"verdict": "continue", "ttl_s": ttl_s})

    async def _give_back(self, request: web.Request) -> web.Response:
        home_id, lease_id = home_of(request), request.match_info["id"]
        message = await read_message(request)
        reason = wire.choice(message, "reason", GiveBackReason)
        await self._desk.ask(
            lambda store: store.give_back(home_id, lease_id, reason, self._clock())
        )
        return web.Response(status=204)

    async def _deliver(self, request: web.Request) -> web.Response:
        home_id, lease_id = home_of(request), request.match_info["id"]
        message = await read_message(request, _RESULT_BYTES)
        delivery = Delivery(
            output=wire.data(message, "output", wire.MOST_OUTPUT_BYTES),
            energy_j=wire.number(message, "energy_j", 0, 1e12),
            fuel=wire.integer(message, "fuel", 0, MOST_FUEL) if "fuel" in message else None,
        )
        settled = await self._desk.ask(
            lambda store: store.deliver(home_id, lease_id, delivery, self._clock())
        )
        return json_answer(
            dataclasses.asdict(settled), status=200 if isinstance(settled, Settlement) else 202
        )

    async def _module(self, request: web.Request) -> web.Response:
        sha256 = request.match_info["id"]
        return bytes_answer(await self._desk.ask(lambda store: store.blobs.module(sha256)))

    async def _input(self, request: web.Request) -> web.Response:
        sha256 = request.match_info["id"]
        return bytes_answer(await self._desk.ask(lambda store: store.blobs.get(sha256)))

    async def _settlements(self, request: web.Request) -> web.Response:
        home_id = home_of(request)
        radiator_id = wire.name(request.query, "radiator_id")
        after = wire.name(request.query, "after") if "after" in request.query else None
        settlements, cursor = await self._desk.ask(
            lambda store: store.books.settlements(home_id, radiator_id, after, _PAGE)
        )
        return json_answer(
            {"settlements": [dataclasses.asdict(one) for one in settlements], "cursor": cursor}
        )

    async def _publishers(self, request: web.Request) -> web.Response:
        home_of(request)
        told = await self._desk.ask(lambda store: store.manifests.publishers())
        return json_answer({"publishers": [dataclasses.asdict(one) for one in told]})

    async def _account(self, request: web.Request) -> web.Response:
        home_id = home_of(request)
        return json_answer(
            {
                "currency": self._terms.currency,
                "balance": await self._desk.ask(lambda store: store.books.balance(home_id)),
                "repayment_per_kwh": self._terms.repayment_per_kwh,
            }
        )


async def _openapi(_request: web.Request) -> web.Response:
    body = await asyncio.to_thread(_DOCUMENT.read_bytes)
    return web.Response(body=body, content_type="application/json")


async def _say_version(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers[VERSION_HEADER] = str(VERSION)


def _wait_s(request: web.Request) -> float:
    match = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(match[1]), MOST_WAIT_S) if match else 0.0


def _lease_json(lease: Lease) -> Mapping[str, object]:
    job = dataclasses.asdict(lease)
    job["signed"] = lease.signed and lease.signed.to_message()
    return {"lease_id": job.pop("lease_id"), "ttl_s": job.pop("ttl_s"), "job": job}
