"""Looking after a client, moment by moment: the moments are given, the connection is real."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace

import pytest

from custom_components.qheat.compute.boinc import rpc
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.credit import MAX_TOTALS
from custom_components.qheat.compute.boinc.errors import BoincError
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.originals import Originals
from custom_components.qheat.compute.boinc.probe import Probed, identify
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.boinc.session import Session
from custom_components.qheat.compute.boinc.stewardship import Stewardship
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.counter import FRESH_S, Reading
from custom_components.qheat.compute.engine import EngineProblem, HeatBudget, PowerModel

from .simulated import PASSWORD, URL, SimulatedClient

MODEL = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)


class Watched:
    """A session that is stepped through as Home Assistant would, five seconds at a time."""

    def __init__(
        self,
        client: SimulatedClient,
        rpc: BoincClient,
        host: Probed,
        originals: Originals,
        steward: Stewardship,
    ) -> None:
        self.client = client
        self.rpc = rpc
        self.host = host
        self.originals = originals
        self.steward = steward
        self.session = self.connected()
        self.now_s = 1000.0
        self.meter: Reading | None = None
        self.meter_every_s = 5.0
        self.burn = 0.0
        """CPU seconds a second that each task uses, paused or not."""

    def connected(self) -> Session:
        """Return a session as a new connection makes one."""
        return Session(self.rpc, self.steward, self.host, self.originals)

    async def run(self, seconds: float, budget_w: float, meter_w: float | None = None) -> None:
        for _ in range(int(seconds / 5)):
            self.steward.budget = HeatBudget(power_w=budget_w, expires_s=self.now_s + 20)
            reading = None
            if meter_w is not None:
                at_s = self.now_s - self.now_s % self.meter_every_s
                if self.meter is None or at_s >= self.meter.at_s + self.meter_every_s:
                    self.meter = Reading(power_w=meter_w, at_s=at_s, since_s=at_s)
                # What is older counts as nothing any more, as with the engine's meter.
                reading = self.meter if self.now_s - self.meter.at_s < FRESH_S else None
            await self.session.step(self.now_s, await self.rpc.status(), reading)
            self.now_s += 5
            self.client.cpu_s += 5 * self.burn

    def count(self, command: str) -> int:
        return self.client.calls.count(command)


@asynccontextmanager
async def watching(options: BoincOptions, ahead_s: float = 0.0) -> AsyncGenerator[Watched]:
    simulated = SimulatedClient(permanent=3, gpu_permanent=3, ahead_s=ahead_s)
    await simulated.start()
    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    client = BoincClient(connection)
    originals = Originals(override="", cpu_mode=RunMode.AUTO, gpu_mode=RunMode.AUTO)
    steward = Stewardship(table=WattsTable(MODEL), options=options, originals=originals, taken=True)
    yield Watched(simulated, client, await identify(client), originals, steward)
    await connection.close()
    await simulated.stop()


@pytest.fixture
async def watched(socket_enabled: None) -> AsyncGenerator[Watched]:
    async with watching(BoincOptions()) as made:
        yield made


@pytest.fixture
async def with_gpu(socket_enabled: None) -> AsyncGenerator[Watched]:
    """Return a session with a machine whose GPU adds 100 W."""
    async with watching(BoincOptions(gpu_w=100.0)) as made:
        yield made


@pytest.fixture
async def paid(socket_enabled: None) -> AsyncGenerator[Watched]:
    """Return a session with a client whose project pays."""
    async with watching(BoincOptions(rates={URL: Decimal(1)})) as made:
        yield made


@pytest.fixture
async def laden(watched: Watched) -> Watched:
    """Return a session that has just looked at a client with 500 tasks, six of them begun."""
    watched.client.tasks, watched.client.begun, watched.client.done_s = 500, 6, 120.0
    await watched.run(20, 60.0)
    return watched


async def test_the_watts_of_a_steady_load_are_learned(watched: Watched) -> None:
    await watched.run(15, 60.0, 90.0)
    assert watched.steward.table.seen == {}
    await watched.run(60, 60.0, 90.0)
    assert watched.steward.table.watts(4) == pytest.approx(90.0)
    assert watched.steward.table.watts(0) == 20.0
    await watched.run(5, 60.0, 55.0)
    assert watched.client.running == 3, "the same budget gives fewer cores now"


async def test_what_is_the_same_at_the_next_look_is_not_made_anew(watched: Watched) -> None:
    watched.client.gets_on = True
    await watched.run(30, 60.0)
    before = watched.session.seen
    await watched.run(60, 60.0)
    now = watched.session.seen
    assert now is not before
    kept = [task is former for task, former in zip(now.tasks, before.tasks, strict=True)]
    assert kept == [False] * 4 + [True] * 4
    assert now.projects is before.projects


async def test_a_client_with_hundreds_of_tasks_is_asked_for_all_once_a_minute(
    laden: Watched,
) -> None:
    await laden.run(280, 60.0)
    assert laden.client.asked_for_all == 5
    assert laden.count("get_results") > 25
    seen = laden.session.seen
    counts = len(seen.running), len(seen.paused), len(seen.queued)
    assert counts == (4, 2, 494)


async def test_a_task_begun_between_two_looks_at_all_does_not_wait_as_well(laden: Watched) -> None:
    laden.client.begun = 20
    await laden.run(20, 60.0)
    seen = laden.session.seen
    assert (len(seen.running), len(seen.paused), len(seen.queued)) == (4, 16, 480)
    assert len({task.name for task in seen.tasks}) == 500


async def test_work_lost_is_counted_once_also_with_hundreds_of_tasks(laden: Watched) -> None:
    laden.client.failed = {1, 2}
    await laden.run(20, 60.0)
    laden.client.gone = {1, 2}
    await laden.run(300, 60.0)
    assert laden.steward.work_lost_s == 240.0


async def test_tasks_that_all_vanish_are_missed_as_soon_as_those_of_a_small_client(
    laden: Watched,
) -> None:
    laden.client.tasks = 0
    await laden.run(15, 60.0)
    assert laden.session.seen.tasks == ()


async def test_what_changes_during_a_look_at_all_is_looked_at_again(
    laden: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    laden.session.look_again()
    tell = SimulatedClient._get_results

    def told(client: SimulatedClient, request: str) -> str:
        reply = tell(client, request)
        if laden.client.tasks == 500:
            laden.client.tasks = 300
            laden.session.look_again()
        return reply

    monkeypatch.setattr(SimulatedClient, "_get_results", told)
    await laden.run(10, 60.0)
    assert len(laden.session.seen.tasks) == 300


async def test_tasks_aborted_by_us_are_not_counted_again_when_all_are_looked_at(
    laden: Watched,
) -> None:
    laden.burn = 1.0
    await laden.run(30, 0.0)
    lost_s = laden.steward.work_lost_s
    assert laden.count("abort_result") == 6
    laden.client.failed = set(range(6))
    await laden.run(200, 0.0)
    assert laden.steward.work_lost_s == lost_s > 0


async def test_after_a_command_all_tasks_are_looked_at_with_the_next_step(laden: Watched) -> None:
    laden.client.tasks = 300
    laden.session.look_again()
    await laden.run(5, 60.0)
    assert len(laden.session.seen.tasks) == 300


async def test_a_pulsed_load_teaches_nothing(watched: Watched) -> None:
    await watched.run(120, 25.0, 24.0)
    assert watched.steward.table.seen == {}


async def test_tasks_that_burn_while_they_should_not_are_aborted_then_the_client_is_ended(
    watched: Watched,
) -> None:
    await watched.run(20, 60.0)
    watched.burn = 1.0
    await watched.run(40, 0.0)
    assert watched.count("abort_result") == 8
    assert watched.steward.obedience.alarm
    assert watched.session.estimate_w() == 60.0
    assert watched.steward.work_lost_s > 0
    assert watched.count("quit") == 0
    await watched.run(90, 0.0)
    assert watched.count("quit") == 1


async def test_a_meter_that_never_falls_convicts_tasks_that_hide_their_cpu_time(
    watched: Watched,
) -> None:
    await watched.run(60, 60.0, 60.0)
    await watched.run(60, 0.0, 60.0)
    assert watched.count("abort_result") == 0
    await watched.run(40, 0.0, 60.0)
    assert watched.count("abort_result") == 8


async def test_a_load_of_other_programs_does_not_convict_tasks_that_tell_their_cpu_time(
    watched: Watched,
) -> None:
    watched.burn = 0.02  # all that is left of a core, beside a program that takes it
    await watched.run(60, 60.0, 60.0)
    watched.burn = 0.0
    await watched.run(300, 0.0, 60.0)
    # Four could run; of the others nothing is known.
    assert watched.count("abort_result") == 4


@pytest.mark.parametrize("every_s", [60.0, 85.0, 120.0])
async def test_a_meter_that_reports_seldom_convicts_nobody_who_obeys(
    watched: Watched, every_s: float
) -> None:
    watched.meter_every_s = every_s
    for _ in range(4):
        await watched.run(300, 60.0, 60.0)
        await watched.run(300, 0.0, 20.0)
    assert watched.count("abort_result") == 0


async def test_what_other_programs_draw_later_harms_no_task(watched: Watched) -> None:
    await watched.run(60, 60.0, 60.0)
    await watched.run(20, 0.0, 21.0)
    await watched.run(300, 0.0, 300.0)
    assert watched.count("abort_result") == 0
    assert not watched.steward.obedience.alarm


async def test_projects_are_asked_for_work_while_there_is_too_little(watched: Watched) -> None:
    watched.client.tasks = 2
    await watched.run(10, 60.0)
    assert watched.count("project_update") == 0
    await watched.run(60, 60.0)
    assert 2 <= watched.count("project_update") <= 5
    assert watched.session.problem(watched.now_s) is EngineProblem.NO_JOBS
    watched.client.tasks = 8
    await watched.run(20, 60.0)
    asked = watched.count("project_update")
    await watched.run(100, 60.0)
    assert watched.count("project_update") == asked
    assert watched.session.problem(watched.now_s) is None


async def test_work_that_is_not_begun_for_a_minute_is_no_work(watched: Watched) -> None:
    watched.client.ready = False
    await watched.run(60, 60.0)
    assert watched.count("project_update") == 0
    await watched.run(60, 60.0)
    assert 1 <= watched.count("project_update") <= 4
    assert watched.session.problem(watched.now_s) is EngineProblem.NO_JOBS
    watched.client.ready = True
    await watched.run(20, 60.0)
    asked = watched.count("project_update")
    await watched.run(100, 60.0)
    assert watched.count("project_update") == asked
    assert watched.session.problem(watched.now_s) is None


async def test_gaps_between_tasks_and_tasks_that_wait_for_heat_are_no_lack_of_work(
    watched: Watched,
) -> None:
    for _ in range(4):
        await watched.run(100, 0.0)
        watched.client.ready = False
        await watched.run(45, 60.0)
        watched.client.ready = True
        await watched.run(20, 60.0)
        assert watched.session.problem(watched.now_s) is None
    assert watched.count("project_update") == 0


async def test_work_for_a_gpu_that_is_not_begun_for_a_minute_is_no_work(
    with_gpu: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedClient, "gpu_runs", False)
    with_gpu.client.gpu_tasks = 2
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("project_update") == 0
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("project_update") > 0


async def test_a_task_for_a_gpu_that_is_missing_takes_no_watts_from_the_cores(
    with_gpu: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = SimulatedClient._gpu_task

    def told(client: SimulatedClient, number: int) -> str:
        return tell(client, number).replace("1 NVIDIA GPU", "NVIDIA GPU (missing)")

    monkeypatch.setattr(SimulatedClient, "_gpu_task", told)
    monkeypatch.setattr(SimulatedClient, "gpu_runs", False)
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(30, 140.0)
    assert with_gpu.client.running == 4


async def test_who_pays_is_asked_for_work_as_often_as_it_allows_however_long_there_is_none(
    paid: Watched,
) -> None:
    paid.client.tasks = 2
    await paid.run(1000, 60.0)
    asked = paid.count("project_update")
    await paid.run(300, 60.0)
    assert 15 <= paid.count("project_update") - asked <= 30
    paid.client.next_rpc_s = time.time() + 1e6
    asked = paid.count("project_update")
    await paid.run(300, 60.0)
    assert paid.count("project_update") - asked <= 2


@pytest.mark.parametrize("ahead_s", [-36_000.0, 36_000.0])
async def test_when_who_pays_may_be_asked_is_told_by_the_clock_of_the_client(
    socket_enabled: None, ahead_s: float
) -> None:
    async with watching(BoincOptions(rates={URL: Decimal(1)}), ahead_s) as paid:
        paid.client.tasks = 2
        paid.client.next_rpc_s = time.time() + ahead_s + 1000
        await paid.run(1000, 60.0)
        asked = paid.count("project_update")
        await paid.run(300, 60.0)
        assert paid.count("project_update") - asked <= 2
        paid.client.next_rpc_s -= 1000
        asked = paid.count("project_update")
        await paid.run(300, 60.0)
        assert paid.count("project_update") - asked >= 15


async def test_a_project_that_does_not_take_the_machine_in_is_told_and_asked_for_nothing(
    paid: Watched,
) -> None:
    paid.client.tasks, paid.client.host_id = 2, 0
    await paid.run(60, 60.0)
    assert paid.session.problem(paid.now_s) is EngineProblem.NO_JOBS  # not asked so far
    paid.client.next_rpc_s = time.time() + 3600
    paid.session.look_again()
    await paid.run(20, 60.0)
    assert paid.session.problem(paid.now_s) is EngineProblem.PROJECT_REFUSES
    asked = paid.count("project_update")
    await paid.run(600, 60.0)
    assert paid.count("project_update") == asked


async def test_who_does_not_pay_is_asked_ever_more_seldom(watched: Watched) -> None:
    watched.client.tasks = 2
    await watched.run(1000, 60.0)
    asked = watched.count("project_update")
    await watched.run(600, 60.0)
    assert watched.count("project_update") - asked == 2


async def test_while_only_a_backup_project_computes_the_others_are_asked_now_and_then(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = "https://main.example/"
    tell = SimulatedClient._get_project_status

    def told(client: SimulatedClient, request: str) -> str:
        """Tell of a second project, that has no task here."""
        other = f"<project><master_url>{main}</master_url><hostid>6</hostid>"
        share = "<resource_share>1</resource_share>"
        return tell(client, request).replace("</projects>", f"{other}{share}</project></projects>")

    monkeypatch.setattr(SimulatedClient, "_get_project_status", told)
    watched.client.share = 0.0
    await watched.run(900, 60.0)
    assert 2 <= watched.count("project_update") <= 4


async def test_a_task_that_needs_no_processor_gives_no_heat_and_is_no_work(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = SimulatedClient._get_project_status

    def told(client: SimulatedClient, request: str) -> str:
        return tell(client, request).replace("</project>", "<non_cpu_intensive/></project>")

    monkeypatch.setattr(SimulatedClient, "_get_project_status", told)
    watched.client.tasks = 4
    await watched.run(60, 60.0)
    assert watched.session.estimate_w() == 20.0
    assert watched.session.problem(watched.now_s) is EngineProblem.NO_JOBS
    assert watched.count("project_update") == 0


async def test_nobody_is_asked_for_work_while_no_heat_is_wanted(watched: Watched) -> None:
    watched.client.tasks = 0
    await watched.run(100, 0.0)
    assert watched.count("project_update") == 0


async def test_a_mode_set_by_hand_stops_every_command(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    watched.client.calls.clear()
    watched.burn = 1.0
    await watched.run(200, 0.0)
    assert set(watched.client.calls) == {"get_cc_status", "get_results", "get_project_status"}
    assert watched.session.problem(watched.now_s) is EngineProblem.CHANGED_BY_HAND


async def test_a_client_whose_clock_is_set_heats_again_and_suspend_is_still_a_hand(
    with_gpu: Watched,
) -> None:
    with_gpu.client.gpu_tasks = 1
    for step_s in (3600.0, -90.0):
        await with_gpu.run(30, 160.0)
        with_gpu.client.ahead_s += step_s
        with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
        await with_gpu.run(15, 160.0)
        assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, True)
        assert with_gpu.session.problem(with_gpu.now_s) is None
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(30, 160.0)
    assert with_gpu.client.running == 0
    assert with_gpu.session.problem(with_gpu.now_s) is EngineProblem.CHANGED_BY_HAND


async def test_who_lets_it_compute_by_hand_still_has_it_pulsed_and_is_told_no_more_watts(
    watched: Watched,
) -> None:
    await watched.run(30, 25.0)
    watched.client.permanent, watched.client.temporary_until_s = 1, 0.0
    await watched.run(30, 25.0)
    assert watched.session.problem(watched.now_s) is EngineProblem.CHANGED_BY_HAND
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
        assert watched.session.problem(watched.now_s) is EngineProblem.CHANGED_BY_HAND
        assert watched.session.estimate_w() == 25.0


async def test_snooze_is_a_hand_at_once(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary, watched.client.temporary_until_s = 3, time.monotonic() + 3600
    await watched.run(5, 60.0)
    assert watched.session.problem(watched.now_s) is EngineProblem.CHANGED_BY_HAND
    watched.client.temporary_until_s = 0.0
    await watched.run(15, 60.0)
    assert watched.client.running == 4


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
    await watched.originals.put_back(watched.rpc)
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


async def test_changes_are_ten_seconds_apart_also_over_a_lost_connection(watched: Watched) -> None:
    await watched.run(20, 60.0)
    watched.now_s += 10
    await watched.run(5, 0.0)
    watched.session = watched.connected()
    await watched.run(5, 60.0)
    assert watched.client.running == 0
    await watched.run(5, 60.0)
    assert watched.client.running == 4


async def test_a_radiator_that_is_taken_back_heats_ten_seconds_later(watched: Watched) -> None:
    await watched.run(30, 60.0)
    watched.client.temporary_until_s, watched.client.permanent = 0.0, 1
    await watched.run(30, 60.0)
    watched.steward.hand.take_back()
    watched.session.insist = True
    await watched.run(10, 60.0)
    assert (watched.client.running, watched.client.permanent) == (0, 3)
    await watched.run(5, 60.0)
    assert watched.client.running == 4


async def test_a_radiator_that_was_snoozed_is_taken_back(with_gpu: Watched) -> None:
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(30, 160.0)
    with_gpu.client.temporary = with_gpu.client.gpu_temporary = 3
    with_gpu.client.temporary_until_s = with_gpu.client.gpu_until_s = time.monotonic() + 3600
    await with_gpu.run(30, 160.0)
    with_gpu.steward.hand.take_back()
    with_gpu.steward.gpu_hand.take_back()
    with_gpu.session.insist = True
    await with_gpu.run(30, 160.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, True)
    assert not with_gpu.steward.by_hand


async def test_work_for_a_gpu_is_asked_for_and_done_when_it_is_there(with_gpu: Watched) -> None:
    await with_gpu.run(40, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, False)
    assert with_gpu.count("project_update") > 0
    assert with_gpu.session.problem(with_gpu.now_s) is EngineProblem.NO_JOBS
    with_gpu.client.gpu_tasks = 2
    await with_gpu.run(20, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (2, True)
    assert with_gpu.session.problem(with_gpu.now_s) is None
    assert with_gpu.session.estimate_w() == 140.0
    asked = with_gpu.count("project_update")
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("project_update") == asked


async def test_nobody_is_asked_for_more_where_the_gpu_alone_is_the_budget(
    with_gpu: Watched,
) -> None:
    with_gpu.client.tasks, with_gpu.client.gpu_tasks = 0, 1
    await with_gpu.run(120, 130.0)
    assert with_gpu.client.gpu_runs
    assert with_gpu.count("project_update") == 0
    assert with_gpu.session.problem(with_gpu.now_s) is None


@pytest.mark.parametrize("mode", [1, 2, 3])
async def test_the_run_mode_of_a_gpu_set_by_hand_is_shown_and_not_fought(
    with_gpu: Watched, mode: int
) -> None:
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(30, 140.0)
    with_gpu.client.gpu_until_s, with_gpu.client.gpu_permanent = 0.0, mode
    with_gpu.client.calls.clear()
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("set_gpu_mode") == 0
    assert with_gpu.client.running == 4, "the cores have the whole budget"
    assert with_gpu.session.problem(with_gpu.now_s) is EngineProblem.CHANGED_BY_HAND
    await with_gpu.run(20, 0.0)
    assert with_gpu.client.gpu_permanent == mode
    with_gpu.steward.gpu_hand.take_back()
    with_gpu.session.insist = True
    await with_gpu.run(20, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (2, True)
    assert with_gpu.client.gpu_permanent == 3
    assert with_gpu.session.problem(with_gpu.now_s) is None


async def test_a_gpu_computes_on_after_a_lost_connection(with_gpu: Watched) -> None:
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(30, 140.0)
    with_gpu.session, with_gpu.now_s = with_gpu.connected(), with_gpu.now_s + 10
    await with_gpu.run(5, 140.0)
    assert with_gpu.client.gpu_runs


async def test_a_gpu_snoozed_for_an_hour_is_left_alone(with_gpu: Watched) -> None:
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(30, 140.0)
    with_gpu.client.gpu_temporary, with_gpu.client.gpu_until_s = 3, time.monotonic() + 3600
    with_gpu.client.calls.clear()
    await with_gpu.run(60, 140.0)
    assert with_gpu.count("set_gpu_mode") == 0
    assert with_gpu.session.problem(with_gpu.now_s) is EngineProblem.CHANGED_BY_HAND
    with_gpu.client.gpu_until_s = 0.0
    await with_gpu.run(30, 140.0)
    assert with_gpu.client.gpu_runs, "nobody snoozes it any more"
    assert with_gpu.session.problem(with_gpu.now_s) is None


async def test_what_a_gpu_drew_is_not_learned_as_what_the_cores_draw(with_gpu: Watched) -> None:
    with_gpu.client.gpu_tasks = 1
    await with_gpu.run(60, 160.0, 165.0)
    with_gpu.client.gpu_tasks = 0
    await with_gpu.run(20, 160.0, 165.0)
    assert with_gpu.steward.table.seen == {}
    await with_gpu.run(60, 160.0, 65.0)
    assert with_gpu.steward.table.watts(4) == pytest.approx(65.0)


async def test_a_step_on_a_lost_connection_fails(watched: Watched) -> None:
    await watched.client.stop()
    with pytest.raises(BoincError):
        await watched.run(5, 60.0)
    await watched.client.start()


async def test_a_client_that_invents_host_numbers_fills_no_memory(watched: Watched) -> None:
    watched.steward.first_seen |= {f"invented {number}": Decimal(0) for number in range(MAX_TOTALS)}
    known = dict(watched.steward.first_seen)
    watched.client.host_id = 77
    await watched.run(60, 60.0)
    assert watched.steward.first_seen == known


async def test_a_clock_that_goes_wrong_by_itself_does_not_have_a_suspend_fought(
    watched: Watched,
) -> None:
    for _ in range(3):
        await watched.run(310, 60.0)
        watched.client.ahead_s += 3.0
    watched.client.temporary_until_s = 0.0
    await watched.run(30, 60.0)
    assert watched.client.running == 0
    assert watched.session.problem(watched.now_s) is EngineProblem.CHANGED_BY_HAND


async def test_a_client_that_lets_nobody_in_besides_is_heated_with_all_the_same(
    watched: Watched,
) -> None:
    """Behind a tunnel for one connection, for instance."""
    assert watched.client._server is not None
    watched.client._server.close()
    await watched.run(30, 60.0)
    assert watched.client.running == 4


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
    assert watched.session.problem(watched.now_s) is None
