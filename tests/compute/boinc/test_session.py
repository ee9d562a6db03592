"""Looking after a client, moment by moment: the moments are given, the connection is real."""

from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc.credit import MAX_TOTALS
from custom_components.qheat.compute.engine import HeatBudget

from .simulated import SimulatedClient
from .watched import MODEL, Watched


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


async def test_a_change_put_off_is_made_when_it_may_be_and_a_budget_that_is_over_calls_for_nothing(
    watched: Watched,
) -> None:
    await watched.run(5, 60.0)
    watched.steward.budget = HeatBudget(power_w=30.0, expires_s=1040.0)
    assert await watched.session.step(1005.0, await watched.rpc.status(), None) == 1010.0
    assert await watched.session.step(1025.0, await watched.rpc.status(), None) == 1028.0
    assert await watched.session.step(1038.0, await watched.rpc.status(), None) == 1040.0
    assert await watched.session.step(1045.0, await watched.rpc.status(), None) > 1045.0


async def test_a_task_that_ends_just_before_it_is_aborted_keeps_no_other_from_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_one(_client: SimulatedClient, request: str) -> str:
        return "<error>no such result</error>" if "task_0<" in request else "<success/>"

    monkeypatch.setattr(SimulatedClient, "_abort_result", refuse_one, raising=False)
    await watched.run(20, 60.0)
    watched.burn = 1.0
    await watched.run(40, 0.0)
    assert watched.count("abort_result") == 8


async def test_a_meter_that_never_falls_convicts_tasks_that_hide_their_cpu_time(
    watched: Watched,
) -> None:
    await watched.run(60, 60.0, 60.0)
    await watched.run(60, 0.0, 60.0)
    assert watched.count("abort_result") == 0
    await watched.run(40, 0.0, 60.0)
    assert watched.count("abort_result") == 4, "the others never ran"


async def test_a_load_of_other_programs_does_not_convict_tasks_that_tell_their_cpu_time(
    watched: Watched,
) -> None:
    watched.burn = 0.02  # all that is left of a core, beside a program that takes it
    await watched.run(60, 60.0, 60.0)
    watched.burn = 0.0
    await watched.run(300, 0.0, 60.0)
    assert watched.count("abort_result") == 0


async def test_a_load_of_other_programs_does_not_convict_tasks_that_ran_too_short_to_tell(
    watched: Watched,
) -> None:
    watched.client.begun = 4
    watched.burn = 0.5
    await watched.run(5, 60.0, 60.0)
    watched.burn = 0.0
    await watched.run(300, 0.0, 60.0)
    assert watched.count("abort_result") == 0


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


async def test_changes_are_ten_seconds_apart_also_over_a_lost_connection(watched: Watched) -> None:
    await watched.run(20, 60.0)
    watched.now_s += 10
    await watched.run(5, 0.0)
    watched.session = watched.connected()
    await watched.run(5, 60.0)
    assert watched.client.running == 0
    await watched.run(5, 60.0)
    assert watched.client.running == 4


async def test_a_gpu_computes_on_after_a_lost_connection(with_gpu: Watched) -> None:
    await with_gpu.run(30, 140.0)
    with_gpu.session, with_gpu.now_s = with_gpu.connected(), with_gpu.now_s + 10
    await with_gpu.run(5, 140.0)
    assert with_gpu.client.gpu_runs


async def test_what_a_gpu_drew_is_not_learned_as_what_the_cores_draw(with_gpu: Watched) -> None:
    await with_gpu.run(60, 160.0, 165.0)
    with_gpu.client.gpu_tasks = 0
    await with_gpu.run(20, 160.0, 165.0)
    assert with_gpu.steward.table.seen == {}
    await with_gpu.run(60, 160.0, 65.0)
    assert with_gpu.steward.table.watts(4) == pytest.approx(65.0)


async def test_what_was_drawn_before_a_connection_is_not_learned_as_what_a_machine_draws_at_rest(
    watched: Watched,
) -> None:
    await watched.run(15, 60.0, 59.0)
    watched.client.temporary_until_s = 0.0
    watched.session = watched.connected()
    await watched.run(5, 0.0, 59.0)
    assert watched.steward.table.seen == {}


async def test_a_machine_at_rest_or_about_to_heat_is_not_busy(watched: Watched) -> None:
    reason = "<task_suspend_reason>"
    watched.client.instead = {f"{reason}4": f"{reason}16"}  # its own benchmarks
    await watched.run(15, 0.0)
    assert watched.problem() is None
    watched.client.instead = {f"{reason}0": f"{reason}4"}
    await watched.run(15, 60.0)
    assert watched.problem() is None


async def test_a_client_that_invents_host_numbers_fills_no_memory(watched: Watched) -> None:
    watched.steward.first_seen |= {f"invented {number}": Decimal(0) for number in range(MAX_TOTALS)}
    known = dict(watched.steward.first_seen)
    watched.client.host_id = 77
    await watched.run(60, 60.0)
    assert watched.steward.first_seen == known


async def test_a_client_that_lets_nobody_in_besides_is_heated_with_all_the_same(
    watched: Watched,
) -> None:
    """Behind a tunnel for one connection, for instance."""
    assert watched.client._server is not None
    watched.client._server.close()
    await watched.run(30, 60.0)
    assert watched.client.running == 4


async def test_the_watts_of_a_gpu_are_no_busy_cores(with_gpu: Watched) -> None:
    for budget_w, busy in ((160.0, 4.1), (140.0, 2.1), (25.0, 0.5), (0.0, 0.0)):
        await with_gpu.run(30, budget_w)
        assert with_gpu.session.busy_slots() == pytest.approx(min(busy, 4))
        assert with_gpu.session.estimate_w() == pytest.approx(max(budget_w, MODEL.idle_w))
