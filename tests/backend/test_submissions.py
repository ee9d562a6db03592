"""The submitter's side over HTTP: bring a job, follow it, fetch its result."""

import asyncio
import dataclasses
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from custom_components.qheat.backend import blobs, submissions
from custom_components.qheat.backend.server import JobServer
from custom_components.qheat.compute.client import JobClient
from custom_components.qheat.compute.messages import GiveBackReason, Pending, PullRequest
from custom_components.qheat.manifests import SignedManifest

from ..publishing import KEY, OTHER_KEY, manifest_of, signed
from .test_api import PULL, problem, session_at
from .tiny import server_in

MODULE = b"\0asm\1\0\0\0"
MODULE_SHA256 = sha256(MODULE).hexdigest()
INPUT = b"what is to be done"
INPUT_SHA256 = sha256(INPUT).hexdigest()
HOMES = {"a": "token-of-a", "b": "token-of-b", "c": "token-of-c"}
MANIFEST = signed(
    manifest_of(MODULE_SHA256, memory_bytes=1 << 30, cpu_s=86_400, output_bytes=8 << 20)
)
JOB = {
    "kind": "echo",
    "module_sha256": MODULE_SHA256,
    "input": b64encode(INPUT).decode(),
    "pay": "0.005",
    "memory_bytes": 65536,
    "cpu_s": 10.0,
    "output_bytes": 100,
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[JobServer]:
    async with server_in(tmp_path, HOMES, "token-of-the-submitter") as server:
        await server.listen_unix(tmp_path / "jobs.sock")
        yield server


@pytest.fixture
async def session(server: JobServer, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with session_at(tmp_path / "jobs.sock", "token-of-the-submitter") as session:
        yield session


async def put(session: aiohttp.ClientSession, kind: str, body: bytes, name: str = "") -> int:
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/v1/{kind}/{name or sha256(body).hexdigest()}"
    async with session.put(path, data=BytesIO(body), headers=headers) as response:
        return response.status if response.status < 400 else await problem(response)


async def put_manifest(
    session: aiohttp.ClientSession, one: SignedManifest, module_sha256: str = MODULE_SHA256
) -> int:
    path = f"/v1/modules/{module_sha256}/manifest"
    async with session.put(path, json=one.to_message()) as response:
        return response.status if response.status < 400 else await problem(response)


async def submit(
    session: aiohttp.ClientSession, key: str | None = "k", **changes: Any
) -> tuple[int, Any]:
    """Upload the module and its manifest and submit a job."""
    await put(session, "modules", MODULE)
    await put_manifest(session, MANIFEST)
    job = {name: value for name, value in {**JOB, **changes}.items() if value is not None}
    headers = {} if key is None else {"Idempotency-Key": key}
    async with session.post("/v1/jobs", json=job, headers=headers) as response:
        if response.status >= 400:
            return await problem(response), None
        report = await response.json()
        assert response.headers["Location"] == f"/v1/jobs/{report['job_id']}"
        return response.status, report


async def follow(session: aiohttp.ClientSession, job_id: str) -> Any:
    async with session.get(f"/v1/jobs/{job_id}") as response:
        assert response.status == 200
        return await response.json()


class Home:
    """A home that pulls, with the client that homes use."""

    def __init__(self, folder: Path, home_id: str) -> None:
        self.session = session_at(folder / "jobs.sock", HOMES[home_id])
        self.client = JobClient(self.session, "http://localhost", HOMES[home_id])
        self.pulls = 0

    async def pull(self) -> Any:
        self.pulls += 1
        request = PullRequest(
            radiator_id="r1", key=f"key-{self.pulls}", count=1, slots=1, slot_w=100.0, wanted_s=60.0
        )
        leases = (await self.client.pull(request, 0)).leases
        return leases[0] if leases else None

    async def deliver(self, lease_id: str, output: bytes, fuel: int | None = None) -> Any:
        return await self.client.deliver(lease_id, "r1", output, 1.0, fuel)


@pytest.fixture
async def homes(server: JobServer, tmp_path: Path) -> AsyncIterator[dict[str, Home]]:
    homes = {home_id: Home(tmp_path, home_id) for home_id in HOMES}
    yield homes
    for home in homes.values():
        await home.session.close()


async def test_a_job_goes_from_its_submitter_to_a_home_and_back(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    status, report = await submit(session)
    assert status == 201
    assert report["state"] == "queued"
    lease = await homes["a"].pull()
    assert await homes["a"].client.module(lease.module_sha256) == MODULE
    assert await homes["a"].client.input_data(lease.input_sha256) == INPUT
    assert (await follow(session, report["job_id"]))["state"] == "leased"
    async with session.get(f"/v1/jobs/{report['job_id']}/result") as response:
        assert await problem(response) == 404
    settlement = await homes["a"].deliver(lease.lease_id, b"done")
    assert settlement.accepted
    assert str(settlement.earned) == "0.005"
    report = await follow(session, report["job_id"])
    assert report["state"] == "settled"
    assert report["result"] == {"output_sha256": sha256(b"done").hexdigest(), "fuel": None}
    (tried,) = report["leases"]
    assert (tried["home_id"], tried["state"]) == ("a", "accepted")
    async with session.get(f"/v1/jobs/{report['job_id']}/result") as response:
        assert await response.read() == b"done"


async def test_a_job_submitted_again_is_the_same_job(session: aiohttp.ClientSession) -> None:
    answers = await asyncio.gather(*(submit(session) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 201]
    assert len({report["job_id"] for _, report in answers}) == 1
    assert await submit(session, pay="0.006") == (422, None)
    assert (await submit(session, "other"))[1]["job_id"] != answers[0][1]["job_id"]


async def test_a_module_and_an_input_are_kept_under_their_own_hash_only(
    session: aiohttp.ClientSession,
) -> None:
    assert await put(session, "modules", MODULE) == 201
    assert await put(session, "modules", MODULE) == 204
    assert await put(session, "inputs", INPUT) == 201
    assert await put(session, "inputs", INPUT, name=MODULE_SHA256) == 422
    assert await put(session, "modules", b"no module") == 422
    assert await put(session, "inputs", b"x", name="A" * 64) == 404
    assert await put(session, "inputs", b"x" * (8 * 1024 * 1024 + 1)) == 413
    status, report = await submit(session, input=None, input_sha256=INPUT_SHA256)
    assert status == 201
    assert report["input_sha256"] == INPUT_SHA256


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"kind": "a b"}, 400),
        ({"kind": None}, 400),
        ({"module_sha256": "0" * 63}, 400),
        ({"module_sha256": "0" * 64}, 422),
        ({"input": None}, 400),
        ({"input": "*"}, 400),
        ({"input_sha256": INPUT_SHA256}, 400),
        ({"input": None, "input_sha256": "0" * 64}, 422),
        ({"pay": "-0.1"}, 400),
        ({"pay": 0.1}, 400),
        ({"pay": "1000000"}, 400),
        ({"repayment_per_kwh": "-1"}, 400),
        ({"repayment_per_kwh": "1000000"}, 400),
        ({"memory_bytes": 0}, 400),
        ({"memory_bytes": 1 << 40}, 400),
        ({"cpu_s": 0}, 400),
        ({"cpu_s": 1e9}, 400),
        ({"output_bytes": 8 * 1024 * 1024 + 1}, 400),
        ({"replicas": 0}, 400),
        ({"replicas": 6}, 400),
        ({"replicas": True}, 400),
    ],
)
async def test_a_wrong_job_is_refused(
    session: aiohttp.ClientSession, homes: dict[str, Home], changes: dict[str, Any], status: int
) -> None:
    assert await submit(session, **changes) == (status, None)
    assert await homes["a"].pull() is None


@pytest.mark.parametrize("key", [None, "a b", "x" * 65])
async def test_a_job_needs_a_key(session: aiohttp.ClientSession, key: str | None) -> None:
    assert await submit(session, key) == (400, None)


async def test_a_home_cannot_submit_and_a_submitter_cannot_pull(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    home = homes["a"].session
    assert await submit(home) == (403, None)
    assert await put(home, "inputs", INPUT) == 403
    async with session.post("/v1/leases", json=PULL, headers={"Idempotency-Key": "k"}) as response:
        assert await problem(response) == 403
    for path in ("/v1/account", "/v1/settlements?radiator_id=r1"):
        async with session.get(path) as response:
            assert await problem(response) == 403


async def test_a_home_has_no_part_in_the_leases_and_the_money_of_another(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    await submit(session)
    lease = await homes["a"].pull()
    assert await homes["b"].client.renew(lease.lease_id, 0.0) is None
    assert await homes["b"].deliver(lease.lease_id, b"stolen") is None
    assert (await homes["a"].deliver(lease.lease_id, b"done")).accepted
    balances = [(await homes[home].client.account()).balance for home in "ab"]
    assert balances[0] > 0
    assert balances[1] == 0
    assert (await homes["b"].client.settlements("r1", None)).settlements == ()


async def test_two_results_that_agree_are_both_paid_and_neither_is_told_before(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    _, report = await submit(session, replicas=2)
    first = await homes["a"].pull()
    assert await homes["a"].pull() is None
    second = await homes["b"].pull()
    assert await homes["c"].pull() is None
    assert isinstance(await homes["a"].deliver(first.lease_id, b"done"), Pending)
    assert isinstance(await homes["a"].deliver(first.lease_id, b"other"), Pending)
    assert (await homes["a"].client.settlements("r1", None)).settlements == ()
    async with homes["b"].session.get(f"/v1/jobs/{report['job_id']}") as response:
        assert sha256(b"done").hexdigest() not in await response.text()
        assert await problem(response) == 403
    assert (await follow(session, report["job_id"]))["agreeing"] == 1
    assert (await homes["b"].deliver(second.lease_id, b"done")).accepted
    (late,) = (await homes["a"].client.settlements("r1", None)).settlements
    assert late.accepted
    assert await homes["a"].deliver(first.lease_id, b"done") == late
    report = await follow(session, report["job_id"])
    assert (report["state"], report["agreeing"]) == ("settled", 2)


async def test_a_third_home_decides_and_the_loser_is_refused_with_a_reason(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    _, report = await submit(session, replicas=2)
    leases = {home: await homes[home].pull() for home in "ab"}
    assert isinstance(await homes["a"].deliver(leases["a"].lease_id, b"wrong"), Pending)
    assert isinstance(await homes["b"].deliver(leases["b"].lease_id, b"done"), Pending)
    third = await homes["c"].pull()
    assert (await homes["c"].deliver(third.lease_id, b"done")).accepted
    (lost,) = (await homes["a"].client.settlements("r1", None)).settlements
    assert not lost.accepted
    assert lost.earned == lost.repaid == 0
    async with homes["a"].session.get("/v1/settlements?radiator_id=r1") as response:
        text = await response.text()
        assert json.loads(text)["settlements"][0]["reason"] == "outvoted"
        assert sha256(b"done").hexdigest() not in text
    (won,) = (await homes["b"].client.settlements("r1", None)).settlements
    assert won.accepted
    async with session.get(f"/v1/jobs/{report['job_id']}/result") as response:
        assert await response.read() == b"done"


async def test_one_home_that_fails_everything_withdraws_no_job_and_costs_no_other_its_pay(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    keys = ["one", "two", "three"]
    jobs = [(await submit(session, key, replicas=2))[1]["job_id"] for key in keys]
    for _ in keys:
        lease = await homes["a"].pull()
        assert isinstance(await homes["a"].deliver(lease.lease_id, b"done"), Pending)
    failed = 0
    while lease := await homes["b"].pull():
        await homes["b"].client.give_back(lease.lease_id, GiveBackReason.FAILED)
        failed += 1
    assert failed == len(jobs)
    assert (await homes["a"].client.settlements("r1", None)).settlements == ()
    for _ in keys:
        lease = await homes["c"].pull()
        assert (await homes["c"].deliver(lease.lease_id, b"done")).accepted
    told = (await homes["a"].client.settlements("r1", None)).settlements
    assert [one.accepted for one in told] == [True] * len(jobs)
    assert {(await follow(session, job))["state"] for job in jobs} == {"settled"}


async def test_a_job_that_every_home_fails_is_withdrawn(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    _, report = await submit(session)
    for home in homes.values():
        assert (await follow(session, report["job_id"]))["state"] == "queued"
        lease = await home.pull()
        await home.client.give_back(lease.lease_id, GiveBackReason.FAILED)
    report = await follow(session, report["job_id"])
    assert (report["state"], report["reason"]) == ("withdrawn", "failed")


async def test_fuel_is_asked_for_where_results_are_compared_and_nowhere_else(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    await submit(session, "alone", replicas=1)
    assert not (await homes["a"].pull()).count_fuel
    await submit(session, "compared", replicas=2)
    assert (await homes["a"].pull()).count_fuel


@pytest.mark.parametrize("lie", [8, None, 0, 2**63 - 1])
async def test_the_same_output_with_other_fuel_is_outvoted(
    session: aiohttp.ClientSession, homes: dict[str, Home], lie: int | None
) -> None:
    _, report = await submit(session, replicas=2)
    leases = {home: await homes[home].pull() for home in "ab"}
    assert isinstance(await homes["a"].deliver(leases["a"].lease_id, b"done", lie), Pending)
    assert isinstance(await homes["b"].deliver(leases["b"].lease_id, b"done", 7), Pending)
    third = await homes["c"].pull()
    assert (await homes["c"].deliver(third.lease_id, b"done", 7)).accepted
    async with homes["a"].session.get("/v1/settlements?radiator_id=r1") as response:
        (lost,) = (await response.json())["settlements"]
    assert (lost["reason"], lost["earned"], lost["fuel"]) == ("outvoted", "0", lie)
    report = await follow(session, report["job_id"])
    assert report["result"] == {"output_sha256": sha256(b"done").hexdigest(), "fuel": 7}


@pytest.mark.parametrize("fuel", [-1, 2**63, 1.5, True, "7", None])
async def test_fuel_that_is_no_count_is_refused(
    session: aiohttp.ClientSession, homes: dict[str, Home], fuel: object
) -> None:
    await submit(session)
    lease = await homes["a"].pull()
    path = f"/v1/leases/{lease.lease_id}/result"
    result = {"output": "", "energy_j": 1, "fuel": fuel}
    async with homes["a"].session.put(path, json=result) as response:
        assert await problem(response) == 400


async def test_where_nobody_agrees_nobody_is_paid_and_the_job_is_withdrawn(
    session: aiohttp.ClientSession, homes: dict[str, Home]
) -> None:
    _, report = await submit(session, replicas=2)
    for home in HOMES:
        lease = await homes[home].pull()
        answer = await homes[home].deliver(lease.lease_id, home.encode())
    assert not answer.accepted
    report = await follow(session, report["job_id"])
    assert (report["state"], report["reason"]) == ("withdrawn", "no_agreement")
    assert report["result"] is None


async def test_a_queue_or_a_storage_that_is_full_says_so(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "MOST_OPEN_JOBS", 1)
    assert (await submit(session, "a"))[0] == 201
    assert await submit(session, "b") == (429, None)
    assert (await submit(session, "a"))[0] == 200
    monkeypatch.setattr(submissions, "MOST_OPEN_JOBS", 10)
    monkeypatch.setattr(blobs, "MOST_STORED_BYTES", 200)
    assert await submit(session, "c") == (507, None)
    assert await put(session, "inputs", b"x" * 200) == 507
    monkeypatch.setattr(blobs, "MOST_STORED_BYTES", 10_000)
    assert (await submit(session, "c"))[0] == 201


async def test_a_job_needs_a_manifest_that_covers_it(session: aiohttp.ClientSession) -> None:
    job = {**JOB, "memory_bytes": 1 << 20, "cpu_s": 10, "output_bytes": 100}
    bounds = manifest_of(MODULE_SHA256, memory_bytes=1 << 20, cpu_s=10, output_bytes=100)

    async def ask(key: str, **changes: Any) -> int:
        headers = {"Idempotency-Key": key}
        async with session.post("/v1/jobs", json={**job, **changes}, headers=headers) as response:
            return response.status if response.status < 400 else await problem(response)

    await put(session, "modules", MODULE)
    assert await ask("unsigned") == 422
    assert await put_manifest(session, signed(bounds)) == 201
    assert await ask("covered") == 201
    for more in ({"memory_bytes": (1 << 20) + 1}, {"cpu_s": 10.5}, {"output_bytes": 101}):
        assert await ask("more", **more) == 422
    assert await ask("another-kind", kind="other") == 422


async def test_a_manifest_that_does_not_hold_is_refused(session: aiohttp.ClientSession) -> None:
    good = manifest_of(MODULE_SHA256)
    assert await put_manifest(session, signed(good)) == 422  # the module comes first
    await put(session, "modules", MODULE)
    for bad in (
        signed(manifest_of("0" * 64)),
        signed(manifest_of(MODULE_SHA256, expires=1)),
        signed(good.encode() + b" "),
        dataclasses.replace(signed(good), signature=signed(good, OTHER_KEY).signature),
    ):
        assert await put_manifest(session, bad) == 422
    async with session.put(f"/v1/modules/{MODULE_SHA256}/manifest", json={}) as response:
        assert await problem(response) == 400
    assert await put_manifest(session, signed(good)) == 201
    assert await put_manifest(session, signed(good)) == 204


async def test_of_a_publishers_manifests_the_one_with_the_highest_serial_counts(
    session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    await submit(session)
    home = Home(tmp_path, "a")
    for serial, key, status in ((8, KEY, 201), (7, KEY, 409), (6, OTHER_KEY, 201)):
        one = signed(manifest_of(MODULE_SHA256, serial=serial), key)
        assert await put_manifest(session, one) == status
    rival = signed(manifest_of(MODULE_SHA256, serial=6, cpu_s=5), OTHER_KEY)
    assert await put_manifest(session, rival) == 409
    lease = await home.pull()
    assert lease.signed == signed(manifest_of(MODULE_SHA256, serial=6), OTHER_KEY)
    await home.session.close()
