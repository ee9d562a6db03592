"""How often things are done: in a building of radiators, some less often."""

from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant

from .compute.boinc import LOOK_EVERY_S
from .const import DOMAIN
from .radiator import BUDGET_S

FEW_AT_MOST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """Intervals, in seconds or in ticks of a home."""

    budget_s: float
    """How long a heat budget holds: three ticks may be missed, or one of a BOINC machine's."""
    boinc_in_ticks: int
    """How many ticks BOINC machines are spread over: each gets a new plan once in so many."""
    look_every_s: float
    """How often BOINC tasks are looked at; run modes are with every tick of theirs."""
    settlements_every_s: float
    save_every_s: float
    shown_in_ticks: int
    """How many ticks saved books are spread over until all of them are shown."""


FEW: Final = Cadence(
    budget_s=BUDGET_S,
    boinc_in_ticks=2,
    look_every_s=LOOK_EVERY_S,
    settlements_every_s=10.0,
    save_every_s=30.0,
    shown_in_ticks=1,
)
BUILDING: Final = Cadence(
    budget_s=30.0,
    boinc_in_ticks=3,
    look_every_s=30.0,
    settlements_every_s=30.0,
    save_every_s=120.0,
    shown_in_ticks=24,
)


def is_building(hass: HomeAssistant) -> bool:
    """Return whether there are more than fifty radiators, in all homes together."""
    homes = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    return sum(len(home.subentries) for home in homes) > FEW_AT_MOST


def cadence(hass: HomeAssistant) -> Cadence:
    """Return how often things are done with as many radiators as there are."""
    return BUILDING if is_building(hass) else FEW
