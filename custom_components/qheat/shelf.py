"""The books on disk: read with suspicion, written whole, and set aside where they are damaged.

What changes is in one small file, written often; each radiator's account as a whole is in a file
of its own, written seldom: `ledger/stored_account.py` says how the two go together.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store, UnsupportedStorageVersionError

from .const import CONF_CURRENCY, DOMAIN, LOGGER
from .ledger import Ledger, LedgerError

STORAGE_VERSION: Final = 1

type Kept = Mapping[str, Any]


class CheckedStore(Store[Any]):
    """A store that tells whether what it was given last has reached the disk."""

    is_written = True

    async def async_write(self, data: Any) -> bool:
        """Write data; tell whether it is on disk."""
        await self.async_save(data)
        return self.is_written

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        self.is_written = False
        writing = asyncio.ensure_future(super()._async_write_data(data))
        try:
            await asyncio.wait([writing])
        finally:
            # A thread writes on, also when this is cancelled; a later write is not to overtake it.
            await asyncio.wait([writing])
            self.is_written = writing.exception() is None
        writing.result()


class Shelf:
    """All files of one home's books."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._changes = self._file()
        self._damaged: dict[str, Any] | None = None
        """Books that are to be set aside before others are written."""

    async def async_read(self) -> tuple[Ledger, Kept]:
        """Return the ledger, and all that was kept with it.

        Damaged books are set aside and reported: nobody is to freeze for want of them. Where only
        the file of changes is lost, the accounts are as of when they were written whole.
        """
        currency = self._entry.data[CONF_CURRENCY]
        try:
            saved = await self._changes.async_load()
            volumes = await self._async_read_volumes(saved)
        except UnsupportedStorageVersionError as err:
            raise ConfigEntryError(
                translation_domain=DOMAIN, translation_key="books_newer"
            ) from err
        kept: Kept = saved if isinstance(saved, dict) else {}
        try:
            ledger = Ledger(currency).save() if saved is None else saved["ledger"]
            # Hours and settlements of a whole building: no work for the loop.
            job = self._hass.async_add_executor_job(Ledger.load, ledger, currency, volumes)
            return await job, kept
        except (KeyError, TypeError, LedgerError) as err:
            LOGGER.error(
                "The books of %s cannot be read and are set aside: %s", self._entry.title, err
            )
        self._damaged = {"changes": saved, "volumes": volumes}
        await self._async_set_aside()
        return Ledger(currency), kept

    async def async_write(self, changes: dict[str, Any]) -> bool:
        """Write what has changed; tell whether it is on disk."""
        return await self._async_set_aside() and await self._changes.async_write(changes)

    @property
    def is_closing(self) -> bool:
        """Whether Home Assistant stops, and writes all files at its very end, in any order."""
        return self._hass.is_stopping

    async def async_write_volume(self, radiator_id: str, volume: dict[str, Any]) -> None:
        """Write an account whole; raises OSError if it cannot be."""
        file = self._file(radiator_id)
        if not await file.async_write(volume):
            raise OSError(f"{file.path} cannot be written")

    async def async_read_kept(self) -> Kept:
        """Return what was kept with the ledger, whatever has become of that."""
        try:
            saved = await self._changes.async_load()
        except HomeAssistantError:
            return {}
        return saved if isinstance(saved, dict) else {}

    async def async_delete(self) -> None:
        """Delete the books, also those set aside."""
        saved = await self.async_read_kept()
        for radiator_id in self._radiator_ids(saved):
            await self._file(radiator_id).async_remove()
        await self._file("damaged").async_remove()
        await self._changes.async_remove()
        ir.async_delete_issue(self._hass, DOMAIN, f"books_damaged_{self._entry.entry_id}")

    async def _async_read_volumes(self, saved: object) -> dict[str, Any]:
        read = {
            radiator_id: await self._file(radiator_id).async_load()
            for radiator_id in self._radiator_ids(saved)
        }
        return {radiator_id: volume for radiator_id, volume in read.items() if volume is not None}

    def _radiator_ids(self, saved: object) -> set[str]:
        """Return the radiators that there are, and those that there are only in the books."""
        accounts = mapping(mapping(saved, "ledger"), "accounts")
        # A file's name is made of it, so no id that came from a file goes unlooked at.
        return {key for key in accounts if key.isalnum()} | set(self._entry.subentries)

    async def _async_set_aside(self) -> bool:
        """Write damaged books elsewhere, if there are any; tell whether none is in the way."""
        if self._damaged is None:
            return True
        damaged = self._file("damaged")
        if self.is_closing or not await damaged.async_write(self._damaged):
            return False
        for radiator_id in self._damaged["volumes"]:
            await self._file(radiator_id).async_remove()
        tell_damage(self._hass, self._entry, "books_damaged", damaged.path)
        self._damaged = None
        return True

    def _file(self, *name: str) -> CheckedStore:
        return home_store(self._hass, self._entry.entry_id, *name)


def home_store(hass: HomeAssistant, entry_id: str, *name: str) -> CheckedStore:
    """Return one of a home's files; only that of the books' changes has no name of its own."""
    key = ".".join((DOMAIN, entry_id, *name))
    # With fsync: after a power cut a file that was only renamed may be empty.
    return CheckedStore(hass, STORAGE_VERSION, key, atomic_writes=True)


def tell_damage(hass: HomeAssistant, entry: ConfigEntry, key: str, file: str) -> None:
    """Tell what was damaged, and in which file it is set aside: as long as the home is there."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{key}_{entry.entry_id}",
        is_fixable=False,
        is_persistent=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=key,
        translation_placeholders={"home": entry.title, "file": file},
    )


def mapping(saved: object, key: str) -> Kept:
    """Return the object that `saved` holds under `key`, an empty one if there is none."""
    value = saved.get(key) if isinstance(saved, Mapping) else None
    return value if isinstance(value, Mapping) else {}
