"""The commands that the engine needs of a BOINC client."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from .errors import BoincError, BoincFault
from .markup import number_of
from .replies import (
    ClientStatus,
    HostInfo,
    Project,
    RunMode,
    Task,
    host_from,
    preferences_from,
    projects_from,
    status_from,
    tasks_from,
    version_from,
)
from .rpc import RpcConnection

ATTACH_S: Final = 30
"""After that the client goes on trying by itself."""
_REPLY: Final = b"<boinc_gui_rpc_reply>"
_REPLY_END: Final = b"</boinc_gui_rpc_reply>"
MAX_OVERRIDE_BYTES: Final = 60_000  # the client's own buffer has 65 536
_REFUSALS: Final = {
    -130: "It is attached to this project already",
    -189: "It takes this for no URL of a project",
    -201: "It is set to be attached to no project",
}
"""What a client means by some of its error numbers when it is to be attached."""
_ACCOUNT_KEY: Final = re.compile(r"[0-9A-Za-z_.-]{1,255}")


class BoincClient:
    """A connected client, command by command; every method may raise BoincError."""

    def __init__(self, connection: RpcConnection) -> None:
        self._rpc = connection

    def clock_s(self) -> float:
        """Return what the client's own clock shows, in seconds since the epoch."""
        return self._rpc.clock_s()

    async def clock_was_set(self, *, alone: bool = False) -> bool:
        """Tell whether the client's own clock was set since its time was last told.

        `alone`: by this very connection, for one beside it may not be let in.
        """
        return await self._rpc.clock_was_set(alone=alone)

    async def version(self) -> tuple[int, int, int]:
        """Return the client's version."""
        return await self._rpc.read("<exchange_versions/>", version_from)

    async def host(self) -> HostInfo:
        """Return what machine this is."""
        return await self._rpc.read("<get_host_info/>", host_from)

    async def status(self) -> ClientStatus:
        """Return what the client may do now."""
        return await self._rpc.read("<get_cc_status/>", status_from)

    async def tasks(self, *, begun_only: bool = False) -> tuple[Task, ...]:
        """Return the tasks that the client holds, thousands maybe, or those that are begun."""
        request = f"<get_results>\n<active_only>{begun_only:d}</active_only>\n</get_results>"
        return await self._rpc.read(request, tasks_from)

    async def projects(self) -> tuple[Project, ...]:
        """Return the projects that the client is attached to."""
        return await self._rpc.read("<get_project_status/>", projects_from)

    async def set_cpu_mode(self, mode: RunMode, duration_s: float = 0.0) -> None:
        """Set the run mode, for `duration_s` seconds or (0) for good."""
        await self._set_mode("set_run_mode", mode, duration_s)

    async def set_gpu_mode(self, mode: RunMode, duration_s: float = 0.0) -> None:
        """Set the GPU's run mode, for `duration_s` seconds or (0) for good."""
        await self._set_mode("set_gpu_mode", mode, duration_s)

    async def preferences(self) -> Mapping[str, float]:
        """Return the preferences in force that are numbers."""
        return await self._rpc.read("<get_global_prefs_working/>", preferences_from)

    async def override(self) -> str | None:
        """Return the local preferences file as it stands, well-formed or not; None if none."""
        reply = await self._rpc.call_raw("<get_global_prefs_override/>")
        begin, end = reply.find(_REPLY) + len(_REPLY), reply.rfind(_REPLY_END)
        raw = reply[begin:end].strip()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")  # what some editors write
        # What is sent back is always UTF-8.
        if not len(_REPLY) <= begin <= end or len(text.encode()) > MAX_OVERRIDE_BYTES:
            raise BoincError(BoincFault.BROKEN_REPLY, "The reply holds no preferences")
        if text.startswith("<unauthorized"):
            raise BoincError(BoincFault.WRONG_PASSWORD, "The client refuses the password")
        return None if text.startswith("<error>") else text

    async def set_override(self, text: str) -> None:
        """Replace the local preferences file ("" removes it) and have the client follow it."""
        await self.write_override(text)
        await self.follow_override()

    async def write_override(self, text: str) -> None:
        """Replace the local preferences file; the client goes on as it was told before."""
        await self._command(f"<set_global_prefs_override>{text}</set_global_prefs_override>")

    async def follow_override(self) -> None:
        """Have the client follow its local preferences file."""
        await self._command("<read_global_prefs_override/>")

    async def attach(self, url: str, account_key: str) -> None:
        """Attach to a project and wait, up to 30 seconds, until it answers.

        One that does not take this machine in is left again.
        """
        url = project_url(url)
        if not is_account_key(account_key):
            raise BoincError(BoincFault.COMMAND_REFUSED, "This is not an account key")
        await self._command(
            f"<project_attach>\n<project_url>{escape(url)}</project_url>\n"
            f"<authenticator>{account_key}</authenticator>\n"
            f"<project_name>{escape(url)}</project_name>\n</project_attach>"
        )
        for _ in range(ATTACH_S):
            if await self._attached(url):
                return
            await asyncio.sleep(1.0)

    async def detach(self, url: str) -> None:
        """Leave a project: its tasks are dropped."""
        await self._project("project_detach", url)

    async def update(self, url: str) -> None:
        """Have the client contact a project now: it reports, and asks for work."""
        await self._project("project_update", url)

    async def abort(self, task: Task) -> None:
        """Abort a task; its work is lost."""
        await self._command(
            f"<abort_result>\n<project_url>{escape(task.project_url)}</project_url>\n"
            f"<name>{escape(task.name)}</name>\n</abort_result>"
        )

    async def quit(self) -> None:
        """End the client; it kills its tasks within a minute."""
        await self._command("<quit/>")

    async def _attached(self, url: str) -> bool:
        reply = await self._rpc.call("<project_attach_poll/>")
        node = reply.find("project_attach_reply")
        failure = None if node is None else number_of(node, "error_num", -1e9, 1e9)
        if failure:
            other = f"The project refuses: BOINC error {failure:.0f}"
            raise BoincError(BoincFault.COMMAND_REFUSED, _REFUSALS.get(int(failure), other))
        projects = {project.url: project for project in await self.projects()}
        if url in projects and projects[url].refuses:
            await self.detach(url)
        elif url in projects:
            return projects[url].host_id > 0
        raise BoincError(
            BoincFault.COMMAND_REFUSED,
            "The project refuses the account key, or wants a newer client",
        )

    async def _project(self, command: str, url: str) -> None:
        text = escape(project_url(url))
        await self._command(f"<{command}>\n<project_url>{text}</project_url>\n</{command}>")

    async def _set_mode(self, command: str, mode: RunMode, duration_s: float) -> None:
        await self._command(
            f"<{command}>\n<{mode.name.lower()}/>\n"
            f"<duration>{duration_s:.3f}</duration>\n</{command}>"
        )

    async def _command(self, request: str) -> None:
        _succeed(await self._rpc.call(request))


def is_account_key(text: str) -> bool:
    """Tell whether a text can be the key of an account at a project."""
    return _ACCOUNT_KEY.fullmatch(text) is not None


def project_url(text: str) -> str:
    """Return a project's URL as the client writes it; raise BoincError if it is none."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = None, None
    if (
        parts is None
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or len(text) > 255
        or not text.isprintable()
        or " " in text
    ):
        raise BoincError(BoincFault.COMMAND_REFUSED, "This is not the URL of a project")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = host if port is None else f"{host}:{port}"
    path = re.sub("/+", "/", f"{parts.path}/")
    return f"{parts.scheme}://{address}{path}"


def address_of(url: str) -> str:
    """Return what tells a project apart: its URL, but not whether that is by http or https."""
    return url.partition("://")[2]


def _succeed(reply: Element) -> None:
    if reply.find("success") is None:
        raise BoincError(BoincFault.COMMAND_REFUSED, "The client did not do it")
