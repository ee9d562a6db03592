"""Whose modules run: those of accepted publishers, on a real machine with a real backend."""

import dataclasses
from collections.abc import AsyncIterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from custom_components.qheat.backend.access import Access
from custom_components.qheat.backend.server import JobServer
from custom_components.qheat.backend.submissions import Submissions
from custom_components.qheat.backend.work import HOME, JobReport, NoCatalogue, Submission
from custom_components.qheat.compute.engine import EngineProblem, HeatKind
from custom_components.qheat.compute.machine import Limits, WorkError, WorkFault
from custom_components.qheat.compute.messages import JobLease
from custom_components.qheat.compute.modules import SHIPPED
from custom_components.qheat.compute.trust import Trust, UntrustedError
from tests.backend.tiny import TERMS
from tests.publishing import OTHER_KEY, manifest_of, signed
from tests.waiting import until

from .guests import ECHO, LIMITS, OWNER, machine_for
from .homes import TOKEN, client_of, engine_on, heat, machine_with, settled

NOW = 1_900_000_000.0
ECHO_SHA256 = sha256(ECHO).hexdigest()
MANIFEST = manifest_of(ECHO_SHA256)
PUBLISHER = signed(MANIFEST).publisher
TRUST = Trust({PUBLISHER})
LEASE = JobLease(
    lease_id="lease",
    ttl_s=60.0,
    kind="echo",
    module_sha256=ECHO_SHA256,
    input_sha256="0" * 64,
    pay=Decimal("0.01"),
    repayment_per_kwh=Decimal(0),
    limits=Limits(memory_bytes=1 << 24, cpu_s=600.0, output_bytes=1 << 20),
    signed=signed(MANIFEST),
)

SUBMISSION = Submission(
    key="order",
    kind="echo",
    module_sha256=ECHO_SHA256,
    input_sha256=sha256(b"input").hexdigest(),
    input_data=b"input",
    pay=Decimal("0.01"),
    repayment_per_kwh=None,
    memory_bytes=1 << 20,
    cpu_s=10.0,
    output_bytes=1000,
    replicas=1,
)


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[JobServer]:
    """Yield a backend with one submitted job, whose module a publisher has signed."""
    server = JobServer(
        db_path=tmp_path / "jobs.db",
        access=Access(homes={HOME: TOKEN}),
        terms=TERMS,
        catalogue=NoCatalogue(),
    )
    await server.open()
    await server.listen_unix(tmp_path / "jobs.sock")
    await server.desk.ask(lambda store: store.blobs.upload(ECHO_SHA256, ECHO, NOW))
    await server.desk.ask(lambda store: store.manifests.keep(signed(MANIFEST), MANIFEST))
    await server.desk.ask(lambda store: Submissions(store).submit(SUBMISSION, NOW))
    yield server
    await server.close()


async def told(backend: JobServer) -> JobReport:
    """Return how the job stands: submitted again it is the same one."""
    return (await backend.desk.ask(lambda store: Submissions(store).submit(SUBMISSION, NOW)))[0]


async def test_a_job_of_an_accepted_publisher_is_run_and_paid(
    backend: JobServer, tmp_path: Path
) -> None:
    async with (
        client_of(tmp_path / "jobs.sock") as client,
        machine_with() as machine,
        engine_on(client, machine, trust=TRUST) as engine,
    ):
        engine.set_budget(heat())
        page = await settled(engine, 1)
        assert [(one.accepted, one.earned) for one in page.settlements] == [(True, Decimal("0.01"))]
    report = await told(backend)
    assert await backend.desk.ask(lambda store: store.books.output(report.job_id)) == b"input"


@pytest.mark.parametrize("accepted", [(), (signed(MANIFEST, OTHER_KEY).publisher,)])
async def test_a_job_of_another_publisher_goes_back_and_why_is_told_and_nobody_freezes(
    backend: JobServer, tmp_path: Path, accepted: tuple[str, ...]
) -> None:
    async with (
        client_of(tmp_path / "jobs.sock") as client,
        machine_with() as machine,
        engine_on(client, machine, trust=Trust(accepted)) as engine,
    ):
        engine.set_budget(heat())
        unaccepted = EngineProblem.PUBLISHER_NOT_ACCEPTED
        await until(lambda: engine.status().problem is unaccepted)
        await until(lambda: engine.status().heat_kind is HeatKind.OWN)
        assert engine.status().problem is unaccepted
        report = await told(backend)
        # Nobody else is there, so that it is offered here again and again.
        assert {lease.state for lease in report.leases} - {"held"} == {"returned"}
        assert (await engine.settlements(None)).settlements == ()


def test_a_lease_that_a_manifest_covers_may_run() -> None:
    TRUST.check(LEASE, NOW)


@pytest.mark.parametrize(
    ("changes", "now", "problem"),
    [
        ({"signed": None}, NOW, EngineProblem.BACKEND_FAULTY),
        ({"signed": signed(MANIFEST, OTHER_KEY)}, NOW, EngineProblem.PUBLISHER_NOT_ACCEPTED),
        (
            {"signed": dataclasses.replace(signed(MANIFEST), signature=bytes(64))},
            NOW,
            EngineProblem.BACKEND_FAULTY,
        ),
        ({}, MANIFEST.expires, EngineProblem.BACKEND_FAULTY),
        ({"module_sha256": "1" * 64}, NOW, EngineProblem.BACKEND_FAULTY),
        ({"kind": "other"}, NOW, EngineProblem.BACKEND_FAULTY),
        *(
            (
                {"limits": dataclasses.replace(LEASE.limits, **more)},
                NOW,
                EngineProblem.BACKEND_FAULTY,
            )
            for more in (
                {"memory_bytes": (1 << 24) + 1},
                {"cpu_s": 600.1},
                {"output_bytes": (1 << 20) + 1},
            )
        ),
    ],
)
def test_a_lease_that_no_accepted_publisher_signed_for_may_not_run(
    changes: dict[str, object], now: float, problem: EngineProblem
) -> None:
    with pytest.raises(UntrustedError) as caught:
        TRUST.check(dataclasses.replace(LEASE, **changes), now)  # type: ignore[arg-type]
    assert caught.value.problem is problem


def test_an_older_manifest_does_not_count_once_a_newer_one_was_seen() -> None:
    kept: list[dict[str, int]] = []
    trust = Trust({PUBLISHER}, keep=lambda serials: kept.append(dict(serials)))
    trust.check(LEASE, NOW)
    trust.check(_signed_again(serial=MANIFEST.serial), NOW)
    narrower = _signed_again(serial=MANIFEST.serial + 1, cpu_s=1)
    with pytest.raises(UntrustedError, match="cover"):
        trust.check(narrower, NOW)
    for one in (trust, Trust({PUBLISHER}, serials=kept[-1])):
        with pytest.raises(UntrustedError, match="newer") as caught:
            one.check(LEASE, NOW)
        assert caught.value.problem is EngineProblem.BACKEND_FAULTY
    assert [list(serials.values()) for serials in kept] == [[7], [8]]


def test_serials_are_apart_for_each_module_and_publisher() -> None:
    other = signed(MANIFEST, OTHER_KEY)
    trust = Trust({PUBLISHER, other.publisher})
    trust.check(_signed_again(serial=100), NOW)
    trust.check(dataclasses.replace(LEASE, signed=other), NOW)
    another = manifest_of("1" * 64)
    trust.check(dataclasses.replace(LEASE, module_sha256="1" * 64, signed=signed(another)), NOW)


def test_a_manifest_that_is_not_the_publishers_raises_no_serial() -> None:
    trust = Trust({PUBLISHER}, keep=lambda _serials: pytest.fail("kept"))
    forged = dataclasses.replace(
        signed(dataclasses.replace(MANIFEST, serial=2**53 - 1)), signature=bytes(64)
    )
    with pytest.raises(UntrustedError):
        trust.check(dataclasses.replace(LEASE, signed=forged), NOW)


def test_serials_take_no_more_than_so_much_memory_and_those_raised_last_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.qheat.compute.trust.MOST_SERIALS", 2)
    kept: list[str] = []
    trust = Trust(
        {PUBLISHER}, keep=lambda serials: kept.append("".join(name[-1] for name in serials))
    )
    for digit, serial in (("1", 1), ("2", 1), ("1", 2), ("3", 1)):
        module = digit * 64
        manifest = signed(manifest_of(module, serial=serial))
        trust.check(dataclasses.replace(LEASE, module_sha256=module, signed=manifest), NOW)
    assert kept == ["1", "12", "21", "13"]


def _signed_again(**changes: Any) -> JobLease:
    return dataclasses.replace(LEASE, signed=signed(dataclasses.replace(MANIFEST, **changes)))


async def test_the_runner_itself_refuses_a_module_that_is_not_the_one_vouched_for() -> None:
    async with machine_for() as machine:
        output = (await machine.run(OWNER, ECHO, b"input", LIMITS, ECHO_SHA256)).output
        assert output == b"input"
        for module_sha256 in ("0" * 64, next(iter(SHIPPED))):
            with pytest.raises(WorkError) as caught:
                await machine.run(OWNER, ECHO, b"input", LIMITS, module_sha256)
            assert caught.value.fault is WorkFault.REFUSED
