"""The watchdogs, second by second."""

from dataclasses import replace
from itertools import pairwise

import pytest

from custom_components.qheat.compute.boinc.replies import RunMode, Switch
from custom_components.qheat.compute.boinc.watchdogs import (
    CALM_S,
    HandWatch,
    ObedienceWatch,
    Step,
    WorkWatch,
    to_be_paused,
)
from custom_components.qheat.compute.counter import Reading

from .tasks import TASK

NEVER = Switch(mode=RunMode.NEVER, permanent=RunMode.NEVER, left_s=0.0)
LEASED = Switch(mode=RunMode.ALWAYS, permanent=RunMode.NEVER, left_s=20.0)


def test_a_task_that_is_told_to_quit_is_left_to_its_client() -> None:
    quitting = replace(TASK, process=8)
    assert list(to_be_paused([quitting, TASK], stopped=True, pulsed=False)) == [TASK]


def test_work_is_asked_for_soon_and_then_ever_more_seldom() -> None:
    watch = WorkWatch(first_s=15.0, last_s=120.0)
    asked = [second for second in range(700) if watch.due(float(second), short=True)]
    assert asked == [8, 23, 38, 53, 68, 98, 158, 278, 398, 518, 638]


def test_a_dry_spell_of_a_moment_asks_nobody() -> None:
    watch = WorkWatch(first_s=15.0, last_s=120.0)
    assert not any(watch.due(float(second), short=second % 7 > 0) for second in range(100))


def test_requests_stay_apart_however_often_the_queue_runs_dry() -> None:
    watch = WorkWatch(first_s=15.0, last_s=120.0)
    asked = [s for s in range(200) if watch.due(float(s), short=s % 10 > 0)]
    assert all(later - earlier >= 15 for earlier, later in pairwise(asked))


def test_who_had_work_again_is_asked_as_soon_as_at_first() -> None:
    watch = WorkWatch(first_s=15.0, last_s=120.0)
    for second in range(700):
        watch.due(float(second), short=True)
    assert not watch.due(1000.0, short=False)
    assert watch.short_s(1010.0) == 0
    asked = [second for second in range(1010, 1100) if watch.due(float(second), short=True)]
    assert asked == [1018, 1033, 1048, 1063, 1078]


def test_a_drought_of_a_week_is_asked_about_to_its_end() -> None:
    watch = WorkWatch(first_s=15.0, last_s=300.0)
    asked = [minute for minute in range(7 * 24 * 60) if watch.due(60.0 * minute, short=True)]
    assert asked[-1] >= 7 * 24 * 60 - 5


def drive(watch: ObedienceWatch, seconds: range, cpu_s: float) -> list[tuple[int, Step]]:
    """Look every five seconds at a task that uses `cpu_s` CPU seconds a second while paused."""
    steps: list[tuple[int, Step]] = []
    for second in seconds[::5]:
        task = replace(TASK, cpu_time_s=100.0 + cpu_s * second)
        step = watch.judge(float(second), watch.burning(float(second), [task]))
        if step is not Step.NONE:
            steps.append((second, step))
    return steps


def test_a_task_that_burns_on_is_aborted_and_then_the_client_is_ended() -> None:
    watch = ObedienceWatch()
    assert drive(watch, range(200), 1.0) == [(20, Step.ABORT), (95, Step.QUIT)]
    assert watch.alarm


def test_a_task_that_pauses_is_left_alone() -> None:
    watch = ObedienceWatch()
    assert drive(watch, range(2000), 0.001) == []
    assert not watch.alarm


def test_paused_tasks_that_have_one_name_at_two_projects_are_told_apart() -> None:
    watch = ObedienceWatch()
    here, there = TASK, replace(TASK, project_url="https://other.example/", cpu_time_s=5.0)
    for second in range(0, 60, 10):
        assert not watch.burning(float(second), [here, there])


def test_a_task_that_ends_its_step_before_it_pauses_is_left_alone() -> None:
    watch = ObedienceWatch()
    for second in range(0, 100, 2):
        task = replace(TASK, cpu_time_s=100.0 + min(second, 7))
        assert not watch.burning(float(second), [task])


def test_a_client_that_invents_tasks_that_burn_fills_no_memory() -> None:
    watch = ObedienceWatch()
    steps = []
    for number in range(100):
        task = replace(TASK, name=f"task_{number}")
        watch.suspects([task], [task])
        steps.append(watch.judge(20.0 * number, [task]))
    assert set(steps[1:]) == {Step.ABORT}
    assert len(watch._aborted_s) == 1


def test_an_alarm_is_told_for_a_while_and_ends() -> None:
    watch = ObedienceWatch()
    drive(watch, range(30), 1.0)
    watch.judge(60.0, ())
    assert watch.alarm
    watch.judge(60.0 + CALM_S, ())
    assert not watch.alarm


def test_the_meter_convicts_only_who_never_cooled_down() -> None:
    def hot(readings: list[float], before_w: float = 200.0) -> bool:
        watch = ObedienceWatch()
        for n, power_w in enumerate([before_w, *readings]):
            reading = Reading(power_w=power_w, at_s=10.0 * n, since_s=10.0 * n)
            if watch.hot(10.0 * n, stopped=n > 0, reading=reading, idle_w=50.0, drop_w=150.0):
                return True
        return False

    assert hot([200.0] * 8)
    assert hot([60.0] + [200.0] * 8), "between two pulses, at the moment of the stop"
    assert not hot([200.0] * 5)
    assert not hot([200.0, 60.0] + [300.0] * 20)
    assert not hot([55.0] * 20, before_w=55.0)


def test_what_a_meter_showed_before_a_stop_or_soon_after_it_convicts_nobody() -> None:
    watch = ObedienceWatch()
    for now_s in range(0, 200, 10):
        at_s = min(now_s, 15.0)
        reading = Reading(power_w=200.0, at_s=at_s, since_s=at_s)
        assert not watch.hot(now_s, stopped=now_s > 0, reading=reading, idle_w=50.0, drop_w=150.0)
    assert not watch.hot(200.0, stopped=True, reading=None, idle_w=50.0, drop_w=150.0)
    assert watch.doubtful


def test_the_cpu_time_of_a_task_for_a_gpu_tells_nothing_of_what_the_gpu_does() -> None:
    watch, on_gpu = ObedienceWatch(), replace(TASK, process=1, gpu=True)
    for cpu_s in (1.0, 2.0):
        watch.suspects([replace(on_gpu, cpu_time_s=cpu_s)], [])
    paused = replace(on_gpu, process=9)
    assert watch.suspects([paused], [paused]) == [paused]


def test_what_a_meter_showed_while_somebody_else_had_it_compute_convicts_nobody() -> None:
    watch = ObedienceWatch()

    def hot(now_s: float, *, stopped: bool, power_w: float) -> bool:
        reading = Reading(power_w=power_w, at_s=now_s - 5, since_s=now_s - 5)
        return watch.hot(now_s, stopped=stopped, reading=reading, idle_w=50.0, drop_w=150.0)

    assert not hot(0.0, stopped=False, power_w=200.0)
    assert not hot(10.0, stopped=True, power_w=200.0)
    watch.look_away()
    assert not hot(600.0, stopped=True, power_w=200.0)
    assert not hot(620.0, stopped=True, power_w=60.0)
    assert not hot(700.0, stopped=True, power_w=200.0)


def test_a_client_that_is_started_anew_and_burns_again_is_driven_again() -> None:
    watch = ObedienceWatch()
    burn = [*range(100), *range(301, 500)]
    steps = [(now_s, watch.judge(now_s, [TASK] * (now_s in burn))) for now_s in range(500)]
    assert [(now_s, step) for now_s, step in steps if step is not Step.NONE] == [
        (10, Step.ABORT),
        (85, Step.QUIT),
        (311, Step.ABORT),
        (386, Step.QUIT),
    ]


@pytest.mark.parametrize("saved", [None, [], [True], [1, 0], [True, None], {"cpu": True}, "yes"])
def test_a_saved_hand_that_makes_no_sense_is_none(saved: object) -> None:
    watch = HandWatch()
    watch.restore(saved)
    assert watch.saved() == [False, False]


def test_who_suspended_the_client_for_good_is_known_after_a_restart() -> None:
    before, after = HandWatch(), HandWatch()
    assert before.judge(NEVER, lease_left_s=20.0)
    after.restore(before.saved())
    assert after.judge(NEVER, lease_left_s=float("-inf"))
    after.take_back()
    assert not after.judge(NEVER, lease_left_s=float("-inf"))


def test_pulsed_and_running_tasks_are_not_suspected() -> None:
    runs, waits = replace(TASK, process=1), replace(TASK, process=0)
    assert list(to_be_paused([TASK, runs, waits], stopped=False, pulsed=False)) == [TASK]
    assert list(to_be_paused([TASK, runs, waits], stopped=False, pulsed=True)) == []
    assert list(to_be_paused([TASK, runs, waits], stopped=True, pulsed=True)) == [TASK, runs]


@pytest.mark.parametrize(
    "switch",
    [
        Switch(mode=RunMode.AUTO, permanent=RunMode.AUTO, left_s=0.0),
        Switch(mode=RunMode.ALWAYS, permanent=RunMode.ALWAYS, left_s=0.0),
        Switch(mode=RunMode.ALWAYS, permanent=RunMode.AUTO, left_s=10.0),
        Switch(mode=RunMode.NEVER, permanent=RunMode.NEVER, left_s=3600.0),
        Switch(mode=RunMode.ALWAYS, permanent=RunMode.NEVER, left_s=3600.0),
        Switch(mode=RunMode.ALWAYS, permanent=RunMode.NEVER, left_s=300.0),
        Switch(mode=RunMode.AUTO, permanent=RunMode.NEVER, left_s=60.0),
    ],
)
def test_a_mode_that_is_not_ours_is_somebodys_until_it_is_never_again(switch: Switch) -> None:
    watch = HandWatch()
    assert watch.judge(switch, lease_left_s=15.0)
    assert watch.judge(switch, lease_left_s=float("-inf"))
    assert not watch.judge(NEVER, lease_left_s=float("-inf"))


def test_our_own_modes_are_ours() -> None:
    watch = HandWatch()
    assert not watch.judge(NEVER, lease_left_s=float("-inf"))
    assert not watch.judge(LEASED, lease_left_s=20.0)
    assert not watch.judge(LEASED, lease_left_s=float("-inf"))
    assert not watch.judge(NEVER, lease_left_s=2.0)


def test_suspend_pressed_while_a_lease_runs_holds_until_it_is_given_back() -> None:
    watch = HandWatch()
    assert watch.judge(NEVER, lease_left_s=15.0)
    assert watch.judge(NEVER, lease_left_s=float("-inf"))
    assert watch.judge(
        Switch(mode=RunMode.AUTO, permanent=RunMode.AUTO, left_s=0.0), lease_left_s=0.0
    )
    assert not watch.judge(NEVER, lease_left_s=0.0)
    assert watch.judge(NEVER, lease_left_s=15.0)
    watch.take_back()
    assert not watch.judge(NEVER, lease_left_s=0.0)


def test_a_suspend_is_a_hand_also_when_it_is_seen_late_in_a_lease() -> None:
    watch = HandWatch()
    assert not watch.judge(NEVER, lease_left_s=1.0), "a client may end a lease a second early"
    assert watch.judge(NEVER, lease_left_s=5.0)


def test_a_second_deaf_task_is_aborted_too_before_the_client_is_ended() -> None:
    watch, second = ObedienceWatch(), replace(TASK, name="second")
    assert drive(watch, range(30), 1.0) == [(20, Step.ABORT)]
    steps = [(now_s, watch.judge(now_s, [second] * (now_s > 90))) for now_s in range(30, 200)]
    assert [step for step in steps if step[1] is not Step.NONE] == [
        (101, Step.ABORT),
        (176, Step.QUIT),
    ]


def test_the_client_is_ended_for_an_aborted_task_that_burns_on_after_a_pause() -> None:
    watch = ObedienceWatch()
    assert drive(watch, range(30), 1.0) == [(20, Step.ABORT)]
    assert watch.judge(60.0, ()) is Step.NONE
    assert watch.judge(400.0, [TASK]) is Step.NONE
    assert watch.judge(410.0, [TASK]) is Step.QUIT
