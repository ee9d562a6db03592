"""The books' files as they are really written; under the test plugin nothing is."""

from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant

from custom_components.qheat.shelf import Shelf

from .home_party import RADIATOR, home_entry


async def test_books_are_on_the_disk_itself_once_they_count_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only renamed, a file may be empty after a power cut, or a younger one there without it."""
    synced: list[Path] = []
    monkeypatch.setattr(
        "atomicwrites._proper_fsync",
        lambda file: synced.append(Path(f"/proc/self/fd/{file}").readlink()),
    )
    hass = HomeAssistant(str(tmp_path))
    try:
        shelf = Shelf(hass, home_entry())
        assert await shelf.async_write({"ledger": {}})
        await shelf.async_write_volume(RADIATOR, {})
    finally:
        await hass.async_stop(force=True)
    storage = tmp_path / ".storage"
    assert len(list(storage.iterdir())) == 2
    # Each file, and then the folder in which it was given its name.
    assert synced[1::2] == [storage, storage]
    assert len(synced) == 4
