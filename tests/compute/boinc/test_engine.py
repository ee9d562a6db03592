"""The engine over real connections, where a real client would not misbehave."""

import json
import time
from collections.abc import Mapping
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc import BoincError, BoincFault, control, engine
from custom_components.qheat.compute.engine import (
    EngineError,
    EngineProblem,
    HeatBudget,
    HeatKind,
    PowerSource,
)
from tests.waiting import until

from .engines import Radiator, heat
from .simulated import PASSWORD, URL, SimulatedClient, cpid_of

OWN = "<global_preferences><max_ncpus_pct>75</max_ncpus_pct></global_preferences>"


@pytest.fixture(autouse=True)
def _quick(simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated.override = OWN
    monkeypatch.setattr(engine, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(engine, "LAST_RETRY_S", 0.1)
    monkeypatch.setattr(engine, "SPREAD_S", 0.0)
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 0.2)


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
    assert (details.version, details.cores, details.mode) == ("8.2.15", 4, "always")
    assert (details.tasks_running, details.tasks_waiting) == (4, 4)
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
    ("answer", "problem"),
    [
        (b"<boinc_gui_rpc_reply><a></boinc_gui_rpc_reply>\x03", EngineProblem.BACKEND_FAULTY),
        (b"<boinc_gui_rpc_reply></boinc_gui_rpc_reply>\x03", EngineProblem.BACKEND_FAULTY),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n\x03", EngineProblem.BACKEND_FAULTY),
    ],
)
async def test_a_broken_reply_is_a_problem_and_passes(
    radiator: Radiator, answer: bytes, problem: EngineProblem
) -> None:
    made = await radiator.seen()
    radiator.client.answer = answer
    await until(lambda: made.status().problem is problem)
    assert made.status().power_w is None
    radiator.client.answer = None
    await until(made.details)
    assert made.status().problem is None


async def test_a_wrong_password_is_told(radiator: Radiator) -> None:
    made = radiator.engine("wrong")
    await made.start()
    await until(lambda: made.status().problem is EngineProblem.BACKEND_REFUSED)


async def test_another_machine_that_has_the_address_now_is_left_alone(radiator: Radiator) -> None:
    client, own = radiator.client, radiator.engine(machine=cpid_of(radiator.client.port))
    await own.start()
    heat(own)
    await until(lambda: own.status().jobs_running == 4)
    await own.stop()
    client.calls.clear()
    made = radiator.engine(machine=cpid_of(1))
    await made.start()
    heat(made)
    await until(lambda: made.status().problem is EngineProblem.BACKEND_FAULTY)
    assert not made.status().reachable
    with pytest.raises(BoincError) as refused:
        await made.release()
    assert refused.value.fault is BoincFault.OTHER_MACHINE
    assert not [call for call in client.calls if call.startswith("set_")]
    assert made.saved_state()["originals"] == {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}


async def test_the_users_settings_are_saved_before_anything_is_changed(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_state: Mapping[str, object]) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(radiator, "save", full)
    made = radiator.engine()
    await made.start()
    await until(lambda: made.status().problem is EngineProblem.ENGINE_FAILED)
    assert radiator.client.permanent == 2
    await until(lambda: radiator.client.calls.count("get_cc_status") >= 4)
    assert not [call for call in radiator.client.calls if call.startswith("set_")]
    radiator.engines.clear()
    with pytest.raises(OSError, match="no space"):
        await made.stop()
    assert not [call for call in radiator.client.calls if call.startswith("set_")]


async def test_a_crash_does_not_lose_the_users_settings(radiator: Radiator) -> None:
    first = await radiator.heating()
    assert radiator.client.override != OWN
    second = await radiator.seen()
    await second.release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, 2)
    assert radiator.client.gpu_permanent == 2
    assert radiator.saved["originals"] is None
    await first.release()


@pytest.fixture
def cut_off(radiator: Radiator) -> Radiator:
    """Return a radiator whose take-over was cut off after the first setting."""
    own = {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}
    radiator.saved = {"originals": own, "taken": False}
    radiator.client.override = OWN.replace(
        "</g", "<leave_apps_in_memory>1</leave_apps_in_memory></g"
    )
    return radiator


async def test_a_take_over_that_was_cut_off_is_done_again(cut_off: Radiator) -> None:
    made = cut_off.engine()
    await made.start()
    heat(made)
    await until(lambda: made.status().jobs_running == 4)
    assert made.status().problem is None
    await made.release()
    assert (cut_off.client.override, cut_off.client.permanent) == (OWN, 2)


async def test_a_take_over_that_was_cut_off_is_undone(cut_off: Radiator) -> None:
    await cut_off.engine().release()
    assert (cut_off.client.override, cut_off.client.permanent) == (OWN, 2)


async def test_a_run_mode_set_by_hand_stays_and_the_other_is_put_back(radiator: Radiator) -> None:
    made = await radiator.heating()
    assert radiator.client.gpu_permanent == 3
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, 1
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await made.release()
    assert (radiator.client.permanent, radiator.client.gpu_permanent) == (1, 2)


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


async def test_a_run_mode_set_after_a_release_that_failed_is_its_users_own_and_no_hand(
    radiator: Radiator,
) -> None:
    first = await radiator.heating()
    await radiator.client.stop()
    with pytest.raises(BoincError):
        await first.release()
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, 1
    await radiator.client.start()
    second = await radiator.heating()
    assert radiator.client.permanent == 3
    await second.release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, 1)


async def test_a_release_that_a_kill_kept_from_being_saved_is_not_taken_for_a_hand(
    radiator: Radiator,
) -> None:
    first = await radiator.heating()
    before = first.saved_state()
    await first.release()
    radiator.saved = before
    second = await radiator.heating()
    assert second.status().problem is None
    await second.release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, 2)


async def test_a_run_mode_set_by_hand_stays_over_a_restart_and_when_the_radiator_is_removed(
    radiator: Radiator,
) -> None:
    """Suspended by hand, a client looks like one that we have set to rest."""
    radiator.client.permanent = 1
    first = await radiator.heating()
    radiator.client.temporary_until_s = 0.0
    await until(lambda: first.status().problem is EngineProblem.CHANGED_BY_HAND)
    await first.stop()
    second = radiator.engine()
    await second.start()
    heat(second)
    await until(second.details)
    assert second.status().problem is EngineProblem.CHANGED_BY_HAND
    radiator.client.permanent = 2
    await until(lambda: (told := second.details()) and told.mode == "auto")
    await second.stop()
    await radiator.engine().release()
    assert (radiator.client.permanent, radiator.client.gpu_permanent) == (2, 2)
    assert radiator.client.override == OWN


async def test_a_mode_set_while_nobody_looked_stays_when_the_radiator_is_removed(
    radiator: Radiator,
) -> None:
    made = await radiator.seen()
    await made.stop()
    radiator.client.permanent = 1
    await radiator.engine().release()
    assert (radiator.client.permanent, radiator.client.gpu_permanent) == (1, 2)


async def test_tasks_that_a_first_stop_interrupts_keep_what_they_have_done(
    radiator: Radiator,
) -> None:
    await radiator.seen()
    changes = [call for call in radiator.client.calls if call.startswith("set_")]
    assert changes == ["set_global_prefs_override", "set_gpu_mode", "set_run_mode"]
    assert radiator.client.preferences["leave_apps_in_memory"] == 1
    assert radiator.client.preferences["max_ncpus_pct"] == 75


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


async def test_stopping_rests_the_client_and_keeps_its_settings_put_away(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    await made.stop()
    assert (radiator.client.mode, radiator.client.permanent) == (3, 3)
    assert radiator.saved["originals"] == {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}
    assert made.status().problem is EngineProblem.BACKEND_UNREACHABLE


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


@pytest.mark.parametrize(
    "saved",
    [
        {"originals": 5, "watts": []},
        {"originals": {"override": 3, "cpu_mode": 2, "gpu_mode": 2}},
        {"originals": {"override": "", "cpu_mode": 9, "gpu_mode": None}},
        {"changed_s": float("nan"), "by_hand": {"cpu": 3, "gpu": [True]}},
        {"changed_s": "now", "by_hand": [[True, True]]},
        {"watts": {"meter": "sensor.plug", "cores": 0, "seen": {}}},
    ],
)
async def test_broken_saved_state_is_dropped(
    radiator: Radiator, saved: Mapping[str, object]
) -> None:
    radiator.saved = saved
    await radiator.seen(meter="sensor.plug")
    assert radiator.saved["originals"] == {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}


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


@pytest.mark.parametrize("mode", [3, 1], ids=["snoozed", "run for an hour"])
async def test_a_mode_for_a_while_does_not_keep_the_lasting_one_from_being_put_back(
    radiator: Radiator, simulated: SimulatedClient, mode: int
) -> None:
    made = radiator.engine()
    await made.start()
    heat(made)
    await until(lambda: simulated.running == 4)
    simulated.temporary, simulated.temporary_until_s = mode, time.monotonic() + 3600
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await made.release()
    simulated.temporary_until_s = 0.0
    assert (simulated.permanent, simulated.gpu_permanent) == (2, 2)
    assert simulated.override == OWN


async def test_what_was_suspended_by_hand_before_a_release_is_heated_with_again(
    radiator: Radiator, simulated: SimulatedClient
) -> None:
    made = radiator.engine()
    await made.start()
    heat(made)
    await until(lambda: simulated.running == 4)
    simulated.temporary_until_s = 0.0  # *Suspend*
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await made.release()
    assert simulated.permanent == 3
    simulated.permanent = 2  # *Run based on preferences*
    again = radiator.engine()
    await again.start()
    heat(again)
    await until(lambda: simulated.running == 4)
    await again.release()
    assert simulated.permanent == 2


async def test_how_it_was_pulsed_before_a_release_says_nothing_of_who_computes_by_hand_later(
    radiator: Radiator,
) -> None:
    first = radiator.engine()
    await first.start()
    heat(first, 25.0)
    await until(lambda: (told := first.details()) and told.duty == 0.5)
    await first.release()
    second = await radiator.seen()
    radiator.client.permanent = 1
    await until(lambda: second.status().problem is EngineProblem.CHANGED_BY_HAND)
    await until(lambda: second.status().jobs_running == 3)
    assert second.status().power_w == 50.0
