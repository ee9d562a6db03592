"""What a home keeps of publishers' serials, over a restart and after its end."""

from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.qheat.compute.trust import Trust

from .conftest import load

SERIALS = {"publisher module": 7}
FILE = "qheat.01JHOME.serials"

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def trust() -> Generator[MagicMock]:
    """Show how a home makes up whom it trusts."""
    with patch("custom_components.qheat.this_machine.Trust", wraps=Trust) as made:
        yield made


def keep(trust: MagicMock) -> None:
    """Have seen a manifest with a serial just now."""
    kept: Callable[[Mapping[str, int]], None] = trust.call_args.kwargs["keep"]
    kept(SERIALS)


async def later(hass: HomeAssistant) -> None:
    """Let pass what a write may be put off for."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=1))
    await hass.async_block_till_done()


async def test_serials_are_on_disk_soon(
    hass: HomeAssistant, entry: MockConfigEntry, trust: MagicMock, hass_storage: dict[str, Any]
) -> None:
    await load(hass, entry)
    keep(trust)
    await later(hass)
    assert hass_storage[FILE]["data"] == SERIALS


async def test_serials_that_were_seen_right_before_a_home_is_loaded_anew_are_known_then(
    hass: HomeAssistant, entry: MockConfigEntry, trust: MagicMock
) -> None:
    await load(hass, entry)
    keep(trust)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert trust.call_args.kwargs["serials"] == SERIALS


@pytest.mark.parametrize(
    ("saved", "left"), [([], {}), ({"a": "7", "b": True, "c": 8, "d": None}, {"c": 8})]
)
async def test_what_is_no_serial_does_not_count(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    trust: MagicMock,
    hass_storage: dict[str, Any],
    saved: Any,
    left: dict[str, int],
) -> None:
    hass_storage[FILE] = {"version": 1, "minor_version": 1, "key": FILE, "data": saved}
    await load(hass, entry)
    assert trust.call_args.kwargs["serials"] == left


async def test_a_home_that_is_removed_keeps_none(
    hass: HomeAssistant, entry: MockConfigEntry, trust: MagicMock, hass_storage: dict[str, Any]
) -> None:
    await load(hass, entry)
    keep(trust)
    await hass.config_entries.async_remove(entry.entry_id)
    await later(hass)
    assert FILE not in hass_storage
