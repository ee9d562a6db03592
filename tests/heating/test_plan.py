import pytest

from custom_components.qheat.heating.comfort import WASTE
from custom_components.qheat.heating.foresight import Stride
from custom_components.qheat.heating.model import RoomModel
from custom_components.qheat.heating.plan import (
    COARSE,
    FINE,
    Grid,
    Prices,
    Problem,
    best_level,
    lowered_to,
    nearest_level,
)

USUAL = RoomModel.usual(500)
LEVELS_W = [0.0, 100.0, 180.0, 260.0, 340.0, 420.0, 500.0]
GRIDS = pytest.mark.parametrize("grid", [COARSE, FINE])


def plan(
    error_k: float | list[float],
    level: int,
    *,
    free_stops: int | None = None,
    weight: float = 1.0,
    grid: Grid = COARSE,
    levels_w: list[float] = LEVELS_W,
    prices: Prices | None = None,
    pausable: bool = False,
) -> int:
    looks = len(grid.looks)
    return best_level(
        Problem(
            grid=grid,
            errors_k=error_k if isinstance(error_k, list) else [error_k] * looks,
            weights=[weight] * looks,
            waste=[WASTE if weight == 0 else 1.0] * looks,
            kelvin_per_w=Stride(USUAL, grid.step_s, grid.looks[-1]).warms,
            levels_w=levels_w,
            level=level,
            free_stops=free_stops,
            pausable=pausable,
        ),
        prices or Prices(),
    )


def test_a_room_at_its_setpoint_keeps_its_slots() -> None:
    assert plan(0.0, 3) == 3


@GRIDS
def test_a_cold_room_gets_more_and_a_warm_room_gets_less(grid: Grid) -> None:
    assert plan(-1.0, 2, grid=grid) > 2
    assert plan(1.0, 4, grid=grid) < 4


def test_a_fine_plan_looks_as_far_ahead_as_a_coarse_one() -> None:
    for grid in (COARSE, FINE):
        assert sum(grid.spans_h) == pytest.approx(3)
        assert grid.blocks[-1] == len(grid.looks)


def test_an_error_too_small_for_a_slot_starts_and_stops_nothing() -> None:
    assert plan(0.05, 3) == 3
    assert plan(-0.05, 3) == 3


def test_a_slightly_warm_room_waits_for_a_job_to_end() -> None:
    assert plan(0.12, 3, free_stops=0) == 3
    assert plan(0.12, 3, free_stops=1) == 2


def test_a_cold_room_that_will_be_warm_in_hours_keeps_its_job_and_gets_another() -> None:
    warming = [-0.25 + 0.03 * k for k in range(len(COARSE.looks))]
    assert plan(warming, 4, free_stops=1) == 5
    assert plan(warming, 4) == 4


@pytest.mark.parametrize(("grid", "switched"), [(COARSE, False), (FINE, True)])
def test_a_slot_too_large_for_ten_minutes_is_switched_for_five_where_plans_are_fine(
    grid: Grid, *, switched: bool
) -> None:
    large_w, cheap = [0.0, 300.0], Prices().scaled(0.1)
    for level, error_k in ((1, 0.2), (0, -0.2)):
        to = plan(error_k, level, levels_w=large_w, prices=cheap, grid=grid, pausable=True)
        assert (to != level) is switched


def test_a_large_slot_is_no_reason_to_stay_cold_where_it_can_be_paused_later() -> None:
    large_w, cheap = [0.0, 300.0], Prices().scaled(0.1)
    cooling = [-0.2 - 0.1 * look for look in range(len(COARSE.looks))]
    assert plan(cooling, 0, levels_w=large_w, prices=cheap) == 0
    assert plan(cooling, 0, levels_w=large_w, prices=cheap, pausable=True) == 1


def test_a_plan_counts_on_no_less_later_than_what_the_machine_draws_at_rest() -> None:
    rest_w, cheap = [200.0, 500.0], Prices().scaled(0.1)
    warming = [-0.35 + 0.1 * look for look in range(len(COARSE.looks))]
    assert plan(warming, 0, levels_w=rest_w, prices=cheap, pausable=True) == 0


def test_a_room_that_may_cool_gets_nothing() -> None:
    assert plan(0.0, 3, weight=0.0) == 0


def test_jobs_may_run_out_in_a_room_that_may_cool_where_their_ends_are_known() -> None:
    assert plan(0.0, 3, weight=0.0, free_stops=0) == 3
    assert plan(0.0, 3, weight=0.0, free_stops=1) == 2
    assert plan(0.0, 3, weight=0.0, free_stops=3) == 0


def test_jobs_that_end_soon_are_waited_for_unless_more_must_stop() -> None:
    assert lowered_to(2, 4, (0.0, 500.0, 3000.0, 4000.0)) == 3
    assert lowered_to(3, 4, (500.0, 700.0, 3000.0, 4000.0)) == 4
    assert lowered_to(1, 4, (500.0, 700.0, 3000.0, 4000.0)) == 1
    assert lowered_to(3, 4, (0.0, 500.0, 3000.0, 4000.0)) == 3
    assert lowered_to(1, 4, None) == 1


def test_a_preheat_takes_the_level_nearest_to_what_it_needs() -> None:
    assert [nearest_level(LEVELS_W, watts) for watts in (20, 130, 150, 900)] == [0, 1, 2, 6]
