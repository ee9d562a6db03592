"""The BOINC engine against the real client, the minimal project, and real work."""

import asyncio
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from custom_components.qheat.compute.boinc import control, handover, watchdogs
from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.engine import EngineProblem, HeatKind

from .home import LEASE_S
from .project import ACCOUNT_KEY, Job, Project
from .real_client import CORES, OWN_PREFERENCES, RealClient, until
from .tenant import (
    CORE_W,
    IDLE_W,
    book,
    engine_for,
    heated,
    lasting_modes,
    note,
    shown_credit,
    somebody_at,
)

CARD: Final = 4.0
"""Watts of the graphics card, in cores."""
SLOW_S: Final = 1.2
"""A client looks at its run mode once a second."""

pytestmark = pytest.mark.timeout(300)


async def test_work_is_attached_run_throttled_and_paid(
    client: RealClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 2.0)
    project.endless = job = Job(cpu_s=0.6, credit=12.5)
    engine = engine_for(client, rates={project.url: Decimal("0.02")})
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        await until(lambda: (d := engine.details()) is not None and bool(d.projects), True, 30)
        start = await engine.settlements(None)
        tenant.set(CORES)
        note("first task", await until(lambda: engine.status().jobs_running > 0, True, 60))
        note("all", await client.until_burning(CORES, 60))
        assert engine.status().heat_kind is HeatKind.PAID
        for cores in (1, 3, 2, 4, 0, 2, 1, 4, 3, 0, 1, 4):
            tenant.set(cores)
            note(f"{cores} cores", await client.until_burning(cores, 40))
        await until(lambda: project.host_credit >= 50, True, 120)
        await engine.update(project.url)
        await until(lambda: shown_credit(engine) >= 50, True, 120)
        booked: dict[str, Decimal] = {}
        cursor = await book(engine, start.cursor, booked)
        assert (await engine.settlements(cursor)).settlements == ()
        tenant.set(0)
        await client.until_burning(0, 40)
        # Work that is reported late must not make up for what is taken away, and half of more than
        # was shown need not be less than that.
        job.credit = 0.0
        await engine.update(project.url)
        await until(lambda: float(shown_credit(engine)) == project.host_credit, True, 120)
        cursor = await book(engine, cursor, booked)
        project.host_credit /= 2
        credited = shown_credit(engine)
        # A client that is asking the project already asks no second time.
        for _ in range(8):
            await engine.update(project.url)
            with suppress(AssertionError):
                await until(lambda: 0 < shown_credit(engine) < credited, True, 15)
                break
        assert 0 < shown_credit(engine) < credited
        await book(engine, cursor, booked)


async def test_what_a_merged_record_of_the_machine_had_is_not_paid_and_all_work_is(
    client: RealClient, project: Project
) -> None:
    project.endless = job = Job(cpu_s=0.6, credit=12.5)
    project.older_credit = older = 5000.0
    engine = engine_for(client, rates={project.url: Decimal("0.02")})
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(CORES)
        cursor, earned = None, Decimal(0)

        async def book_at(credit: float) -> None:
            nonlocal cursor, earned
            await engine.update(project.url)
            await until(lambda: shown_credit(engine) >= credit, True, 120)
            page = await engine.settlements(cursor)
            assert all(settlement.accepted for settlement in page.settlements)
            cursor, earned = page.cursor, earned + sum(s.earned for s in page.settlements)

        for credit in (0.0, 25.0, 50.0):
            await book_at(credit)
        project.merge()
        await book_at(older)
        job.credit = 0.0
        await book_at(project.host_credit)
        assert earned == (shown_credit(engine) - Decimal(older)) * Decimal("0.02") > 1


async def test_a_graphics_card_computes_where_the_budget_has_room_for_it(
    client: RealClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "BETWEEN_CHANGES_S", 2.0)
    project.queue.append(Job(cpu_s=600.0, gpu=True))
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client, gpu_w=CARD * CORE_W)

    def on_card() -> int:
        details = engine.details()
        return 0 if details is None else sum(task.gpu for task in details.running)

    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        # Beside a card, some clients let none compute where only one core may.
        for cores, card in ((CORES, 1), (3, 0), (2, 1), (0, 0)):
            tenant.set(cores + CARD * card)
            note(f"{cores} cores, card {card}", await client.until_burning(cores + card, 90))
            await until(on_card, card, 20)
            power_w = IDLE_W + CORE_W * (cores + CARD * card)
            await until(lambda: engine.status().power_w, power_w, 20)


async def test_nothing_computes_after_the_client_was_killed_until_the_lease_is_renewed(
    client: RealClient, project: Project
) -> None:
    project.queue.append(Job(cpu_s=600.0, gpu=True))
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client, gpu_w=CARD * CORE_W)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(CORES + CARD)
        await client.until_burning(CORES + 1, 90)
        await client.kill()
        await until(lambda: engine.status().problem, EngineProblem.BACKEND_UNREACHABLE, 30)
        assert engine.status().power_w is None
        await tenant.end()
        note("tasks die", await client.until_burning(0, 60))
        tenant.silence()
        await client.start()
        await until(lambda: engine.details() is not None, True, 90)
        await asyncio.sleep(5)
        assert await client.burning() == 0
        assert engine.status().jobs_paused + engine.status().jobs_queued >= CORES
        tenant.set(CORES + CARD)
        note("burns again", await client.until_burning(CORES + 1, 60))


async def test_tasks_stop_when_home_assistant_is_killed(
    client: RealClient, project: Project
) -> None:
    project.endless = Job(cpu_s=600.0)
    home = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"{__package__}.home", str(client.port), project.url),
        cwd=Path(__file__).parents[3],
    )
    try:
        await client.until_burning(CORES, 90)
    finally:
        home.kill()
        await home.wait()
    note("tasks stop", await client.until_burning(0, LEASE_S + 15))
    assert client.alive
    await asyncio.sleep(5)
    assert await client.burning() == 0


async def test_a_backup_project_heats_as_filler_until_there_is_paid_work(
    client: RealClient, project: Project, app: bytes
) -> None:
    backup = Project(name="Backup & Filler", resource_share=0, endless=Job(cpu_s=1.0))
    await backup.start(app)
    try:
        engine = engine_for(
            client, rates={project.url: Decimal("0.02"), backup.url: Decimal("0.02")}
        )
        async with heated(engine) as tenant:
            await engine.attach(project.url, ACCOUNT_KEY)
            await engine.attach(backup.url, ACCOUNT_KEY)
            tenant.set(CORES)
            await until(lambda: engine.status().heat_kind, HeatKind.FILLER, 120)
            details = engine.details()
            assert details is not None
            assert {p.name for p in details.projects} == {"Warm Science", "Backup & Filler"}
            assert details.fillers == (backup.url,)
            project.endless = Job(cpu_s=600.0)
            note("paid", await until(lambda: engine.status().heat_kind, HeatKind.PAID, 180))
    finally:
        await backup.stop()


async def test_a_deaf_task_is_aborted(client: RealClient, project: Project) -> None:
    project.queue.extend(Job(cpu_s=600.0, share=0.5, deaf=True) for _ in range(2))
    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(CORES)
        await client.until_burning(2, 90)
        tenant.set(0)
        note(
            "noticed",
            await until(lambda: engine.status().problem, EngineProblem.BUDGET_IGNORED, 60),
        )
        power_w = engine.status().power_w
        assert power_w is not None
        assert power_w > IDLE_W
        note("cold", await client.until_burning(0, 90))
        assert engine.status().problem is EngineProblem.BUDGET_IGNORED
        await until(lambda: engine.status().work_lost_s > 0, True, 30)


async def test_the_client_is_ended_where_an_abort_does_not_help(
    client: RealClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdogs, "QUIT_AFTER_S", 5.0)
    project.queue.append(Job(cpu_s=600.0, share=0.5, deaf=True))
    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(1)
        await client.until_burning(1, 90)
        tenant.set(0)
        note("client ended", await until(lambda: client.alive, False, 120))
        assert await client.burning() == 0
        assert engine.status().problem is EngineProblem.BUDGET_IGNORED
        assert engine.status().power_w is None


async def test_a_mode_set_by_hand_is_shown_and_not_fought(
    client: RealClient, project: Project
) -> None:
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client)
    async with somebody_at(client) as theirs, heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(2)
        await client.until_burning(2, 90)
        held, begun = await theirs.tasks(), await theirs.tasks(begun_only=True)
        assert {task.name for task in begun} == {task.name for task in held if task.process}
        assert len(begun) == 2
        for mode, duration_s in ((RunMode.NEVER, 0), (RunMode.AUTO, 0), (RunMode.ALWAYS, 0)):
            await theirs.set_cpu_mode(mode, duration_s)
            await until(lambda: engine.status().problem, EngineProblem.CHANGED_BY_HAND, 20)
            await asyncio.sleep(6)
            assert (await theirs.status()).cpu.permanent is mode
        await theirs.set_cpu_mode(RunMode.NEVER)
        await until(lambda: engine.status().problem, None, 20)
        await client.until_burning(2, 30)
        await theirs.set_cpu_mode(RunMode.NEVER)
        await until(lambda: engine.status().problem, EngineProblem.CHANGED_BY_HAND, 20)
        engine.take_back()
        await client.until_burning(2, 30)
        assert engine.status().problem is None


async def test_the_users_own_settings_are_put_back(client: RealClient, project: Project) -> None:
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(1)
        await client.until_burning(1, 90)
    kept = client.preferences.read_text()
    assert "<disk_max_used_gb>5</disk_max_used_gb>" in kept
    await client.until_burning(0, 20)
    again = engine_for(client, saved=engine.saved_state())
    await again.start()
    await until(lambda: again.details() is not None, True, 30)
    await again.release()
    assert client.preferences.read_text().strip() == OWN_PREFERENCES
    await client.until_burning(3, 60)


async def test_a_client_that_home_assistant_left_rests_and_then_computes_as_its_user_set_it(
    client: RealClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "AWAY_S", 20.0)
    project.endless = Job(cpu_s=600.0)
    forgetful = OWN_PREFERENCES.replace(
        "</g", "   <leave_apps_in_memory>0</leave_apps_in_memory>\n</g"
    )
    async with somebody_at(client) as user:
        await user.set_override(forgetful)
    tell = BoincClient.set_cpu_mode

    async def slowly(told: BoincClient, mode: RunMode, duration_s: float = 0.0) -> None:
        await asyncio.sleep(SLOW_S)
        await tell(told, mode, duration_s)

    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(2)
        await client.until_burning(2, 90)
        tasks = client.tasks()
        await tenant.end()
        monkeypatch.setattr(BoincClient, "set_cpu_mode", slowly)
        await engine.leave()
    assert client.preferences.read_text().strip() == forgetful
    assert await lasting_modes(client) == (RunMode.AUTO, RunMode.AUTO)
    assert await client.burning() == 0
    assert client.tasks() == tasks
    note("its own again", await until(lambda: computes(client), True, 60))


async def computes(client: RealClient) -> bool:
    return await client.burning() >= 2


async def test_a_client_without_settings_of_its_own_has_none_again(client: RealClient) -> None:
    await client.stop()
    client.preferences.unlink()
    await client.start()
    async with somebody_at(client) as user:
        own = await user.preferences()
    engine = engine_for(client)
    async with heated(engine) as tenant:
        tenant.set(1)
        await until(client.preferences.exists, True, 20)
        assert await lasting_modes(client) == (RunMode.NEVER, RunMode.NEVER)
    await engine.release()
    assert not client.preferences.exists()
    assert await lasting_modes(client) == (RunMode.AUTO, RunMode.AUTO)
    async with somebody_at(client) as user:
        assert await user.preferences() == own


async def test_half_a_core_is_one_core_for_half_of_the_time(
    client: RealClient, project: Project
) -> None:
    project.endless = Job(cpu_s=600.0, share=1.0)
    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(0.5)
        await client.until_burning(1, 90)
        halved = await client.wanted_time(20)
        note("half a core", halved)
        assert 0.25 <= halved <= 0.75
        tenant.set(1)
        await until(lambda: (d := engine.details()) is not None and d.plan.duty == 1, True, 30)

        async def is_whole() -> bool:
            return await client.wanted_time(4) >= 0.9

        note("a whole core", await until(is_whole, True, 40))
