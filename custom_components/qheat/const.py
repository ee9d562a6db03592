"""Constants of the qheat integration."""

import logging
from typing import Final

DOMAIN: Final = "qheat"
LOGGER: Final = logging.getLogger(__package__)
