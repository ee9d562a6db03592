"""A simulated BOINC client's GUI RPC port: for faults that a real client does not make, and crowds.

As a program it serves many: simulated.py COUNT prints their ports and runs until stdin ends.
"""

import asyncio
import re
import sys
import time
from dataclasses import dataclass, field
from hashlib import md5
from typing import Final

PASSWORD: Final = "secret"
URL: Final = "https://science.example/"
LENGTH_S: Final = 3600.0
_MODES: Final = {"always": 1, "auto": 2, "never": 3}


@dataclass(slots=True)
class SimulatedClient:
    """Enough of a client to be heated with: modes, preferences, tasks that run or do not."""

    cores: int = 4
    name: str = "box"
    version: tuple[int, int, int] = (8, 2, 15)
    password: str = PASSWORD
    permanent: int = 2
    temporary: int = 0
    temporary_until_s: float = 0.0
    gpu_permanent: int = 2
    gpu_temporary: int = 0
    gpu_until_s: float = 0.0
    gpu_tasks: int = 0
    """Tasks for a GPU, beside the others; one of them runs at a time."""
    override: str = ""
    credit: float = 100.0
    share: float = 100.0
    host_id: int = 5
    """The project's number for this machine; 0: it has given none."""
    offline: bool = False
    """Whether its user has suspended its network."""
    next_rpc_s: float = 0.0
    """When the project wants to be asked next, in seconds since the epoch."""
    ahead_s: float = 0.0
    """How far its clock is ahead."""
    busy_s: float = 0.0
    """For so long it lets wait who connects, before it tells the time."""
    tasks: int = 8
    ready: bool = True
    """Whether the tasks' files are there: without them none can be begun."""
    begun: int = 10
    """Tasks that have a process; the others wait to be begun."""
    failed: set[int] = field(default_factory=set)
    """Numbers of tasks that ended in an error."""
    gone: set[int] = field(default_factory=set)
    """Numbers of tasks that were reported, and are held no more."""
    asked_for_all: int = 0
    """How often somebody looked at all tasks."""
    cpu_s: float = 0.0
    done_s: float = LENGTH_S / 4
    """So far has each task come."""
    gets_on: bool = False
    """Whether running tasks get on by themselves."""
    calls: list[str] = field(default_factory=list)
    answer: bytes | None = None
    """Sent instead of any reply, if set."""
    instead: dict[str, str] = field(default_factory=dict)
    """What it tells instead of what it would."""
    alone: bool = False
    """Whether whoever is connected is the only one who is let in, as behind some tunnels."""
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def mode(self) -> int:
        return self.temporary if time.monotonic() < self.temporary_until_s else self.permanent

    @property
    def gpu_mode(self) -> int:
        return self.gpu_temporary if time.monotonic() < self.gpu_until_s else self.gpu_permanent

    @property
    def gpu_runs(self) -> bool:
        return bool(self.gpu_tasks) and 3 not in {self.mode, self.gpu_mode}

    @property
    def preferences(self) -> dict[str, float]:
        found = re.findall(r"<(\w+)>([\d.]+)</\w+>", self.override)
        return {"max_ncpus_pct": 100.0, "cpu_usage_limit": 100.0} | {
            name: float(value) for name, value in found
        }

    @property
    def running(self) -> int:
        if self.mode == 3 or not self.ready:
            return 0
        allowed = int(self.cores * self.preferences["max_ncpus_pct"] / 100)
        return min(self.tasks, max(allowed, 1))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():
            writer.close()  # accepted just before the end
            return
        if self.alone and self._writers:
            writer.close()
            return
        self._writers.add(writer)
        await asyncio.sleep(self.busy_s)
        nonce = f"{time.time() + self.ahead_s:f}"
        authorized = False
        try:
            while True:
                request = (await reader.readuntil(b"\x03")).decode()
                if "<auth2>" in request:
                    wanted = md5((nonce + self.password).encode(), usedforsecurity=False)
                    authorized = wanted.hexdigest() in request
                    body = "<authorized/>" if authorized else "<unauthorized/>"
                elif "<auth1/>" in request:
                    body = f"<nonce>{nonce}</nonce>"
                else:
                    body = self._reply(request) if authorized else "<unauthorized/>"
                reply = f"<boinc_gui_rpc_reply>\n{body}\n</boinc_gui_rpc_reply>\n\x03".encode()
                writer.write(self.answer or reply)
                await writer.drain()
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _reply(self, request: str) -> str:
        command = (re.findall(r"<(\w+)", request) or ["", ""])[1]
        self.calls.append(command)
        tell = getattr(self, f"_{command}", None)
        reply = "<success/>" if tell is None else str(tell(request))
        for told, instead in self.instead.items():
            reply = reply.replace(told, instead)
        return reply

    def _exchange_versions(self, _request: str) -> str:
        numbers = zip(("major", "minor", "release"), self.version, strict=True)
        body = "".join(f"<{name}>{number}</{name}>" for name, number in numbers)
        return f"<server_version>{body}</server_version>"

    def _get_host_info(self, _request: str) -> str:
        return (
            f"<host_info><domain_name>{self.name}</domain_name>"
            f"<host_cpid>{cpid_of(self.port)}</host_cpid><p_ncpus>{self.cores}</p_ncpus>"
            "<p_model>Processor</p_model></host_info>"
        )

    def _get_results(self, request: str) -> str:
        only_begun = "<active_only>1</active_only>" in request
        self.asked_for_all += not only_begun
        held = (n for n in range(self.tasks) if n not in self.gone)
        numbers = [n for n in held if not only_begun or self._is_begun(n)]
        on_gpu = (self._gpu_task(n) for n in range(self.gpu_tasks))
        return f"<results>{''.join((*map(self._task, numbers), *on_gpu))}</results>"

    def _is_begun(self, number: int) -> bool:
        return self.ready and number < self.begun and number not in self.failed

    def _get_project_status(self, _request: str) -> str:
        return (
            f"<projects><project><master_url>{URL}</master_url>"
            f"<project_name>Science</project_name><hostid>{self.host_id}</hostid>"
            f"<host_total_credit>{self.credit:f}</host_total_credit>"
            f"<min_rpc_time>{self.next_rpc_s:f}</min_rpc_time>"
            f"<resource_share>{self.share:f}</resource_share></project></projects>"
        )

    def _get_global_prefs_working(self, _request: str) -> str:
        body = "".join(f"<{n}>{v:f}</{n}>" for n, v in self.preferences.items())
        return f"<global_preferences>{body}</global_preferences>"

    def _get_global_prefs_override(self, _request: str) -> str:
        return self.override or "<error>no prefs override file</error>"

    def _set_global_prefs_override(self, request: str) -> str:
        found = re.search(r"_override>(.*)</set_global", request, re.DOTALL)
        self.override = found[1] if found else ""
        return "<success/>"

    def _set_run_mode(self, request: str) -> str:
        mode = next(number for name, number in _MODES.items() if f"<{name}/>" in request)
        duration_s = float((re.findall(r"<duration>([\d.]+)", request) or ["0"])[0])
        self.temporary, self.temporary_until_s = mode, time.monotonic() + duration_s
        if not duration_s:
            self.permanent = mode
        return "<success/>"

    def _set_gpu_mode(self, request: str) -> str:
        mode = next(number for name, number in _MODES.items() if f"<{name}/>" in request)
        duration_s = float((re.findall(r"<duration>([\d.]+)", request) or ["0"])[0])
        self.gpu_temporary, self.gpu_until_s = mode, time.monotonic() + duration_s
        if not duration_s:
            self.gpu_permanent = mode
        return "<success/>"

    def _get_cc_status(self, _request: str) -> str:
        left_s = max(0.0, self.temporary_until_s - time.monotonic())
        gpu_left_s = max(0.0, self.gpu_until_s - time.monotonic())
        return (
            f"<cc_status><task_suspend_reason>{4 if self.mode == 3 else 0}</task_suspend_reason>"
            f"<task_mode>{self.mode}</task_mode><task_mode_perm>{self.permanent}</task_mode_perm>"
            f"<task_mode_delay>{left_s:f}</task_mode_delay>"
            f"<gpu_suspend_reason>{4 if self.gpu_mode == 3 else 0}</gpu_suspend_reason>"
            f"<gpu_mode>{self.gpu_mode}</gpu_mode><gpu_mode_perm>{self.gpu_permanent}</gpu_mode_perm>"
            f"<gpu_mode_delay>{gpu_left_s:f}</gpu_mode_delay>"
            f"<network_suspend_reason>{4 * self.offline}</network_suspend_reason></cc_status>"
        )

    def _task(self, number: int) -> str:
        state = 1 if number < self.running else 9
        done_s = self.done_s
        if self.gets_on and state == 1:
            done_s = (time.monotonic() + self.port + number * LENGTH_S / self.tasks) % LENGTH_S
        process = (
            f"<active_task><active_task_state>{state}</active_task_state>"
            f"<slot>{number}</slot><pid>{1000 + number}</pid>"
            f"<scheduler_state>{2 if state == 1 else 1}</scheduler_state>"
            f"<fraction_done>{done_s / LENGTH_S:f}</fraction_done>"
            f"<current_cpu_time>{self.cpu_s + self.gets_on * done_s:f}</current_cpu_time>"
            f"<elapsed_time>{done_s:f}</elapsed_time></active_task>"
        )
        failed = number in self.failed
        return (
            f"<result><name>task_{number}</name><wu_name>task_{number}_wu</wu_name>"
            f"<platform>x86_64-pc-linux-gnu</platform><version_num>100</version_num>"
            f"<plan_class></plan_class><project_url>{URL}</project_url>"
            f"<final_cpu_time>{done_s * failed:f}</final_cpu_time><exit_status>0</exit_status>"
            f"<state>{3 if failed else 1 + self.ready}</state>"
            "<report_deadline>1795548489.177711</report_deadline>"
            "<received_time>1795462089.608629</received_time>"
            f"<estimated_cpu_time_remaining>{LENGTH_S - done_s:f}</estimated_cpu_time_remaining>"
            f"{process if self._is_begun(number) else ''}</result>"
        )

    def _gpu_task(self, number: int) -> str:
        process = (
            "<active_task><active_task_state>1</active_task_state>"
            "<scheduler_state>2</scheduler_state></active_task>"
        )
        return (
            f"<result><name>gpu_task_{number}</name><project_url>{URL}</project_url><state>2</state>"
            "<resources>0.1 CPUs + 1 NVIDIA GPU</resources>"
            f"{process if self.gpu_runs and not number else ''}</result>"
        )


def cpid_of(port: int) -> str:
    """Return what tells the simulated client at a port from others: all have the same name."""
    return md5(str(port).encode(), usedforsecurity=False).hexdigest()


async def _crowd(count: int) -> None:
    clients = [SimulatedClient(gets_on=True) for _ in range(count)]
    for client in clients:
        await client.start()
    sys.stdout.write(" ".join(str(client.port) for client in clients) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for client in clients:
        await client.stop()


if __name__ == "__main__":
    asyncio.run(_crowd(int(sys.argv[1])))
