"""Projects are asked for work while there is too little, and no oftener than is polite."""

import time
from decimal import Decimal

import pytest

from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.errors import BoincError, BoincFault
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.engine import EngineProblem

from .simulated import URL, SimulatedClient
from .watched import Watched, watching


async def test_projects_are_asked_for_work_while_there_is_too_little(watched: Watched) -> None:
    watched.client.tasks = 2
    await watched.run(10, 60.0)
    assert watched.count("project_update") == 0
    await watched.run(60, 60.0)
    assert 2 <= watched.count("project_update") <= 5
    assert watched.problem() is EngineProblem.NO_JOBS
    watched.client.tasks = 8
    await watched.run(20, 60.0)
    asked = watched.count("project_update")
    await watched.run(100, 60.0)
    assert watched.count("project_update") == asked
    assert watched.problem() is None


async def test_nobody_is_asked_for_work_while_a_users_own_setting_keeps_the_client_off_the_network(
    paid: Watched,
) -> None:
    """A client that is asked to update a project uses its network for minutes, suspended or not."""
    paid.client.tasks, paid.client.offline = 2, True
    await paid.run(120, 60.0)
    assert paid.count("project_update") == 0
    assert paid.problem() is EngineProblem.NO_JOBS
    paid.client.offline = False
    await paid.run(30, 60.0)
    assert paid.count("project_update") > 0


async def test_work_that_is_not_begun_for_a_minute_is_no_work(watched: Watched) -> None:
    watched.client.ready = False
    await watched.run(60, 60.0)
    assert watched.count("project_update") == 0
    await watched.run(60, 60.0)
    assert 1 <= watched.count("project_update") <= 4
    assert watched.problem() is EngineProblem.NO_JOBS
    watched.client.ready = True
    await watched.run(20, 60.0)
    asked = watched.count("project_update")
    await watched.run(100, 60.0)
    assert watched.count("project_update") == asked
    assert watched.problem() is None


async def test_gaps_between_tasks_and_tasks_that_wait_for_heat_are_no_lack_of_work(
    watched: Watched,
) -> None:
    for _ in range(4):
        await watched.run(100, 0.0)
        watched.client.ready = False
        await watched.run(45, 60.0)
        watched.client.ready = True
        await watched.run(20, 60.0)
        assert watched.problem() is None
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
    with_gpu.client.instead = {"1 NVIDIA GPU": "NVIDIA GPU (missing)"}
    monkeypatch.setattr(SimulatedClient, "gpu_runs", False)
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


async def test_who_pays_is_asked_ever_more_seldom_while_it_has_given_work_that_does_not_begin(
    paid: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `max_concurrent` in an `app_config.xml`, or for want of memory: that goes on for ever."""
    monkeypatch.setattr(SimulatedClient, "running", 2)
    await paid.run(1000, 60.0)
    asked = paid.count("project_update")
    assert asked > 0
    await paid.run(600, 60.0)
    assert paid.count("project_update") - asked == 2


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
    assert paid.problem() is EngineProblem.NO_JOBS  # not asked so far
    paid.client.next_rpc_s = time.time() + 3600
    paid.session.look_again()
    await paid.run(20, 60.0)
    assert paid.problem() is EngineProblem.PROJECT_REFUSES
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
    watched: Watched,
) -> None:
    main = (
        "<project><master_url>https://main.example/</master_url><hostid>6</hostid>"
        "<resource_share>1</resource_share></project>"
    )
    watched.client.instead = {"</projects>": f"{main}</projects>"}
    watched.client.share = 0.0
    await watched.run(900, 60.0)
    assert 2 <= watched.count("project_update") <= 4


async def test_a_task_that_needs_no_processor_gives_no_heat_and_is_no_work(
    watched: Watched,
) -> None:
    watched.client.instead = {"</project>": "<non_cpu_intensive/></project>"}
    watched.client.tasks = 4
    await watched.run(60, 60.0)
    assert watched.session.estimate_w() == 20.0
    assert watched.problem() is EngineProblem.NO_JOBS
    assert watched.count("project_update") == 0


async def test_a_project_that_somebody_detaches_while_it_is_asked_for_work_ends_nothing(
    paid: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_client: SimulatedClient, _request: str) -> str:
        return "<error>no such project</error>"

    monkeypatch.setattr(SimulatedClient, "_project_update", refuse, raising=False)
    paid.client.tasks = 2
    await paid.run(60, 60.0)
    assert paid.count("project_update") > 1
    assert paid.client.running == 2


async def test_a_connection_lost_while_a_project_is_asked_for_work_is_not_taken_for_its_end(
    paid: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(_client: BoincClient, _url: str) -> None:
        raise BoincError(BoincFault.UNREACHABLE, "Connection lost")

    monkeypatch.setattr(BoincClient, "update", lose)
    paid.client.tasks = 2
    with pytest.raises(BoincError, match="lost"):
        await paid.run(60, 60.0)


async def test_nobody_is_asked_for_work_while_no_heat_is_wanted(watched: Watched) -> None:
    watched.client.tasks = 0
    await watched.run(100, 0.0)
    assert watched.count("project_update") == 0


async def test_work_for_a_gpu_is_asked_for_and_done_when_it_is_there(with_gpu: Watched) -> None:
    with_gpu.client.gpu_tasks = 0
    await with_gpu.run(40, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (4, False)
    assert with_gpu.count("project_update") > 0
    assert with_gpu.problem() is EngineProblem.NO_JOBS
    with_gpu.client.gpu_tasks = 2
    await with_gpu.run(20, 140.0)
    assert (with_gpu.client.running, with_gpu.client.gpu_runs) == (2, True)
    assert with_gpu.problem() is None
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
    assert with_gpu.problem() is None
