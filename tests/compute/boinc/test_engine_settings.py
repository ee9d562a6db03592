"""The user's own settings: put away by a radiator, and given back when it is none any more."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from custom_components.qheat.compute.boinc import BoincError, BoincFault, control, engine, handover
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.probe import Probed, identify
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.engine import EngineProblem
from tests.waiting import until

from .engines import OWN, Radiator, heat
from .simulated import SimulatedClient, cpid_of

pytestmark = pytest.mark.usefixtures("quick")


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


@pytest.mark.parametrize("last", ["set_override", "set_gpu_mode", "set_cpu_mode"])
async def test_a_take_over_in_whose_middle_home_assistant_stops_is_undone(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    cut, tell = asyncio.Event(), getattr(BoincClient, last)

    async def tell_and_hang(told: BoincClient, what: object) -> None:
        await tell(told, what)
        cut.set()
        await asyncio.Event().wait()

    made, client = radiator.engine(), radiator.client
    with monkeypatch.context() as hanging:
        hanging.setattr(BoincClient, last, tell_and_hang)
        await made.start()
        await cut.wait()
    assert client.override != OWN
    await made.leave()
    assert (client.override, client.permanent, client.gpu_permanent) == (OWN, 2, 2)
    assert client.mode == 3
    assert radiator.saved["originals"] is None


async def test_a_machine_rests_between_its_own_work_and_its_first_heat(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 3600.0)
    heat(await radiator.seen())
    radiator.client.calls.clear()
    await until(lambda: radiator.client.calls.count("get_cc_status") >= 3)
    assert radiator.client.running == 0


async def test_a_run_mode_set_by_hand_while_a_home_is_loaded_anew_is_shown(
    radiator: Radiator,
) -> None:
    await (await radiator.heating()).stop()
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, 1
    again = await radiator.seen()
    assert again.status().problem is EngineProblem.CHANGED_BY_HAND
    assert radiator.client.permanent == 1


async def test_a_run_mode_set_by_hand_stays_and_the_other_is_put_back(radiator: Radiator) -> None:
    made = await radiator.heating()
    assert radiator.client.gpu_permanent == 3
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, 1
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await made.release()
    assert (radiator.client.permanent, radiator.client.gpu_permanent) == (1, 2)


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


@pytest.mark.parametrize(
    ("mode", "gpu_mode"), [(1, 2), (2, 3), (3, 3)], ids=["always", "auto", "suspend"]
)
async def test_a_run_mode_set_by_hand_just_before_a_stop_stays_over_a_restart_too(
    radiator: Radiator, mode: int, gpu_mode: int
) -> None:
    first = await radiator.heating()
    radiator.client.temporary_until_s, radiator.client.permanent = 0.0, mode
    radiator.client.gpu_permanent = gpu_mode
    radiator.client.override = OWN
    await first.stop()
    second = await radiator.seen()
    assert second.status().problem is EngineProblem.CHANGED_BY_HAND
    assert (radiator.client.permanent, radiator.client.gpu_permanent) == (mode, gpu_mode)


async def test_a_suspend_just_before_a_radiator_is_removed_stays(radiator: Radiator) -> None:
    made = await radiator.heating()
    radiator.client.temporary_until_s = 0.0  # *Suspend*
    await made.release()
    assert (radiator.client.permanent, radiator.client.override) == (3, OWN)


async def test_a_lease_that_ends_while_a_stop_waits_for_the_client_is_no_hand(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_s = 0.0

    async def slowly(client: BoincClient) -> Probed:
        nonlocal passed_s
        passed_s, radiator.client.temporary_until_s = 30.0, 0.0
        return await identify(client)

    first = await radiator.heating(clock=lambda: time.monotonic() + passed_s)
    with monkeypatch.context() as slow:
        slow.setattr(engine, "identify", slowly)
        await first.stop()
    second = await radiator.seen()
    assert second.status().problem is None


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
    await until(lambda: (told := second.details()) and told.status.cpu.mode is RunMode.AUTO)
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


async def test_stopping_rests_the_client_and_keeps_its_settings_put_away(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    await made.stop()
    assert (radiator.client.mode, radiator.client.permanent) == (3, 3)
    assert radiator.saved["originals"] == {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}
    assert made.status().problem is EngineProblem.BACKEND_UNREACHABLE


async def test_a_client_that_is_left_has_its_settings_again_and_rests_for_an_hour(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    await made.leave()
    client = radiator.client
    assert (client.override, client.permanent, client.gpu_permanent) == (OWN, 2, 2)
    assert client.mode == 3
    assert 3500 < client.temporary_until_s - time.monotonic() <= 3600
    assert radiator.saved["originals"] is None


async def test_tasks_have_paused_before_preferences_are_followed_that_may_drop_what_they_have_done(
    radiator: Radiator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the user's run mode and the hour's rest they may have gone on for a moment."""
    monkeypatch.setattr(handover, "PAUSED_S", 1.0)
    made = await radiator.heating()
    leaving = asyncio.create_task(made.leave())
    await until(lambda: radiator.client.temporary_until_s > time.monotonic() + 3000)
    assert (radiator.client.override, radiator.client.calls[-1]) == (OWN, "set_run_mode")
    await leaving
    assert radiator.client.calls[-1] == "read_global_prefs_override"


@pytest.mark.parametrize("own", [1, 2, 3], ids=["always", "auto", "suspended"])
async def test_a_client_that_was_left_is_heated_with_again_at_once(
    radiator: Radiator, own: int
) -> None:
    radiator.client.permanent = own
    await (await radiator.heating()).leave()
    again = await radiator.heating()
    assert again.status().problem is None
    await again.release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, own)


async def test_what_is_set_while_home_assistant_is_off_is_what_comes_back_in_the_end(
    radiator: Radiator,
) -> None:
    await (await radiator.heating()).leave()
    theirs = OWN.replace("75", "50")
    radiator.client.override, radiator.client.permanent = theirs, 1
    await (await radiator.heating()).release()
    assert (radiator.client.override, radiator.client.permanent) == (theirs, 1)


@pytest.mark.parametrize(
    ("own", "gpu"), [(2, 2), (3, 2), (3, 3)], ids=["auto", "suspended", "and_its_gpu"]
)
async def test_settings_back_that_a_kill_kept_from_being_saved_are_not_taken_for_a_hand(
    radiator: Radiator, own: int, gpu: int
) -> None:
    radiator.client.permanent, radiator.client.gpu_permanent = own, gpu
    first = await radiator.heating()
    before = first.saved_state()
    await first.leave()
    radiator.saved = before
    second = await radiator.heating()
    assert second.status().problem is None
    await second.release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, own)


async def test_newer_preferences_back_that_a_kill_kept_from_being_saved_are_not_taken_for_a_hand(
    radiator: Radiator,
) -> None:
    first, client = await radiator.heating(), radiator.client
    before = first.saved_state()
    client.override = client.override.replace("</g", "<disk_max_used_gb>7</disk_max_used_gb></g")
    await first.leave()
    back = client.override
    assert (client.preferences["disk_max_used_gb"], client.preferences["max_ncpus_pct"]) == (7, 75)
    radiator.saved = before
    second = await radiator.seen()
    assert second.status().problem is None
    await second.release()
    assert (client.override, client.permanent) == (back, 2)


async def test_all_stays_where_somebody_has_set_a_run_mode_by_hand_when_home_assistant_stops(
    radiator: Radiator,
) -> None:
    made, client = await radiator.seen(), radiator.client
    heat(made, 25.0)
    await until(lambda: (told := made.details()) and told.plan.duty == 0.5)
    client.temporary_until_s, client.permanent = 0.0, 1
    await made.leave()
    assert (client.mode, client.gpu_permanent) == (1, 3)
    again = await radiator.seen()
    assert again.status().problem is EngineProblem.CHANGED_BY_HAND
    assert (client.mode, client.gpu_permanent) == (1, 3)
    # It is told nothing else than before, or this would be wrong.
    assert (again.status().jobs_running, again.status().power_w) == (1, 25.0)
    await again.release()
    assert (client.override, client.permanent, client.gpu_permanent) == (OWN, 1, 2)


async def test_a_gpus_run_mode_set_by_hand_just_before_home_assistant_stops_stays_over_a_restart(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    radiator.client.gpu_permanent = 1
    await made.leave()
    again = await radiator.seen()
    assert again.status().problem is EngineProblem.CHANGED_BY_HAND
    assert radiator.client.gpu_permanent == 1


async def test_a_client_that_is_no_radiator_yet_is_left_alone_when_home_assistant_stops(
    radiator: Radiator,
) -> None:
    await radiator.engine().leave()
    assert not radiator.client.calls


async def test_a_client_that_is_gone_when_home_assistant_stops_gets_its_settings_back_later(
    radiator: Radiator,
) -> None:
    made = await radiator.heating()
    await radiator.client.stop()
    await made.leave()
    assert radiator.saved["originals"] == {"override": OWN, "cpu_mode": 2, "gpu_mode": 2}
    await radiator.client.start()
    await radiator.engine().release()
    assert (radiator.client.override, radiator.client.permanent) == (OWN, 2)


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
    simulated.temporary_until_s, simulated.gpu_permanent = 0.0, 1  # *Suspend*, but not the GPU
    await until(lambda: made.status().problem is EngineProblem.CHANGED_BY_HAND)
    await made.release()
    assert simulated.permanent == 3
    simulated.permanent = 2  # *Run based on preferences*
    again = radiator.engine()
    await again.start()
    heat(again)
    await until(lambda: simulated.running == 4)
    assert again.status().problem is None
    await again.release()
    assert simulated.permanent == 2


async def test_how_it_was_pulsed_before_a_release_says_nothing_of_who_computes_by_hand_later(
    radiator: Radiator,
) -> None:
    first = radiator.engine()
    await first.start()
    heat(first, 25.0)
    await until(lambda: (told := first.details()) and told.plan.duty == 0.5)
    await first.release()
    second = await radiator.seen()
    radiator.client.permanent = 1
    await until(lambda: second.status().problem is EngineProblem.CHANGED_BY_HAND)
    await until(lambda: second.status().jobs_running == 3)
    assert second.status().power_w == 50.0
