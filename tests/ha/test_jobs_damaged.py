"""The embedded backend's database as Home Assistant meets it: damaged, or of a newer qheat."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.qheat.const import DOMAIN

from .conftest import home, radiator

pytestmark = pytest.mark.usefixtures("own_folder")


def database_of(hass: HomeAssistant, entry: MockConfigEntry) -> Path:
    """Return where a home's embedded backend keeps its jobs."""
    path = Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.sqlite"))
    path.parent.mkdir(exist_ok=True)
    return path


@pytest.mark.parametrize("damaged", [b"", b"garbage" * 1000])
async def test_a_damaged_database_is_set_aside_told_and_forgotten_with_its_home(
    hass: HomeAssistant, damaged: bytes
) -> None:
    entry = home(radiator())
    entry.add_to_hass(hass)
    path = database_of(hass, entry)
    path.write_bytes(damaged)
    assert await hass.config_entries.async_setup(entry.entry_id)
    aside = path.with_name(f"{path.name}.damaged-1")
    assert aside.read_bytes() == damaged
    issue_id = f"jobs_damaged_{entry.entry_id}"
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {"home": entry.title, "file": str(aside)}
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not aside.exists()
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


async def test_a_database_of_a_newer_qheat_puts_the_home_off_and_stays(hass: HomeAssistant) -> None:
    entry = home(radiator())
    entry.add_to_hass(hass)
    path = database_of(hass, entry)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "newer qheat" in str(entry.error_reason_translation_placeholders)
    assert path.read_bytes() == before
