"""What keeps a home from being set up, in words for people."""

from homeassistant.exceptions import ConfigEntryError

from .const import DOMAIN


def setup_error(translation_key: str, err: Exception) -> ConfigEntryError:
    """Return the error that ends a home's setup, with `err` as its detail."""
    return ConfigEntryError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders={"detail": str(err)},
    )
