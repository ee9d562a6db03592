"""The engine over real connections, where a real client would not misbehave."""

import json
import time
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc import BoincError, BoincFault, control
from custom_components.qheat.compute.boinc.plan import Plan
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.engine import (
    EngineError,
    EngineProblem,
    HeatBudget,
    HeatKind,
    PowerSource,
)
from tests.waiting import until

from .engines import Radiator, heat
from .simulated import PASSWORD, URL, SimulatedClient

pytestmark = pytest.mark.usefixtures("quick")


async def test_nothing_computes_before_the_first_budget(radiator: Radiator) -> None:
    made = await radiator.seen()
    assert radiator.client.permanent == 3
    status = made.status()
    assert (status.jobs_running, status.heat_kind) == (0, HeatKind.NONE)
    assert (status.power_w, status.power_source) == (20.0, PowerSource.ESTIMATED)
    assert status.problem is None


async def test_a_budget_heats_and_the_details_tell_with_what(radiator: Radiator) -> None:
    made = await radiator.heating()
    status, details = made.status(), made.details()
    assert (status.power_w, status.heat_kind, status.problem) == (60.0, HeatKind.PAID, None)
    assert (status.jobs_paused, status.jobs_queued) == (4, 0)
    assert sum(status.cores_by_kind.values()) == 4
    assert details is not None
    assert status.cores_by_kind.keys() == {project.name for project in details.projects}
    assert (details.client.version, details.client.cores) == ("8.2.15", 4)
    assert details.plan == Plan(cores=4)
    assert details.status.cpu.mode is RunMode.ALWAYS
    assert (len(details.running), details.tasks_waiting) == (4, 4)
    assert details.credit == 100
    assert [project.name for project in details.projects] == ["Science"]
    assert {task.project_url for task in details.running} == {URL}
    assert details.running[0].fraction_done == 0.25
    assert details.running[0].left_s == 2700
    assert PASSWORD not in repr(details) + repr(made) + json.dumps(made.saved_state())


@pytest.mark.parametrize("cores", [2, 16])
async def test_a_machine_that_has_other_cores_now_has_its_full_watts_from_all_of_them(
    radiator: Radiator, cores: int
) -> None:
    """Four were entered: threads may be off since, or a virtual machine have grown."""
    learned = {"meter": "sensor.plug", "cores": 4, "seen": {"1": 35.0}}
    radiator.saved = {"watts": learned}
    radiator.client.cores = radiator.client.tasks = radiator.client.begun = cores
    made = radiator.engine(meter="sensor.plug")
    await made.start()
    heat(made)
    await until(lambda: made.status().jobs_running == cores)
    assert (made.status().power_w, made.status().busy_slots) == (60.0, cores)
    heat(made, 40.0)
    await until(lambda: made.status().jobs_running == cores / 2)
    assert made.status().power_w == 40.0
    assert radiator.client.calls.count("project_update") == 0
    await made.stop()
    assert radiator.saved["watts"] == {"meter": "sensor.plug", "cores": cores, "seen": {}}


async def test_what_a_meter_has_taught_of_the_cores_of_now_outlives_a_restart(
    radiator: Radiator,
) -> None:
    learned = {"meter": "sensor.plug", "cores": 2, "seen": {"0": 35.0, "1": 50.0}}
    radiator.saved = {"watts": learned}
    radiator.client.cores = 2
    made = await radiator.seen(meter="sensor.plug")
    assert made.status().power_w == 35.0
    await made.stop()
    assert radiator.saved["watts"] == learned


async def test_what_the_meter_shows_is_told_as_measured(radiator: Radiator) -> None:
    made = await radiator.seen()
    for reading, told in ((57.5, 57.5), (float("nan"), 20.0), (-3.0, 20.0), (None, 20.0)):
        made.meter.take(reading)
        assert made.status().power_w == told


async def test_what_an_energy_meter_counts_is_told_also_while_the_client_is_gone(
    radiator: Radiator,
) -> None:
    made = radiator.engine()
    for total_j in (5e6, 5.001e6, 5.003e6):
        made.meter.count(total_j)
    assert (made.status().power_w, made.status().counted_j) == (None, 2000)
    made.meter.take(40.0)
    assert (made.status().power_w, made.status().counted_j) == (40, None)


async def test_a_client_that_is_gone_is_unknown_and_comes_back(radiator: Radiator) -> None:
    made = await radiator.heating()
    await radiator.client.stop()
    await until(lambda: made.status().problem is EngineProblem.BACKEND_UNREACHABLE)
    assert made.status().power_w is None
    assert made.status().jobs_running == 0
    assert made.details() is None
    with pytest.raises(EngineError):
        await made.settlements(None)
    radiator.client.temporary_until_s = 0.0
    await radiator.client.start()
    await until(lambda: made.status().jobs_running == 4)


@pytest.mark.parametrize(
    "answer",
    [
        b"<boinc_gui_rpc_reply><a></boinc_gui_rpc_reply>\x03",
        b"<boinc_gui_rpc_reply></boinc_gui_rpc_reply>\x03",
        b"HTTP/1.1 400 Bad Request\r\n\r\n\x03",
    ],
)
async def test_a_broken_reply_is_a_problem_and_passes(radiator: Radiator, answer: bytes) -> None:
    made = await radiator.seen()
    radiator.client.answer = answer
    await until(lambda: made.status().problem is EngineProblem.BACKEND_FAULTY)
    assert made.status().power_w is None
    radiator.client.answer = None
    await until(made.details)
    assert made.status().problem is None


async def test_a_radiator_taken_back_while_its_machine_is_away_heats_as_soon_as_it_answers(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, 1
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await radiator.client.stop()
    await until(lambda: made.status().problem is EngineProblem.BACKEND_UNREACHABLE)
    made.take_back()
    await radiator.client.start()
    await until(made.details)
    assert made.status().problem is None
    await until(lambda: made.status().jobs_running == 4)
    assert radiator.client.permanent == 3


@pytest.mark.parametrize("set_back_s", [0.0, 3600.0])
async def test_changes_are_kept_apart_over_a_restart(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch, set_back_s: float
) -> None:
    first = await radiator.heating()
    await first.stop()
    stopped_s = time.monotonic()
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 3.0)
    if set_back_s:
        monkeypatch.setattr(time, "time", lambda now=time.time: now() - set_back_s)
    await radiator.heating()
    assert time.monotonic() - stopped_s >= 3.0


async def test_the_radiator_rests_when_its_budget_ends(radiator: Radiator) -> None:
    made = radiator.engine()
    await made.start()
    heat(made, lease_s=3.0)
    await until(lambda: made.status().jobs_running == 4)
    await until(lambda: made.status().jobs_running == 0)
    assert radiator.client.mode == 3


async def test_a_status_that_comes_late_because_the_loop_was_busy_is_no_sign_of_a_hand(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_s = 0.0
    answer = SimulatedClient._get_cc_status

    def answer_late(client: SimulatedClient, request: str) -> str:
        nonlocal late_s
        if client.temporary_until_s > time.monotonic():  # the lease ends while we are busy
            late_s, client.temporary_until_s = 30.0, 0.0
        return answer(client, request)

    made = radiator.engine(clock=lambda: time.monotonic() + late_s)
    await made.start()
    heat(made, lease_s=25.0)
    await until(lambda: made.status().jobs_running == 4)
    monkeypatch.setattr(SimulatedClient, "_get_cc_status", answer_late)
    await until(lambda: late_s and made.status().jobs_running == 0 and made.status().reachable)
    assert made.status().problem is None
    made.set_budget(HeatBudget(power_w=60.0, expires_s=time.monotonic() + late_s + 20))
    monkeypatch.undo()
    await until(lambda: made.status().jobs_running == 4 or made.status().problem)
    assert made.status().problem is None


async def test_credit_is_settled_behind_the_cursor(radiator: Radiator) -> None:
    made = await radiator.seen()
    first = await made.settlements(None)
    assert first.settlements == ()
    radiator.client.credit = 108.0
    await made.update(URL)
    await until(lambda: (details := made.details()) and details.credit == 108)
    page = await made.settlements(first.cursor)
    assert [s.earned for s in page.settlements] == [Decimal(4)]
    assert (await made.settlements(page.cursor)).settlements == ()
    with pytest.raises(EngineError):
        await made.settlements("nonsense")


async def test_what_a_power_meter_has_taught_is_forgotten_with_the_meter(
    radiator: Radiator,
) -> None:
    learned = {"watts": {"meter": "sensor.plug", "cores": 4, "seen": {"0": 35.0}}}
    told_w = []
    for meter in ("sensor.plug", "sensor.other", None):
        radiator.saved = dict(radiator.saved) | learned
        made = await radiator.seen(meter=meter)
        told_w.append(made.status().power_w)
        await made.stop()
    assert radiator.saved["watts"] == {"meter": None, "cores": 4, "seen": {}}
    assert told_w == [35.0, 20.0, 20.0]


@pytest.mark.parametrize(
    "url", ["", "science", "ftp://a/", "http://", "http://u:p@a/", "http://a b/", "http://a:x/"]
)
async def test_what_is_no_project_is_not_attached(radiator: Radiator, url: str) -> None:
    made = await radiator.seen()
    with pytest.raises(BoincError) as caught:
        await made.attach(url, "0123456789abcdef")
    assert caught.value.fault is BoincFault.COMMAND_REFUSED
    with pytest.raises(BoincError):
        await made.attach(URL, "<key/>")
