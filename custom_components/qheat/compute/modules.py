"""The job modules that are shipped with the integration: no publisher has to sign for them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SHIPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "d09b8edbc78e4eb3e12c8dbb8a294e85b694888ff10239870fd88ca5ecd4a2a2": "docking",
        "1dd93ac048609dfc0a09c6815f499e853b49a391692e7935db9bf56845f54f76": "option_price",
        "d423bf26891d36bdba824711bb9cb77fcf97c19a45339244c0cf5a2d65b12512": "picture_tile",
    }
)
"""Kind of job by the module's SHA-256 in hexadecimal; built from `jobs/` by `jobs/build`."""
