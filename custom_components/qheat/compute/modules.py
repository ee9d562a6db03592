"""The modules that may run here, by the SHA-256 of their bytes."""

from collections.abc import Mapping
from typing import Final

SHIPPED: Final[Mapping[str, str]] = {}
"""SHA-256 in hexadecimal to the kind of job."""
