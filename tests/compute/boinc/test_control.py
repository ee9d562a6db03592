"""A client is held to its budget: the moments are given, the connection is real."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.control import Control
from custom_components.qheat.compute.boinc.errors import BoincError
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.originals import Originals
from custom_components.qheat.compute.boinc.plan import OFF, AtHand, Plan, Planner
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.boinc.stewardship import Stewardship
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.engine import HeatBudget, PowerModel

from .simulated import PASSWORD, SimulatedClient

MODEL = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)
OWN = Originals(
    override="<global_preferences><disk_max_used_gb>5</disk_max_used_gb></global_preferences>",
    cpu_mode=RunMode.AUTO,
    gpu_mode=RunMode.AUTO,
)


@pytest.fixture
async def control(simulated: SimulatedClient) -> AsyncGenerator[Control]:
    simulated.permanent, simulated.override = 3, OWN.override
    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    yield Control(
        client=BoincClient(connection),
        steward=Stewardship(table=WattsTable(MODEL), options=BoincOptions(), originals=OWN),
    )
    await connection.close()


async def follow(control: Control, now_s: float, power_w: float, expires_s: float) -> None:
    control.steward.budget = HeatBudget(power_w=power_w, expires_s=expires_s)
    control.steward.at_hand = AtHand(gpu=True)
    await control.follow(now_s, await control.client.status())


async def test_a_budget_becomes_preferences_and_a_lease_over_never(
    control: Control, simulated: SimulatedClient
) -> None:
    await follow(control, 100.0, 40.0, 120.0)
    status = await control.client.status()
    assert (status.cpu.mode, status.cpu.permanent) == (RunMode.ALWAYS, RunMode.NEVER)
    assert 15 < status.cpu.left_s <= 20
    assert simulated.running == 2
    assert "<disk_max_used_gb>5</disk_max_used_gb>" in simulated.override
    for name in ("max_ncpus_pct", "niu_max_ncpus_pct"):
        assert simulated.preferences[name] == pytest.approx(50, abs=0.01)
    for name in ("cpu_usage_limit", "niu_cpu_usage_limit"):
        assert simulated.preferences[name] == 100


async def test_changes_are_ten_seconds_apart_but_a_stop_is_made_at_once(
    control: Control, simulated: SimulatedClient
) -> None:
    await follow(control, 100.0, 60.0, 120.0)
    assert simulated.running == 4
    await follow(control, 105.0, 30.0, 125.0)
    assert simulated.running == 4
    assert control.next_s(105.0) == 110.0
    await follow(control, 110.0, 30.0, 130.0)
    assert simulated.running == 1
    await follow(control, 111.0, 0.0, 131.0)
    assert simulated.running == 0
    assert simulated.permanent == 3
    await follow(control, 115.0, 60.0, 135.0)
    assert simulated.running == 0
    await follow(control, 121.0, 60.0, 141.0)
    assert simulated.running == 4


async def test_a_part_of_a_core_becomes_a_duty_of_all_that_may_compute(
    control: Control, simulated: SimulatedClient
) -> None:
    await follow(control, 100.0, 25.0, 120.0)
    for name in ("cpu_usage_limit", "niu_cpu_usage_limit"):
        assert simulated.preferences[name] == 50
    for name in ("max_ncpus_pct", "niu_max_ncpus_pct"):
        assert simulated.preferences[name] == pytest.approx(25, abs=0.01)


async def test_preferences_that_a_client_does_not_take_give_no_lease_and_are_a_change_too(
    control: Control, simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(SimulatedClient, "preferences", {"max_ncpus_pct": 100.0})
        with pytest.raises(BoincError, match="did not take"):
            await follow(control, 100.0, 40.0, 120.0)
    assert simulated.mode == 3
    await follow(control, 105.0, 40.0, 125.0)
    assert simulated.running == 0
    await follow(control, 110.0, 40.0, 130.0)
    assert simulated.running == 2


async def test_a_lease_is_renewed_with_each_budget_and_the_preferences_are_not_written_again(
    control: Control, simulated: SimulatedClient
) -> None:
    await follow(control, 100.0, 60.0, 120.0)
    simulated.calls.clear()
    await follow(control, 105.0, 60.0, 125.0)
    await follow(control, 106.0, 60.0, 125.0)
    assert simulated.calls == ["get_cc_status", "set_run_mode", "get_cc_status"]


async def test_no_budget_and_a_budget_at_its_end_rest(
    control: Control, simulated: SimulatedClient
) -> None:
    await follow(control, 100.0, 60.0, 120.0)
    await follow(control, 119.5, 60.0, 120.0)
    assert simulated.running == 0
    assert control.plan == OFF
    await follow(control, 130.0, 60.0, 150.0)
    assert control.plan == Plan(cores=4)
    control.steward.budget = None
    await control.follow(131.0, await control.client.status())
    assert simulated.running == 0


async def test_a_budget_for_ever_gives_a_lease_that_is_told_from_a_hand(control: Control) -> None:
    await follow(control, 100.0, 60.0, 1e9)
    assert (await control.client.status()).cpu.left_s <= 100


async def test_a_gpu_computes_under_the_same_lease_while_the_budget_has_room_for_it(
    control: Control, simulated: SimulatedClient
) -> None:
    control.planner = Planner(table=WattsTable(MODEL), gpu_w=100.0)
    simulated.gpu_tasks = 1
    await follow(control, 100.0, 60.0, 120.0)
    assert (simulated.running, simulated.gpu_runs) == (4, False)
    await follow(control, 110.0, 140.0, 130.0)
    assert (simulated.running, simulated.gpu_runs) == (2, True)
    assert 15 < (await control.client.status()).gpu.left_s <= 20
    await follow(control, 120.0, 50.0, 140.0)
    assert (simulated.running, simulated.gpu_runs) == (3, False)
    await follow(control, 130.0, 160.0, 150.0)
    await follow(control, 131.0, 0.0, 151.0)
    assert (simulated.running, simulated.gpu_runs) == (0, False)
    assert simulated.gpu_permanent == 3


async def test_a_gpu_of_which_no_watts_are_known_computes_nothing(
    control: Control, simulated: SimulatedClient
) -> None:
    simulated.gpu_tasks = 1
    await follow(control, 100.0, 1000.0, 120.0)
    assert (simulated.running, simulated.gpu_runs) == (4, False)


async def test_on_a_slow_line_a_lease_is_no_longer_than_what_is_left_of_its_budget(
    control: Control, simulated: SimulatedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = BoincClient.set_override

    async def slowly(client: BoincClient, text: str) -> None:
        await asyncio.sleep(0.5)
        await write(client, text)

    monkeypatch.setattr(BoincClient, "set_override", slowly)
    await follow(control, 100.0, 40.0, 110.0)
    assert 0 < (await control.client.status()).cpu.left_s <= 9.5
    await follow(control, 200.0, 60.0, 201.4)
    assert simulated.running == 0
