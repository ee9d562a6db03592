"""The document of the API and the backend say the same, whoever asks whatever."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import schemathesis

from custom_components.qheat.backend.access import Access
from custom_components.qheat.backend.app import JobApi
from custom_components.qheat.backend.desk import Desk

from ..publishing import manifest_of, signed
from .processes import ROOT, end, start
from .tiny import TERMS

DOCUMENT = ROOT / "custom_components/qheat/backend/openapi.json"
SETTINGS = """
color = false
warnings = false
[generation]
deterministic = true
database = "none"
max-examples = 25
[auth.openapi.home]
bearer = "token-of-the-home"
[auth.openapi.submitter]
bearer = "token-of-the-submitter"
# No schema can say that bytes have the hash of their path, or that a key is new.
[[operations]]
include-operation-id = ["put_module", "put_manifest", "put_input", "submit"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "422", "429", "507"]
"""


@contextlib.asynccontextmanager
async def backend_in(folder: Path) -> AsyncIterator[str]:
    """Yield the address of a backend in a process of its own."""
    (folder / "home").write_text("token-of-the-home")
    (folder / "submitter").write_text("token-of-the-submitter")
    process = await start(
        *("--listen", "127.0.0.1:0"),
        *("--database", folder / "jobs.db"),
        *("--token-file", folder / "home"),
        *("--submitter-token-file", folder / "submitter"),
        stdout=PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        yield f"http://127.0.0.1:{int(line.split()[-1])}"
    finally:
        await end(process)


async def test_whatever_is_asked_is_answered_as_the_document_says(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    async with backend_in(tmp_path) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "schemathesis.cli", "--config-file", tmp_path / "settings.toml"),
            *("run", f"{url}/v1/openapi.json", "--checks", "all"),
            cwd=tmp_path,
            stdout=PIPE,
        )
        try:
            said, _ = await process.communicate()
        finally:
            await end(process)
    assert process.returncode == 0, said.decode()
    assert "Tested: 15" in said.decode()


async def test_each_step_of_a_jobs_life_is_answered_as_the_document_says(
    tmp_path: Path, socket_enabled: None
) -> None:
    async with backend_in(tmp_path) as url:
        await asyncio.to_thread(live, url)


def live(url: str) -> None:
    """Carry a job with two replicas through; each answer is checked against the document."""
    schema = schemathesis.openapi.from_path(DOCUMENT)

    def ask(method: str, path: str, token: str, status: int, **parts: Any) -> Any:
        headers = {"Authorization": f"Bearer token-of-the-{token}", **parts.pop("headers", {})}
        case = schema[path][method].Case(headers=headers, **parts)
        response = case.call_and_validate(base_url=url)
        assert response.status_code == status, response.text
        return response

    def put(path: str, body: bytes) -> str:
        name = sha256(body).hexdigest()
        octets = {"body": body, "media_type": "application/octet-stream"}
        for status in (201, 204):
            ask("PUT", path, "submitter", status, path_parameters={"sha256": name}, **octets)
        ask("GET", path, "home", 200, path_parameters={"sha256": name})
        return name

    def pull(radiator_id: str) -> Any:
        message = {
            "radiator_id": radiator_id,
            "count": 1,
            "slots": 1,
            "slot_w": 50,
            "wanted_s": 60,
            "capabilities": ["wasm32-wasi"],
        }
        headers = {"Idempotency-Key": radiator_id, "Prefer": "wait=1"}
        answer = ask("POST", "/v1/leases", "home", 200, headers=headers, body=message)
        return answer.json()["leases"][0]

    module = put("/v1/modules/{sha256}", b"\0asm\1\0\0\0")
    manifest = signed(manifest_of(module)).to_message()
    for status in (201, 204):
        path = {"path_parameters": {"sha256": module}}
        ask("PUT", "/v1/modules/{sha256}/manifest", "submitter", status, body=manifest, **path)
    message = {
        "kind": "echo",
        "module_sha256": module,
        "input_sha256": put("/v1/inputs/{sha256}", b"input"),
        "pay": "0.01",
        "memory_bytes": 1000,
        "cpu_s": 1,
        "output_bytes": 100,
        "replicas": 2,
    }
    for status in (201, 200):
        key = {"Idempotency-Key": "job"}
        job = ask("POST", "/v1/jobs", "submitter", status, headers=key, body=message).json()
    result = {"output": "b3V0cHV0", "energy_j": 5, "fuel": 77}
    for radiator_id, status in (("r1", 202), ("r2", 200)):
        lease = pull(radiator_id)
        assert lease["job"]["job_id"] == job["job_id"]
        assert lease["job"]["signed"] == manifest
        named = {"path_parameters": {"lease_id": lease["lease_id"]}}
        ask("POST", "/v1/leases/{lease_id}/renewal", "home", 200, body={"cpu_s": 1}, **named)
        ask("PUT", "/v1/leases/{lease_id}/result", "home", status, body=result, **named)
    other = {"path_parameters": {"lease_id": pull("r3")["lease_id"]}}
    reason = {"reason": "unwanted"}
    ask("POST", "/v1/leases/{lease_id}/return", "home", 204, body=reason, **other)
    page = ask("GET", "/v1/settlements", "home", 200, query={"radiator_id": "r1"}).json()
    assert [one["fuel"] for one in page["settlements"]] == [77]
    after = {"radiator_id": "r1", "after": page["cursor"]}
    ask("GET", "/v1/settlements", "home", 200, query=after)
    ask("GET", "/v1/account", "home", 200)
    told = ask("GET", "/v1/publishers", "home", 200).json()
    assert told == {"publishers": [{"public_key": manifest["public_key"], "kinds": ["echo"]}]}
    named = {"path_parameters": {"job_id": job["job_id"]}}
    assert ask("GET", "/v1/jobs/{job_id}", "submitter", 200, **named).json()["agreeing"] == 2
    assert ask("GET", "/v1/jobs/{job_id}/result", "submitter", 200, **named).content == b"output"


def test_the_document_holds_every_request_that_is_answered_and_no_other() -> None:
    paths = json.loads(DOCUMENT.read_text())["paths"]
    told = {
        (method.upper(), path.replace("lease_id", "id").replace("job_id", "id"))
        for path, methods in paths.items()
        for method in methods
        if method != "parameters"
    }
    app = JobApi(Desk(), TERMS, Access(homes={}), lambda: 0.0).application()
    answered = {
        (route.method, route.resource.canonical.replace("{id}", "{sha256}"))
        if "modules" in route.resource.canonical or "inputs" in route.resource.canonical
        else (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert answered == told
