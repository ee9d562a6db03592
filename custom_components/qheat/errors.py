"""What keeps a home from being set up, in words for people."""

from homeassistant.exceptions import ConfigEntryNotReady

from .const import DOMAIN


def setup_error(translation_key: str, err: Exception) -> ConfigEntryNotReady:
    """Return the error that puts a home's setup off, with `err` as its detail."""
    return ConfigEntryNotReady(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders={"detail": str(err)},
    )
