"""What a real client and a project refuse, and how the engine takes it."""

import asyncio
from functools import partial
from urllib.parse import urlsplit

import pytest

from custom_components.qheat.compute.boinc import BoincEngine, BoincError, BoincFault, probe
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.engine import EngineProblem

from .project import ACCOUNT_KEY, Job, Project
from .real_client import CORES, OWN_PREFERENCES, PASSWORD, RealClient, until
from .tenant import IDLE_W, engine_for, heated, lasting_modes, note

pytestmark = pytest.mark.timeout(240)


async def test_a_wrong_password_is_refused_and_changes_nothing(client: RealClient) -> None:
    wrong = PASSWORD.swapcase()
    engine = engine_for(client, password=wrong)
    await engine.start()
    try:
        await until(lambda: engine.status().problem, EngineProblem.BACKEND_REFUSED, 20)
        assert engine.status().power_w is None
        with pytest.raises(BoincError) as refused:
            await probe("127.0.0.1", client.port, wrong)
        assert refused.value.fault is BoincFault.WRONG_PASSWORD
    finally:
        await engine.stop()
    assert client.preferences.read_text() == OWN_PREFERENCES
    assert await lasting_modes(client) == (RunMode.AUTO, RunMode.AUTO)


async def test_a_computer_is_refused_until_the_client_lists_it(
    client: RealClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To a client this machine is 127.0.0.1, which needs no list; any other address is a stranger's.
    loop = asyncio.get_running_loop()
    from_elsewhere = partial(loop.create_connection, local_addr=("127.0.0.2", 0))
    monkeypatch.setattr(loop, "create_connection", from_elsewhere)
    engine = engine_for(client)
    await engine.start()
    try:
        await until(lambda: engine.status().problem, EngineProblem.BACKEND_REFUSED, 20)
        assert engine.status().power_w is None
        with pytest.raises(BoincError) as refused:
            await probe("127.0.0.1", client.port, PASSWORD)
        assert refused.value.fault is BoincFault.NOT_ALLOWED
        (client.folder / "remote_hosts.cfg").write_text("127.0.0.2\n")
        note("let in", await until(lambda: engine.details() is not None, True, 60))
        assert engine.status().problem is None
    finally:
        await engine.stop()


async def test_a_project_gives_work_for_the_right_key_once_and_takes_it_along_when_left(
    client: RealClient, project: Project
) -> None:
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client)
    async with heated(engine) as tenant:
        tenant.set(CORES)
        with pytest.raises(BoincError, match="account key") as wrong:
            await engine.attach(project.url, ACCOUNT_KEY[::-1])
        assert wrong.value.fault is BoincFault.COMMAND_REFUSED
        await until(lambda: joined(engine), (), 20)

        await engine.attach(project.url, ACCOUNT_KEY)
        note("burns", await client.until_burning(CORES, 60))
        with pytest.raises(BoincError, match="Already attached") as refused:
            await engine.attach(project.url, ACCOUNT_KEY)
        assert refused.value.fault is BoincFault.COMMAND_REFUSED
        await until(lambda: engine.status().jobs_running, CORES, 20)

        await engine.detach(project.url)
        note("cold", await client.until_burning(0, 20))
        await until(lambda: joined(engine), (), 20)
        status = engine.status()
        assert (status.jobs_running, status.jobs_paused, status.jobs_queued) == (0, 0, 0)
        assert status.power_w == IDLE_W
        await until(lambda: engine.status().problem, EngineProblem.NO_JOBS, 60)


async def test_a_wrong_key_that_the_client_brings_along_is_told(
    client: RealClient, project: Project
) -> None:
    await client.stop()
    (client.folder / f"account_{urlsplit(project.url).netloc.replace(':', '_')}.xml").write_text(
        f"<account><master_url>{project.url}</master_url>"
        f"<authenticator>{ACCOUNT_KEY[::-1]}</authenticator></account>"
    )
    await client.start()
    engine = engine_for(client)
    async with heated(engine) as tenant:
        tenant.set(CORES)
        note(
            "told", await until(lambda: engine.status().problem, EngineProblem.PROJECT_REFUSES, 60)
        )
        calls = project.scheduler_calls
        await asyncio.sleep(30.0)
        assert (project.scheduler_calls, project.sent) == (calls, {})


def joined(engine: BoincEngine) -> tuple[str, ...]:
    details = engine.details()
    assert details is not None
    return tuple(project.url for project in details.projects)
