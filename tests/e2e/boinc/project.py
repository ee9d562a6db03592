"""A minimal BOINC project for tests: master page, scheduler, downloads and uploads, in memory.

Real, unmodified clients attach to it, run signed work and are credited. It validates nothing,
replicates nothing and forgets everything: production is the real BOINC server.
"""

import hashlib
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

FLOPS: Final = 1e9
DEADLINE_S: Final = 86400.0
UPLOADED: Final = "5"
GPU: Final = "NVIDIA"
GPU_JOB_CPUS: Final = 0.1
ACCOUNT_KEY: Final = "0123456789abcdef0123456789abcdef"


@dataclass(slots=True, kw_only=True)
class Job:
    """Work of `cpu_s` CPU seconds on `cpus` processors, worth `credit`."""

    cpu_s: float
    share: float = 0.1
    """Of a core that it takes while it runs: the machine has other tests to run, too."""
    cpus: int = 1
    credit: float = 10.0
    deaf: bool = False
    gpu: bool = False
    """Takes the graphics card that `RealClient` is told to have."""

    @property
    def plan_class(self) -> str:
        """The kind of application that the job needs."""
        return "gpu" if self.gpu else f"cpu{self.cpus}"


@dataclass(slots=True)
class Project:
    """What the project knows: its queue, what is out, what came back, and the credit."""

    name: str = "Warm Science"
    resource_share: float = 100.0
    endless: Job | None = None
    """Sent whenever the queue is empty."""
    queue: deque[Job] = field(default_factory=deque)
    sent: dict[str, Job] = field(default_factory=dict)
    reported: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    scheduler_calls: int = 0
    host_credit: float = 0.0
    older_credit: float = 0.0
    """That of an older record of the machine, or of another machine of the account."""
    url: str = ""
    app: bytes = b""
    _key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(
            public_exponent=65537,
            key_size=1024,  # noqa: S505 - all that BOINC knows
        )
    )
    _runner: web.AppRunner | None = None

    async def start(self, app: bytes, port: int = 0) -> None:
        """Serve on loopback; `app` is the program that every job runs."""
        self.app = app
        server = web.Application(client_max_size=2**20)
        server.router.add_get("/", self._master_page)
        server.router.add_post("/cgi", self._scheduler)
        server.router.add_get("/download/{name}", self._download)
        server.router.add_post("/upload", self._upload)
        self._runner = web.AppRunner(server, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, shutdown_timeout=1)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{bound}/"

    def merge(self) -> None:
        """Do what its user may on the real project's website: merge the older record."""
        self.host_credit += self.older_credit
        self.older_credit = 0.0

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _master_page(self, _request: web.Request) -> web.Response:
        return web.Response(
            text=f"<html><!-- <scheduler>{self.url}cgi</scheduler> --></html>",
            content_type="text/html",
        )

    async def _download(self, _request: web.Request) -> web.Response:
        return web.Response(body=self.app, content_type="application/octet-stream")

    async def _upload(self, request: web.Request) -> web.Response:
        head, _, body = (await request.read()).partition(b"<data>\n")
        if name := re.search(rb"<name>([^<]+)</name>", head):
            self.uploads[name[1].decode()] = body
        return web.Response(
            text="<data_server_reply><status>0</status><file_size>0</file_size></data_server_reply>",
            content_type="text/xml",
        )

    async def _scheduler(self, request: web.Request) -> web.Response:
        text = (await request.read()).decode(errors="replace")
        self.scheduler_calls += 1
        if _tag(text, "authenticator") != ACCOUNT_KEY:
            return web.Response(text=self._refusal(), content_type="text/xml")
        acknowledged = self._take_reports(text)
        body = "".join(f"<result_ack><name>{n}</name></result_ack>\n" for n in acknowledged)
        if float(_tag(text, "cpu_req_secs") or 0) > 0:
            body += self._work(text)
        return web.Response(text=self._reply(text, body), content_type="text/xml")

    def _take_reports(self, text: str) -> list[str]:
        names: list[str] = []
        for block in re.findall(r"<result>(.*?)</result>", text, re.DOTALL):
            name, state = _tag(block, "name"), _tag(block, "state")
            if name is None or state is None:
                continue
            names.append(name)
            if name not in self.reported and state == UPLOADED and name in self.sent:
                self.host_credit += self.sent[name].credit
            self.reported[name] = state
        return names

    def _work(self, text: str) -> str:
        wanted_s = float(_tag(text, "cpu_req_secs") or 0)
        idle = float(_tag(text, "cpu_req_instances") or 0)
        platform = _tag(text, "platform_name") or ""
        jobs: list[Job] = []
        while (wanted_s > 0 or idle > 0) and len(jobs) < 32 and (self.queue or self.endless):
            job = self.queue.popleft() if self.queue else self.endless
            assert job is not None
            jobs.append(job)
            wanted_s -= job.cpu_s
            idle -= job.cpus
        versions = {job.plan_class: self._app_version(platform, job) for job in jobs}
        head = self._app_file() + "".join(versions.values()) if jobs else ""
        return head + "".join(self._job(job, platform) for job in jobs)

    def _app_file(self) -> str:
        digest = hashlib.md5(self.app, usedforsecurity=False).hexdigest()
        return (
            "<app><name>burn</name><user_friendly_name>Burn</user_friendly_name></app>\n"
            "<file_info><name>burn_1</name><executable/>"
            f"<url>{self.url}download/burn_1</url><nbytes>{len(self.app)}</nbytes>"
            f"<md5_cksum>{digest}</md5_cksum>"
            f"<file_signature>\n{self._sign(digest)}</file_signature></file_info>\n"
        )

    def _app_version(self, platform: str, job: Job) -> str:
        card = f"<coproc><type>{GPU}</type><count>1</count></coproc>" if job.gpu else ""
        return (
            "<app_version><app_name>burn</app_name><version_num>100</version_num>"
            f"<platform>{platform}</platform><plan_class>{job.plan_class}</plan_class>"
            f"<avg_ncpus>{GPU_JOB_CPUS if job.gpu else job.cpus}</avg_ncpus>"
            f"<flops>{FLOPS * job.cpus}</flops>{card}"
            "<api_version>7.20.0</api_version><file_ref><file_name>burn_1</file_name>"
            "<main_program/></file_ref></app_version>\n"
        )

    def _job(self, job: Job, platform: str) -> str:
        name = f"job_{len(self.sent)}"
        self.sent[name] = job
        arguments = f"{job.cpu_s} {job.share}{' --deaf' if job.deaf else ''}"
        operations = job.cpu_s * FLOPS * job.cpus
        deadline = time.time() + DEADLINE_S
        return (
            f"<file_info><name>{name}_out</name><generated_locally/><upload_when_present/>"
            f"<max_nbytes>1000</max_nbytes><upload_url>{self.url}upload</upload_url></file_info>\n"
            f"<workunit><name>{name}_wu</name><app_name>burn</app_name>"
            f"<version_num>100</version_num><command_line>{arguments}</command_line>"
            f"<rsc_fpops_est>{operations}</rsc_fpops_est>"
            f"<rsc_fpops_bound>{operations * 1000}</rsc_fpops_bound>"
            "<rsc_memory_bound>10000000</rsc_memory_bound>"
            "<rsc_disk_bound>10000000</rsc_disk_bound></workunit>\n"
            f"<result><name>{name}</name><wu_name>{name}_wu</wu_name>"
            f"<platform>{platform}</platform><version_num>100</version_num>"
            f"<plan_class>{job.plan_class}</plan_class><report_deadline>{deadline}</report_deadline>"
            f"<report_immediately/><file_ref><file_name>{name}_out</file_name>"
            "<open_name>out</open_name><copy_file/></file_ref></result>\n"
        )

    def _refusal(self) -> str:
        """Answer as the real server does for an account key that it does not know."""
        return (
            "<scheduler_reply>\n<scheduler_version>800</scheduler_version>\n"
            f"<master_url>{self.url}</master_url>\n<request_delay>3600</request_delay>\n"
            '<message priority="low">Invalid or missing account key.  '
            "To fix, remove and add this project .</message>\n"
            f"<project_name>{escape(self.name)}</project_name>\n</scheduler_reply>\n"
        )

    def _reply(self, text: str, body: str) -> str:
        host = "" if int(_tag(text, "hostid") or 0) else "<hostid>7</hostid>\n"
        key = "" if "<code_sign_key>" in text else self._key_text()
        return (
            "<scheduler_reply>\n<scheduler_version>800</scheduler_version>\n"
            f"<master_url>{self.url}</master_url>\n<request_delay>1</request_delay>\n"
            f"<project_name>{escape(self.name)}</project_name>\n"
            "<userid>1</userid>\n<user_name>Tenant</user_name>\n"
            f"<user_total_credit>{self.host_credit + self.older_credit}</user_total_credit>\n{host}"
            f"<host_total_credit>{self.host_credit}</host_total_credit>\n"
            "<project_preferences>\n"
            f"<resource_share>{self.resource_share}</resource_share>\n"
            f"</project_preferences>\n{key}{body}</scheduler_reply>\n"
        )

    def _key_text(self) -> str:
        public = self._key.public_key().public_numbers()
        digits = f"{public.n:0256x}{public.e:0256x}"
        return f"<code_sign_key>\n1024\n{_hex_lines(digits)}</code_sign_key>\n"

    def _sign(self, digest: str) -> str:
        return _hex_lines(self._key.sign(digest.encode(), PKCS1v15(), NoDigestInfo()).hex())


def _hex_lines(digits: str) -> str:
    lines = (digits[at : at + 64] for at in range(0, len(digits), 64))
    return "\n".join(lines) + "\n.\n"


def _tag(text: str, name: str) -> str | None:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return found[1].strip() if found else None
