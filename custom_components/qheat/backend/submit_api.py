"""The submitter's part of the job API: modules, inputs and jobs in, results out."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

from .. import wire
from ..manifests import ExpiredError, SignedManifest
from ..wire import FieldError, Fields
from .access import check_submitter
from .answers import (
    MESSAGE_BYTES,
    bytes_answer,
    idempotency_key,
    json_answer,
    read_body,
    read_message,
)
from .desk import Desk
from .submissions import Submissions
from .work import MOST_REPLICAS, BlobWrongError, ManifestWrongError, Submission

MOST_MODULE_BYTES: Final = 16 * 1024 * 1024
MOST_INPUT_BYTES: Final = 8 * 1024 * 1024
AMOUNT_LIMIT: Final = Decimal(1_000_000)
"""Homes book no payment above this."""

_WASM: Final = b"\0asm\1\0\0\0"
_JOB_BYTES: Final = wire.base64_length(MOST_INPUT_BYTES) + MESSAGE_BYTES
_OCTETS: Final = "application/octet-stream"


class SubmitApi:
    """Answers the submitter; `clock` gives seconds since the epoch."""

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._clock = clock

    async def put_module(self, request: web.Request) -> web.Response:
        """Take in a module under its hash."""
        return await self._put(request, MOST_MODULE_BYTES, _WASM)

    async def put_manifest(self, request: web.Request) -> web.Response:
        """Take in what a publisher signed for a module."""
        check_submitter(request)
        signed = SignedManifest.read(await read_message(request))
        try:
            manifest = signed.verify(self._clock())
        except (FieldError, ExpiredError) as error:
            raise ManifestWrongError from error
        if manifest.module_sha256 != request.match_info["id"]:
            raise ManifestWrongError
        new = await self._desk.ask(lambda store: store.manifests.keep(signed, manifest))
        return web.Response(status=201 if new else 204)

    async def put_input(self, request: web.Request) -> web.Response:
        """Take in an input under its hash."""
        return await self._put(request, MOST_INPUT_BYTES, b"")

    async def submit(self, request: web.Request) -> web.Response:
        """Queue a job."""
        check_submitter(request)
        submission = _submission(idempotency_key(request), await read_message(request, _JOB_BYTES))
        report, new = await self._desk.ask(
            lambda store: Submissions(store).submit(submission, self._clock())
        )
        return json_answer(
            dataclasses.asdict(report),
            status=201 if new else 200,
            headers={hdrs.LOCATION: f"/v1/jobs/{report.job_id}"},
        )

    async def report(self, request: web.Request) -> web.Response:
        """Tell how a job stands."""
        check_submitter(request)
        job_id = request.match_info["id"]
        report = await self._desk.ask(lambda store: Submissions(store).report(job_id))
        return json_answer(dataclasses.asdict(report))

    async def result(self, request: web.Request) -> web.Response:
        """Answer with the accepted output of a job."""
        check_submitter(request)
        job_id = request.match_info["id"]
        return bytes_answer(await self._desk.ask(lambda store: store.books.output(job_id)))

    async def _put(self, request: web.Request, most: int, beginning: bytes) -> web.Response:
        check_submitter(request)
        name = request.match_info["id"]
        body = await read_body(request, most, _OCTETS)
        if sha256(body).hexdigest() != name or not body.startswith(beginning):
            raise BlobWrongError
        new = await self._desk.ask(lambda store: store.blobs.upload(name, body, self._clock()))
        return web.Response(status=201 if new else 204)


def amount(message: Fields, name: str) -> Decimal:
    """Return what is paid for a job, or repaid for a kilowatt-hour. Raises FieldError."""
    value = wire.money(message, name)
    if value.is_signed() or value >= AMOUNT_LIMIT:
        raise FieldError(f"{name} is less than nothing, or {AMOUNT_LIMIT} or more")
    return value


def _submission(key: str, message: Fields) -> Submission:
    data = wire.data(message, "input", MOST_INPUT_BYTES) if "input" in message else None
    if (data is None) is ("input_sha256" not in message):
        raise FieldError("a job has either input or input_sha256")
    return Submission(
        key=key,
        kind=wire.name(message, "kind"),
        module_sha256=wire.sha256(message, "module_sha256"),
        input_sha256=wire.sha256(message, "input_sha256")
        if data is None
        else sha256(data).hexdigest(),
        input_data=data,
        pay=amount(message, "pay"),
        repayment_per_kwh=amount(message, "repayment_per_kwh")
        if "repayment_per_kwh" in message
        else None,
        memory_bytes=wire.integer(message, "memory_bytes", 1, wire.MOST_MEMORY_BYTES),
        cpu_s=wire.number(message, "cpu_s", 0.001, wire.MOST_CPU_S),
        output_bytes=wire.integer(message, "output_bytes", 0, wire.MOST_OUTPUT_BYTES),
        replicas=wire.integer(message, "replicas", 1, MOST_REPLICAS)
        if "replicas" in message
        else 1,
    )
