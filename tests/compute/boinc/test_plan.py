"""Watts become cores and duty, never more watts than the budget has."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.qheat.compute.boinc.plan import (
    OFF,
    AtHand,
    Plan,
    Planner,
    override_with,
    preferences_for,
)
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.engine import PowerModel

MODEL = PowerModel(idle_w=20.0, rated_w=100.0, slots=4)


def planner(gpu_w: float = 0.0) -> Planner:
    return Planner(table=WattsTable(MODEL), gpu_w=gpu_w)


@pytest.mark.parametrize(
    ("power_w", "plan"),
    [
        (-1.0, OFF),
        (0.0, OFF),
        (math.nan, OFF),
        (20.0, OFF),
        (20.5, OFF),
        (30.0, Plan(cores=1, duty=0.5)),
        (40.0, Plan(cores=1)),
        (41.0, Plan(cores=1)),
        (50.0, Plan(cores=2, duty=0.75)),
        (60.0, Plan(cores=2)),
        (100.0, Plan(cores=4)),
        (1e9, Plan(cores=4)),
    ],
)
def test_a_budget_gives_whole_cores_and_pulses_the_last_fraction(
    power_w: float, plan: Plan
) -> None:
    assert planner().plan(power_w) == plan


@given(st.integers(0, 1000), st.integers(10, 9000), st.integers(1, 128))
def test_a_budget_of_the_rated_power_gives_all_cores_without_a_pause(
    idle_dw: int, more_dw: int, cores: int
) -> None:
    model = PowerModel(idle_w=idle_dw / 10, rated_w=(idle_dw + more_dw) / 10, slots=cores)
    assert Planner(table=WattsTable(model)).plan(model.rated_w) == Plan(cores=cores)


def test_wide_tasks_are_pulsed_as_none_of_them_runs_on_fewer_cores() -> None:
    assert planner().plan(60.0, AtHand(narrowest=4)) == Plan(cores=4, duty=0.5)
    assert planner().plan(60.0, AtHand(narrowest=99)) == Plan(cores=4, duty=0.5)


def test_a_gpu_computes_where_the_budget_has_room_for_it_beside_a_core() -> None:
    heated = planner(gpu_w=150.0)
    work = AtHand(gpu=True)
    assert heated.plan(189.0, work) == Plan(cores=4)
    assert heated.plan(190.0, work) == Plan(cores=1, gpu=True)
    assert heated.plan(250.0, work) == Plan(cores=4, gpu=True)


def test_without_a_task_for_the_gpu_the_cores_have_the_whole_budget() -> None:
    assert planner(gpu_w=150.0).plan(190.0) == Plan(cores=4)


READINGS = st.lists(st.tuples(st.integers(0, 4), st.floats(1.0, 300.0)), max_size=20)


AT_HAND = st.builds(AtHand, narrowest=st.integers(1, 4), gpu=st.booleans())


@given(st.floats(0, 400), AT_HAND, st.sampled_from([0, 90]), READINGS)
def test_no_plan_takes_more_than_its_budget(
    power_w: float, at_hand: AtHand, gpu_w: float, readings: list[tuple[int, float]]
) -> None:
    table = WattsTable(MODEL)
    for busy, seen_w in readings:
        table.learn(busy, seen_w)
    chosen = Planner(table=table, gpu_w=gpu_w)
    plan = chosen.plan(power_w, at_hand)
    assert plan == OFF or chosen.watts(plan) <= power_w + 1e-6
    assert 0 <= plan.cores <= 4
    assert 0 < plan.duty <= 1


@given(READINGS)
def test_more_cores_never_count_as_fewer_watts(readings: list[tuple[int, float]]) -> None:
    table = WattsTable(MODEL)
    for busy, seen_w in readings:
        table.learn(busy, seen_w)
    watts = [table.watts(n / 4) for n in range(17)]
    assert watts == sorted(watts)


def test_the_table_bends_to_what_the_meter_shows() -> None:
    table = WattsTable(MODEL)
    for _ in range(50):
        table.learn(2, 80.0)
        table.learn(4, 110.0)
    assert table.watts(2) == pytest.approx(80.0)
    assert table.watts(3) == pytest.approx(95.0)
    assert table.watts(4) == pytest.approx(110.0)
    again = WattsTable(MODEL)
    again.restore(table.saved())
    assert again.watts(3) == table.watts(3)


@pytest.mark.parametrize(
    "saved", [None, [], {"x": 1}, {"1": "2"}, {"1": math.nan}, {"9": 50}, {"1": -5}, {"9" * 9: 1}]
)
def test_a_broken_table_is_dropped(saved: object) -> None:
    table = WattsTable(MODEL)
    table.restore(saved)
    assert [table.watts(n) for n in range(5)] == [20, 40, 60, 80, 100]


def test_a_machine_at_rest_never_counts_as_more_watts_than_it_has_at_work() -> None:
    table = WattsTable(MODEL)
    table.learn(0, 180.0)
    assert Planner(table=table).plan(100.0) == Plan(cores=4)


def test_a_change_of_a_few_watts_is_made_only_to_keep_the_budget() -> None:
    heated = planner()
    now, then = Plan(cores=2, duty=0.75), Plan(cores=2, duty=0.76)
    assert not heated.worth(now, then, 60.0)
    assert heated.worth(then, now, 50.0)
    assert heated.worth(now, Plan(cores=3), 80.0)
    assert heated.worth(OFF, now, 60.0)
    assert not heated.worth(now, now, 20.0)


@pytest.mark.parametrize("cores", [1, 2, 3, 6, 7, 12, 64, 96, 128])
def test_the_client_truncates_the_share_to_just_the_wanted_cores(cores: int) -> None:
    for wanted in range(1, cores + 1):
        share = preferences_for(Plan(cores=wanted), cores)["max_ncpus_pct"]
        sent = float(f"{share:.10g}")
        assert int(cores * sent / 100) == wanted


def test_the_users_other_preferences_are_kept() -> None:
    own = (
        "<global_preferences>\n <max_ncpus_pct>75</max_ncpus_pct><disk_max_used_gb>5"
        "</disk_max_used_gb>\n<leave_apps_in_memory/>\n</global_preferences>"
    )
    text = override_with(own, {"max_ncpus_pct": 25.0001, "leave_apps_in_memory": 1.0})
    assert text == (
        "<global_preferences><disk_max_used_gb>5</disk_max_used_gb>\n"
        "   <max_ncpus_pct>25.0001</max_ncpus_pct>\n"
        "   <leave_apps_in_memory>1</leave_apps_in_memory>\n</global_preferences>"
    )


def test_preferences_full_of_space_or_of_beginnings_cost_no_time() -> None:
    root = "<global_preferences>"
    for filler in (" ", root, "<max_ncpus_pct>", "<max_ncpus_pct "):
        text = override_with(f"{root}{filler * 200_000}", {"max_ncpus_pct": 5.0})
        assert text == f"{root}\n   <max_ncpus_pct>5</max_ncpus_pct>\n</global_preferences>"
    inside = f"<a>{' ' * 1_000_000}</a>"
    text = override_with(f"{root}{inside}</global_preferences>", {"max_ncpus_pct": 5.0})
    assert text.startswith(root + inside)


@pytest.mark.parametrize("own", ["", "<oops", "<global_preferences/>"])
def test_broken_preferences_are_replaced(own: str) -> None:
    assert override_with(own, {"a": 1.0}).count("<a>1</a>") == 1
