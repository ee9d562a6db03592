"""What a home keeps of publishers' serials, over a restart and after its end."""

from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, flush_store

from custom_components.qheat.serials import Serials

from .conftest import FixedEngine, load

pytestmark = pytest.mark.usefixtures("own_folder")


async def test_serials_are_there_after_a_restart(hass: HomeAssistant) -> None:
    serials = Serials(hass, "home")
    serials.keep({"publisher module": 7})
    await flush_store(serials._store)

    assert await Serials(hass, "home").async_read() == {"publisher module": 7}


@pytest.mark.parametrize(
    ("saved", "left"), [([], {}), ({"a": "7", "b": True, "c": 8, "d": None}, {"c": 8})]
)
async def test_what_is_no_serial_does_not_count(
    hass: HomeAssistant, saved: Any, left: dict[str, int]
) -> None:
    serials = Serials(hass, "home")
    await serials._store.async_save(saved)

    assert await serials.async_read() == left


async def test_a_home_that_is_removed_keeps_none(
    hass: HomeAssistant, entry: MockConfigEntry, engine: FixedEngine, own_folder: Path
) -> None:
    file = own_folder / f"qheat.{entry.entry_id}.serials"
    file.write_text('{"version": 1, "minor_version": 1, "key": "", "data": {}}')
    await load(hass, entry)
    assert file.exists()

    await hass.config_entries.async_remove(entry.entry_id)

    assert not file.exists()
