"""Somebody saves preferences at a real client while it is a radiator."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from .project import ACCOUNT_KEY, Job, Project
from .real_client import OWN_PREFERENCES, RealClient
from .tenant import engine_for, heated, note, somebody_at

pytestmark = pytest.mark.timeout(240)

LARGER_DISK = OWN_PREFERENCES.replace(">5<", ">77<")


async def test_preferences_that_somebody_saves_are_ruled_again_and_given_back(
    client: RealClient, project: Project
) -> None:
    project.endless = Job(cpu_s=600.0)
    engine = engine_for(client)
    async with heated(engine) as tenant:
        await engine.attach(project.url, ACCOUNT_KEY)
        tenant.set(1)
        note("burns", await client.until_burning(1, 90))
        await asyncio.sleep(10.0)
        async with somebody_at(client) as user:
            await user.set_override(LARGER_DISK.replace(">75<", ">100<"))
        await asyncio.sleep(15.0)
        assert await client.burning() == 1
        assert "<disk_max_used_gb>77<" in client.preferences.read_text()
        await tenant.end()
        await engine.release()
    assert preferences_in(client.preferences.read_text()) == preferences_in(LARGER_DISK)


def preferences_in(text: str) -> dict[str, str | None]:
    return {preference.tag: preference.text for preference in fromstring(text)}  # noqa: S314
