"""The pull engine with jobs that others have to confirm: work done, money later."""

import contextlib
from pathlib import Path

from custom_components.qheat.backend.submissions import Submissions
from custom_components.qheat.compute.pull import PullEngine
from tests.backend.tiny import PAY, server_in, submission
from tests.publishing import manifest_of, signed
from tests.waiting import until

from .guests import ECHO
from .homes import POWER, client_of, heat, machine_with, settled


async def test_two_homes_that_agree_are_both_paid_and_no_work_is_lost(tmp_path: Path) -> None:
    job = submission("job", ECHO, b"input", replicas=2)
    async with contextlib.AsyncExitStack() as stack:
        homes = {"a": "token-a", "b": "token-b"}
        server = await stack.enter_async_context(server_in(tmp_path, homes))
        await server.listen_unix(tmp_path / "jobs.sock")
        await server.desk.ask(lambda store: store.blobs.upload(job.module_sha256, ECHO, 1e9))
        manifest = manifest_of(job.module_sha256)
        await server.desk.ask(lambda store: store.manifests.keep(signed(manifest), manifest))
        await server.desk.ask(lambda store: Submissions(store).submit(job, 1e9))
        machine = await stack.enter_async_context(machine_with(ECHO, slots=2))
        engines = []
        for home in "ab":
            client = await stack.enter_async_context(
                client_of(tmp_path / "jobs.sock", f"token-{home}")
            )
            engine = PullEngine(client, machine, f"radiator-{home}", POWER)
            stack.push_async_callback(engine.stop)
            await engine.start()
            engines.append(engine)
        first, second = engines
        first.set_budget(heat(own_heat=False))
        await until(lambda: first._puller.pause_s > 0 and not first._jobs and first._puller.is_dry)
        assert (await first.settlements(None)).settlements == ()
        second.set_budget(heat(own_heat=False))
        for engine in engines:
            (settlement,) = (await settled(engine, 1)).settlements
            assert settlement.accepted
            assert settlement.earned == PAY
            assert engine.status().work_lost_s == 0
        # Submitted again it is the same job.
        report, _ = await server.desk.ask(lambda store: Submissions(store).submit(job, 1e9))
        assert report.result is not None
        assert report.result.fuel is not None
        assert report.result.fuel > 0
