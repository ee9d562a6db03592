"""What a BOINC client tells about itself, as records."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from itertools import islice
from typing import Final
from xml.etree.ElementTree import Element

from .errors import BoincError, BoincFault
from .markup import YEARS_S, flag_of, integer_of, number_in, number_of, text_of

MAX_TASKS: Final = 10_000
MAX_PROJECTS: Final = 200
MAX_CORES: Final = 4096
MAX_CREDIT: Final = Decimal(10) ** 15
_CPUS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) CPU")
_CPID: Final = re.compile(r"[0-9a-f]{32}")


type TaskKey = tuple[str, str]


class RunMode(IntEnum):
    """When the client may compute."""

    ALWAYS = 1
    AUTO = 2
    NEVER = 3


class SuspendReason(IntEnum):
    """Why the client computes nothing; other numbers occur, one for each of its preferences."""

    NONE = 0
    BY_MODE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A run mode: the one in force, the one behind it, and for how long the first still holds."""

    mode: RunMode
    permanent: RunMode
    left_s: float


RESTING: Final = Switch(mode=RunMode.NEVER, permanent=RunMode.NEVER, left_s=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatus:
    """What the client may do now."""

    cpu: Switch
    gpu: Switch
    suspended: int
    """0 if its cores may compute, else BOINC's own number for why they may not."""
    gpu_suspended: int
    offline: bool = False
    """Whether its user, or his preferences, let it use no network now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """The machine behind a client."""

    host_name: str
    cpid: str
    """What BOINC tells machines apart by, whatever their names and addresses."""
    cores: int
    processor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task that a client holds."""

    name: str
    project_url: str
    state: int
    process: int
    """0: no process; 1: runs; 9: told to pause; others: on its way out."""
    scheduled: bool
    barred: bool
    """Suspended by somebody, or its project is; or for a GPU that the machine does not have."""
    cpus: float
    gpu: bool
    cpu_time_s: float
    fraction_done: float | None
    left_s: float | None
    deadline_s: float | None
    """Seconds since the epoch."""

    @property
    def key(self) -> TaskKey:
        """What tells it from all others: two projects may have tasks of one name."""
        return self.project_url, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project that a client is attached to."""

    url: str
    name: str
    host_id: int
    """The project's number for this machine; 0 before the first contact."""
    credit: Decimal | None
    """All credit that this machine ever got; None where the client tells none."""
    account: Decimal | None = None
    """The same of all machines of its user; None where the project does not tell."""
    resource_share: float
    paused: bool
    """Suspended, or told to fetch no more work."""
    next_rpc_s: float = field(default=0.0, compare=False)
    """When it wants to be asked next, by the client's clock; 0: whenever there is need."""
    refuses: bool = False
    """Has answered and not taken this machine in: it will give no work, ever."""
    idles: bool = False
    """Its tasks need no processor: they measure or wait, and warm nobody."""

    @property
    def may_give(self) -> bool:
        """Whether it is of any use to ask it for work."""
        return not self.paused and not self.refuses and not self.idles


READY: Final = 2
ERRORED: Final = 3
ABORTED: Final = 6
RUNNING: Final = 1
QUITTING: Final = 8
PAUSED: Final = 9


def version_from(reply: Element) -> tuple[int, int, int]:
    """Read the answer to `exchange_versions`."""
    node = _child(reply, "server_version")
    return (
        integer_of(node, "major", 0, 9999),
        integer_of(node, "minor", 0, 9999),
        integer_of(node, "release", 0, 9999),
    )


def host_from(reply: Element) -> HostInfo:
    """Read the answer to `get_host_info`."""
    node = _child(reply, "host_info")
    cpid = text_of(node, "host_cpid")
    if not _CPID.fullmatch(cpid):
        raise BoincError(BoincFault.BROKEN_REPLY, "The reply has no good <host_cpid>")
    return HostInfo(
        host_name=text_of(node, "domain_name"),
        cpid=cpid,
        cores=integer_of(node, "p_ncpus", 1, MAX_CORES),
        processor=text_of(node, "p_model"),
    )


def status_from(reply: Element) -> ClientStatus:
    """Read the answer to `get_cc_status`."""
    node = _child(reply, "cc_status")
    return ClientStatus(
        cpu=_switch(node, "task_mode"),
        gpu=_switch(node, "gpu_mode"),
        suspended=integer_of(node, "task_suspend_reason", 0, 2**31),
        gpu_suspended=integer_of(node, "gpu_suspend_reason", 0, 2**31),
        offline=bool(number_of(node, "network_suspend_reason", 0, 2**31)),
    )


def tasks_from(reply: Element) -> tuple[Task, ...]:
    """Read the answer to `get_results`, at most the first 10,000 tasks."""
    return tuple(map(_task, islice(_child(reply, "results").iterfind("result"), MAX_TASKS)))


def projects_from(reply: Element) -> tuple[Project, ...]:
    """Read the answer to `get_project_status`, at most the first 200 projects."""
    return tuple(_projects(_child(reply, "projects")))


def preferences_from(reply: Element) -> dict[str, float]:
    """Read the answer to `get_global_prefs_working`: the preferences that are numbers."""
    node = _child(reply, "global_preferences")
    numbers = ((tag.tag, number_in(tag.text, -1e18, 1e18)) for tag in node)
    return {tag: number for tag, number in numbers if number is not None}


def _child(reply: Element, tag: str) -> Element:
    node = reply.find(tag)
    if node is None:
        raise BoincError(BoincFault.BROKEN_REPLY, f"The reply has no <{tag}>")
    return node


def _switch(node: Element, tag: str) -> Switch:
    return Switch(
        mode=RunMode(integer_of(node, tag, 1, 3)),
        permanent=RunMode(integer_of(node, f"{tag}_perm", 1, 3)),
        left_s=number_of(node, f"{tag}_delay", 0.0, YEARS_S) or 0.0,
    )


def _task(node: Element) -> Task:
    process = node.find("active_task")
    active = Element("active_task") if process is None else process
    resources = text_of(node, "resources")
    width = _CPUS.match(resources)
    return Task(
        name=text_of(node, "name"),
        project_url=text_of(node, "project_url"),
        state=integer_of(node, "state", 0, 99),
        process=0 if process is None else integer_of(active, "active_task_state", 0, 99),
        scheduled=number_of(active, "scheduler_state", 0, 2) == 2,
        barred=flag_of(node, "suspended_via_gui")
        or flag_of(node, "project_suspended_via_gui")
        or resources.endswith("(missing)"),
        cpus=min(float(width[1]), MAX_CORES) if width else 1.0,
        gpu="GPU" in resources,
        cpu_time_s=number_of(active, "current_cpu_time", 0.0, YEARS_S)
        or number_of(node, "final_cpu_time", 0.0, YEARS_S)
        or 0.0,
        fraction_done=number_of(active, "fraction_done", 0.0, 1.0),
        left_s=number_of(node, "estimated_cpu_time_remaining", 0.0, YEARS_S),
        deadline_s=number_of(node, "report_deadline", 0.0, YEARS_S),
    )


def _projects(node: Element) -> Iterator[Project]:
    for project in islice(node.iterfind("project"), MAX_PROJECTS):
        url = text_of(project, "master_url")
        host_id = integer_of(project, "hostid", 0, 2**31)
        next_rpc_s = number_of(project, "min_rpc_time", 0.0, YEARS_S) or 0.0
        yield Project(
            url=url,
            name=text_of(project, "project_name") or url,
            host_id=host_id,
            credit=_credit(project, "host_total_credit"),
            # A manager of accounts may put a sum of its own in the account's place.
            account=None
            if flag_of(project, "attached_via_acct_mgr")
            else _credit(project, "user_total_credit"),
            resource_share=number_of(project, "resource_share", 0.0, 1e9) or 0.0,
            paused=flag_of(project, "suspended_via_gui")
            or flag_of(project, "dont_request_more_work"),
            next_rpc_s=next_rpc_s,
            refuses=not host_id and next_rpc_s > 0 and not _is_awaited(project),
            idles=flag_of(project, "non_cpu_intensive"),
        )


def _is_awaited(project: Element) -> bool:
    """Tell whether a project has yet to answer, or could not when it was last asked."""
    return (
        flag_of(project, "master_url_fetch_pending")
        or flag_of(project, "scheduler_rpc_in_progress")
        or bool(number_of(project, "sched_rpc_pending", 0, 2**31))
        or bool(number_of(project, "nrpc_failures", 0, 2**31))
    )


def _credit(node: Element, tag: str) -> Decimal | None:
    try:
        credit = Decimal((node.findtext(tag) or "").strip())
    except InvalidOperation:
        return None
    if not credit.is_finite() or not 0 <= credit <= MAX_CREDIT:
        return None
    return credit.quantize(Decimal("0.000001"))
