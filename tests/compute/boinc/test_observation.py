"""What follows from one look at a client."""

from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from typing import Final

import pytest

from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.compute.boinc.observation import Observation, is_filler, known_again
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.plan import Plan
from custom_components.qheat.compute.boinc.replies import (
    ClientStatus,
    Project,
    RunMode,
    Switch,
    Task,
)
from custom_components.qheat.compute.engine import HeatKind

from .tasks import TASK

ALWAYS: Final = Switch(mode=RunMode.ALWAYS, permanent=RunMode.NEVER, left_s=20.0)
STATUS: Final = ClientStatus(cpu=ALWAYS, gpu=ALWAYS, suspended=0, gpu_suspended=0)
PAID: Final = Project(
    url="https://paid.example/",
    name="Paid",
    host_id=1,
    credit=None,
    resource_share=100.0,
    paused=False,
)
BACKUP: Final = replace(PAID, url="https://backup.example/", name="Backup", resource_share=0.0)
RATES: Final = {address_of(project.url): Decimal("0.02") for project in (PAID, BACKUP)}
ON_CORE: Final = replace(TASK, name="core", project_url=BACKUP.url, process=1)
ON_GPU: Final = replace(ON_CORE, name="gpu", project_url=PAID.url, cpus=0.1, gpu=True)


def seen(*tasks: Task) -> Observation:
    return Observation(at_s=0.0, status=STATUS, tasks=tasks, projects=(PAID, BACKUP))


@pytest.mark.parametrize(("gpu_cores", "kind"), [(20.0, HeatKind.PAID), (2.0, HeatKind.FILLER)])
def test_heat_is_of_the_kind_of_what_gives_most_of_it(gpu_cores: float, kind: HeatKind) -> None:
    assert seen(ON_GPU, *[ON_CORE] * 8).heat_kind(RATES, gpu_cores) is kind


def test_tasks_that_share_a_gpu_share_its_heat() -> None:
    filler = replace(ON_GPU, project_url=BACKUP.url)
    assert seen(ON_GPU, filler).heat_kind(RATES, 20.0) is HeatKind.FILLER


def test_the_cores_that_a_gpu_task_takes_are_not_lacking() -> None:
    plan = Plan(cores=8, gpu=True)
    whole = replace(ON_GPU, cpus=1.0)
    assert not seen(whole, *[ON_CORE] * 7).lacks_cores(plan)
    assert seen(whole, *[ON_CORE] * 6).lacks_cores(plan)
    assert seen(ON_GPU).lacks_cores(plan)


def test_the_one_core_beside_a_gpu_needs_no_work() -> None:
    assert not seen(ON_GPU).lacks_cores(Plan(cores=1, gpu=True))
    assert seen().lacks_cores(Plan(cores=1))


def test_a_task_whose_files_are_on_their_way_is_work_but_not_at_hand() -> None:
    coming = seen(replace(ON_GPU, state=1, process=0))
    assert coming.holds_gpu_work
    assert not coming.at_hand.gpu


def test_work_is_left_waiting_where_it_would_run_on_the_cores_that_are_idle() -> None:
    plan, narrow = Plan(cores=2), replace(TASK, name="next", scheduled=False)
    assert seen(ON_CORE, narrow).leaves_waiting(plan)
    assert not seen(ON_CORE, ON_CORE, narrow).leaves_waiting(plan)
    assert not seen(ON_CORE).leaves_waiting(plan)
    for other in (replace(narrow, cpus=2.0), replace(narrow, barred=True), replace(ON_GPU)):
        assert not seen(ON_CORE, replace(other, process=0)).leaves_waiting(plan)


def test_what_is_known_again_is_looked_up_by_its_name_alone() -> None:
    """A hostile client can choose numbers that have one hash, and thousands of tasks with them."""

    @dataclass
    class Unhashable:
        name: str
        number: float

    before = (Unhashable("one", 1.0), Unhashable("two", 2.0))
    seen = (Unhashable("two", 2.5), Unhashable("one", 1.0), Unhashable("new", 1.0))
    again = known_again(seen, before, attrgetter("name"))
    assert again == seen
    assert again[1] is before[0]


def test_tasks_of_a_project_that_needs_no_processor_are_neither_heat_nor_work() -> None:
    watcher = replace(PAID, url="https://watcher.example/", idles=True)
    watching = replace(ON_CORE, name="watching", project_url=watcher.url)
    seen = Observation(
        at_s=0.0,
        status=STATUS,
        tasks=(watching, replace(watching, name="next", process=0)),
        projects=(PAID, watcher),
    )
    assert (seen.running, seen.queued, seen.busy_cores) == ((), (), 0.0)
    assert seen.heat_kind(RATES, 0.0) is HeatKind.NONE
    assert seen.lacks_cores(Plan(cores=1))
    assert not watcher.may_give


@pytest.mark.parametrize("typed", ["https://paid.example", "http://www.paid.example/"])
@pytest.mark.parametrize("attached", ["https://paid.example/", "https://www.paid.example/"])
def test_a_rate_is_its_projects_however_its_address_begins(typed: str, attached: str) -> None:
    rates = BoincOptions(rates={typed: Decimal("0.5")}).known_rates()
    assert not is_filler(replace(PAID, url=attached), rates)
    assert is_filler(replace(PAID, url="https://unpaid.example/"), rates)
