"""Somebody else sets run modes and preferences: that is told from our own, and not fought."""

import time
from types import SimpleNamespace

import pytest

from custom_components.qheat.compute.boinc import rpc
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.errors import BoincError, BoincFault
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.plan import OFF, Plan
from custom_components.qheat.compute.boinc.replies import ClientStatus
from custom_components.qheat.compute.boinc.stewardship import Stewardship
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.engine import EngineProblem

from .simulated import SimulatedClient
from .watched import MODEL, Watched


async def test_a_mode_set_by_hand_stops_every_command(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    watched.client.calls.clear()
    watched.burn = 1.0
    await watched.run(200, 0.0)
    assert set(watched.client.calls) == {"get_cc_status", "get_results", "get_project_status"}
    assert watched.problem() is EngineProblem.CHANGED_BY_HAND


async def test_what_a_plan_allows_is_told_no_longer_once_somebody_sets_the_mode(
    watched: Watched,
) -> None:
    await watched.run(30, 60.0)
    assert watched.session.details().plan == Plan(cores=4)
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 3
    seen = watched.session.seen
    while watched.problem() is None:
        await watched.run(5, 60.0)
    assert watched.session.seen is seen  # it was noticed between two looks
    assert watched.session.details().plan == OFF


async def test_a_client_whose_clock_is_set_heats_again_and_suspend_is_still_a_hand(
    with_gpu: Watched,
) -> None:
    for step_s in (3600.0, -90.0):
        await with_gpu.run(30, 160.0)
        with_gpu.client.ahead_s += step_s
        with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
        await with_gpu.run(15, 160.0)
        assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, True)
        assert with_gpu.problem() is None
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(30, 160.0)
    assert with_gpu.client.running == 0
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND


async def test_who_lets_it_compute_by_hand_still_has_it_pulsed_and_is_told_no_more_watts(
    watched: Watched,
) -> None:
    await watched.run(30, 25.0)
    watched.client.permanent, watched.client.temporary_until_s = 1, 0.0
    await watched.run(30, 25.0)
    assert watched.problem() is EngineProblem.CHANGED_BY_HAND
    assert watched.session.estimate_w() == 25.0


async def test_what_computes_by_hand_teaches_no_watts_and_is_pulsed_still_when_connected_anew(
    watched: Watched,
) -> None:
    await watched.run(30, 25.0)
    watched.client.permanent, watched.client.temporary_until_s = 1, 0.0
    await watched.run(60, 25.0, 25.0)
    assert watched.steward.table.seen == {}
    again = Stewardship(table=WattsTable(MODEL), options=BoincOptions())
    again.restore(watched.steward.saved(clock_s=0.0, wall_s=0.0), clock_s=0.0, wall_s=0.0)
    for steward in (watched.steward, again):
        watched.steward = steward
        watched.session = watched.connected()
        await watched.run(30, 25.0)
        assert watched.problem() is EngineProblem.CHANGED_BY_HAND
        assert watched.session.estimate_w() == 25.0


async def test_what_a_task_computed_by_hand_does_not_count_against_it_when_it_rests_again(
    watched: Watched,
) -> None:
    await watched.run(30, 0.0)
    for _ in range(2):
        watched.client.permanent, watched.burn = 1, 1.0
        await watched.run(600, 0.0)
        watched.client.permanent, watched.burn = 3, 0.0
        await watched.run(10, 0.0)
        assert watched.session.estimate_w() == MODEL.idle_w
    assert watched.count("abort_result") == 0


async def test_snooze_is_a_hand_at_once(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary, watched.client.temporary_until_s = 3, time.monotonic() + 3600
    await watched.run(5, 60.0)
    assert watched.problem() is EngineProblem.CHANGED_BY_HAND
    watched.client.temporary_until_s = 0.0
    await watched.run(15, 60.0)
    assert watched.client.running == 4


@pytest.mark.parametrize("suspended", ["for an hour", "for good"])
async def test_resume_after_a_suspend_gives_the_radiator_back_and_does_not_have_it_compute_always(
    watched: Watched, suspended: str
) -> None:
    """What BOINC Manager resumes is what was before: a lease's mode, and that for good."""
    await watched.run(30, 60.0)
    watched.client.temporary = 3
    watched.client.temporary_until_s = (time.monotonic() + 3600) * (suspended == "for an hour")
    await watched.run(15, 60.0)
    assert watched.problem() is EngineProblem.CHANGED_BY_HAND
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    await watched.run(5, 60.0)
    assert (watched.client.running, watched.client.permanent) == (0, 3)
    await watched.run(10, 60.0)
    assert watched.client.running == 4
    assert watched.problem() is None
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    await watched.run(30, 0.0)
    assert watched.client.running == 4, "who has it compute without a pause before means it"


async def test_a_gpu_that_is_resumed_computes_again_as_the_budget_says(with_gpu: Watched) -> None:
    await with_gpu.run(30, 140.0)
    with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(15, 140.0)
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND
    with_gpu.client.gpu_permanent = 1
    await with_gpu.run(30, 140.0)
    assert with_gpu.problem() is None
    assert (with_gpu.client.gpu_runs, with_gpu.client.gpu_permanent) == (True, 3)


async def test_cores_and_a_gpu_that_are_resumed_at_once_are_both_given_back(
    with_gpu: Watched,
) -> None:
    await with_gpu.run(30, 160.0)
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(15, 160.0)
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND
    with_gpu.client.permanent = with_gpu.client.gpu_permanent = 1
    await with_gpu.run(30, 160.0)
    assert with_gpu.problem() is None
    assert (with_gpu.client.permanent, with_gpu.client.gpu_permanent) == (3, 3)


async def test_a_gpu_that_is_resumed_before_the_cores_is_given_back_and_the_cores_are_not(
    with_gpu: Watched,
) -> None:
    await with_gpu.run(30, 160.0)
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(15, 160.0)
    with_gpu.client.gpu_permanent = 1
    await with_gpu.run(15, 160.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_permanent) == (0, 3)
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND
    with_gpu.client.permanent = 1
    await with_gpu.run(30, 160.0)
    assert with_gpu.problem() is None
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, True)


def saved_by_manager(client: SimulatedClient, **ours: float) -> None:
    """Save preferences as BOINC Manager does: all of them anew, with a larger disk."""
    values = client.preferences | ours | {"disk_max_used_gb": 77.0}
    body = "".join(f"<{name}>{value:f}</{name}>\n" for name, value in values.items())
    client.override = f"<global_preferences>\n{body}</global_preferences>\n"


async def test_preferences_saved_by_somebody_else_are_ruled_again_and_keep_what_is_not_ours(
    watched: Watched,
) -> None:
    await watched.run(30, 30.0)
    saved_by_manager(watched.client, max_ncpus_pct=100.0)
    assert watched.client.running == 4
    await watched.run(20, 30.0)
    assert watched.client.running == 1
    assert watched.client.preferences["disk_max_used_gb"] == 77
    await watched.run(20, 50.0)
    assert watched.client.running == 3
    assert watched.client.preferences["disk_max_used_gb"] == 77
    assert watched.steward.originals is not None
    await watched.steward.originals.put_back(watched.rpc)
    assert watched.client.preferences == {
        "max_ncpus_pct": 100,  # what the client does without a preference
        "cpu_usage_limit": 100,
        "disk_max_used_gb": 77,
    }


async def test_other_preferences_of_ours_are_read_once_a_minute(watched: Watched) -> None:
    await watched.run(30, 25.0)
    assert watched.client.preferences["cpu_usage_limit"] == 50
    watched.client.calls.clear()
    await watched.run(300, 25.0)
    assert 4 <= watched.count("get_global_prefs_working") <= 5
    saved_by_manager(watched.client, cpu_usage_limit=100.0)
    await watched.run(75, 25.0)
    assert watched.client.preferences["cpu_usage_limit"] == 50
    assert watched.count("set_global_prefs_override") == 1


async def test_preferences_saved_while_it_rests_are_ruled_when_it_heats(watched: Watched) -> None:
    await watched.run(30, 30.0)
    await watched.run(30, 0.0)
    saved_by_manager(watched.client, max_ncpus_pct=100.0)
    await watched.run(5, 30.0)
    assert watched.client.running == 1


async def test_preferences_are_ruled_again_no_sooner_than_ten_seconds_after_a_change(
    watched: Watched,
) -> None:
    await watched.run(10, 30.0)
    for _ in range(12):
        saved_by_manager(watched.client, max_ncpus_pct=100.0)
        await watched.run(5, 30.0)
    assert 2 <= watched.count("set_global_prefs_override") <= 7
    assert watched.steward.changed_s > 1015, "over a lost connection, too"


async def test_a_radiator_that_is_taken_back_heats_ten_seconds_later(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    await watched.run(30, 60.0)
    watched.steward.hand.take_back()
    watched.steward.insist = True
    await watched.run(10, 60.0)
    assert (watched.client.running, watched.client.permanent) == (0, 3)
    await watched.run(5, 60.0)
    assert watched.client.running == 4


async def test_a_take_back_is_a_change_though_the_connection_is_lost_in_the_middle_of_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(_client: BoincClient) -> ClientStatus:
        raise BoincError(BoincFault.UNREACHABLE, "gone")

    watched.client.permanent = 1
    await watched.run(30, 60.0)
    status = await watched.rpc.status()
    watched.steward.hand.take_back()
    watched.steward.insist = True
    monkeypatch.setattr(BoincClient, "status", lose)
    with pytest.raises(BoincError):
        await watched.session.step(watched.now_s, status, None)
    assert watched.client.permanent == 3
    assert watched.steward.changed_s == watched.now_s


async def test_a_radiator_that_was_snoozed_is_taken_back(with_gpu: Watched) -> None:
    await with_gpu.run(30, 160.0)
    with_gpu.client.temporary = with_gpu.client.gpu_temporary = 3
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = time.monotonic() + 3600
    await with_gpu.run(30, 160.0)
    with_gpu.steward.hand.take_back()
    with_gpu.steward.gpu_hand.take_back()
    with_gpu.steward.insist = True
    await with_gpu.run(30, 160.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, True)
    assert not with_gpu.steward.by_hand


@pytest.mark.parametrize("mode", [1, 2, 3])
async def test_the_run_mode_of_a_gpu_set_by_hand_is_shown_and_not_fought(
    with_gpu: Watched, mode: int
) -> None:
    await with_gpu.run(30, 140.0)
    with_gpu.client.gpu_until_s, with_gpu.client.gpu_permanent = 0.0, mode
    with_gpu.client.calls.clear()
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("set_gpu_mode") == 0
    assert with_gpu.client.running == 4, "the cores have the whole budget"
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND
    await with_gpu.run(20, 0.0)
    assert with_gpu.client.gpu_permanent == mode
    with_gpu.steward.gpu_hand.take_back()
    with_gpu.steward.insist = True
    await with_gpu.run(20, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (2, True)
    assert with_gpu.client.gpu_permanent == 3
    assert with_gpu.problem() is None


async def test_a_gpu_snoozed_for_an_hour_is_left_alone(with_gpu: Watched) -> None:
    await with_gpu.run(30, 140.0)
    with_gpu.client.gpu_temporary, with_gpu.client.gpu_until_s = 3, time.monotonic() + 3600
    with_gpu.client.calls.clear()
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("set_gpu_mode") == 0
    assert with_gpu.problem() is EngineProblem.CHANGED_BY_HAND
    with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(30, 140.0)
    assert with_gpu.client.gpu_runs, "nobody snoozes it any more"
    assert with_gpu.problem() is None


async def test_a_clock_that_goes_wrong_by_itself_does_not_have_a_suspend_fought(
    watched: Watched,
) -> None:
    for _ in range(3):
        await watched.run(310, 60.0)
        watched.client.ahead_s += 3.0
    watched.client.temporary_until_s = 0.0
    await watched.run(30, 60.0)
    assert watched.client.running == 0
    assert watched.problem() is EngineProblem.CHANGED_BY_HAND


async def test_a_clock_that_is_set_a_little_after_a_day_is_told_from_a_hand(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watched.run(30, 60.0)
    day_s = 86_400.0
    later = SimpleNamespace(
        monotonic=lambda: time.monotonic() + day_s, time=lambda: time.time() + day_s
    )
    monkeypatch.setattr(rpc, "time", later)
    watched.client.ahead_s += day_s
    watched.now_s += day_s
    await watched.run(15, 60.0)
    watched.client.ahead_s += 16.0
    watched.client.temporary_until_s = 0.0
    await watched.run(15, 60.0)
    assert watched.client.running == 4
    assert watched.problem() is None
