"""The books on disk: read with suspicion, written whole, and shown only once they are written."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store, UnsupportedStorageVersionError

from .const import CONF_CURRENCY, DOMAIN, LOGGER
from .ledger import Ledger, LedgerError

STORAGE_VERSION: Final = 1

type Kept = Mapping[str, Any]


class BookStore(Store[dict[str, Any]]):
    """A store that tells whether what it was given has reached the disk."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, suffix: str = "") -> None:
        super().__init__(hass, STORAGE_VERSION, f"{DOMAIN}.{entry.entry_id}{suffix}")
        self.is_written = True

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        self.is_written = False
        await super()._async_write_data(data)
        self.is_written = True


async def async_read_books(
    hass: HomeAssistant, entry: ConfigEntry, store: BookStore
) -> tuple[Ledger, Kept]:
    """Return the ledger, and all that was kept with it.

    Damaged books are set aside and reported: nobody is to freeze for want of them.
    """
    try:
        saved = await store.async_load()
    except UnsupportedStorageVersionError as err:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="books_newer") from err
    if saved is None:
        return Ledger(entry.data[CONF_CURRENCY]), {}
    try:
        return Ledger.load(saved["ledger"]), saved
    except (KeyError, TypeError, LedgerError) as err:
        LOGGER.error("The books of %s cannot be read and are set aside: %s", entry.title, err)
    await BookStore(hass, entry, ".damaged").async_save(saved)
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"books_damaged_{entry.entry_id}",
        is_fixable=False,
        is_persistent=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key="books_damaged",
        translation_placeholders={"home": entry.title, "file": f"{store.path}.damaged"},
    )
    return Ledger(entry.data[CONF_CURRENCY]), mapping({"all": saved}, "all")


async def async_delete_books(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete the books, also those set aside."""
    for suffix in ("", ".damaged"):
        await BookStore(hass, entry, suffix).async_remove()
    ir.async_delete_issue(hass, DOMAIN, f"books_damaged_{entry.entry_id}")


def mapping(saved: object, key: str) -> Kept:
    """Return the object that `saved` holds under `key`, an empty one if there is none."""
    value = saved.get(key) if isinstance(saved, Mapping) else None
    return value if isinstance(value, Mapping) else {}
