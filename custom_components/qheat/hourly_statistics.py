"""External statistics: heat and money in the hour in which it was made and settled.

The live sensors count a settlement when it comes; these statistics count it when it was
settled. Their sums are the ledger's own running totals, so writing an hour again changes nothing.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from homeassistant.components.recorder.const import DOMAIN as RECORDER_DOMAIN
from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import EnergyConverter

from .const import DOMAIN, JOULES_PER_KWH
from .ledger import Ledger, Totals
from .turns import async_next_turn

HOUR_S: Final = 3600


type Figures = Mapping[str, Callable[[Totals], float]]
"""Figures of a radiator; the name of each is that of the sensor with the same key."""

ENERGY: Final[Figures] = {
    "heat": lambda totals: totals.heat_j / JOULES_PER_KWH,
    "free_heat": lambda totals: totals.free_heat_j / JOULES_PER_KWH,
}
MONEY: Final[Figures] = {
    "earnings": lambda totals: float(totals.earned),
    "savings": lambda totals: float(totals.savings),
    "net_heat_cost": lambda totals: float(totals.net_heat_cost),
}


class HourlyStatistics:
    """Writes each full hour of each radiator, and again what a late settlement changes."""

    def __init__(self, hass: HomeAssistant, ledger: Ledger, names: Mapping[str, str]) -> None:
        self._hass = hass
        self._ledger = ledger
        self._names = names
        self._written: dict[str, dict[int, float]] = {}
        self._hour_s = 0

    async def async_tick(self, now_s: float, *, booked: Collection[str]) -> None:
        """Write what is new at `now_s` (epoch seconds): an hour is full, or something was booked.

        Call it when the books are saved, so that nothing is written that a crash takes back.
        `booked` names the radiators whose past hours may have changed.
        """
        if RECORDER_DOMAIN not in self._hass.config.components:
            return
        hour_s = int(now_s // HOUR_S) * HOUR_S
        due = (
            self._names if hour_s != self._hour_s else [key for key in self._names if key in booked]
        )
        self._hour_s = hour_s
        if not due:
            return
        texts = await async_get_translations(
            self._hass, self._hass.config.language, "entity", [DOMAIN]
        )
        for radiator_id in due:
            running = self._ledger.running_totals(radiator_id)
            hours = {at_s: totals for at_s, totals in running if at_s < hour_s}
            for key, value_fn in (*ENERGY.items(), *MONEY.items()):
                label = texts[f"component.{DOMAIN}.entity.sensor.{key}.name"]
                name = f"{self._names[radiator_id]} {label} ({DOMAIN})"
                points = {at_s: value_fn(totals) for at_s, totals in hours.items()}
                self._write(radiator_id, key, name, points)
            # All hours of a whole building at once would hold up everything else.
            await async_next_turn(self._hass)

    def _write(self, radiator_id: str, key: str, name: str, points: dict[int, float]) -> None:
        statistic_id = f"{DOMAIN}:{radiator_id.lower()}_{key}"
        known = self._written.get(statistic_id, {})
        changed = {at_s: total for at_s, total in points.items() if known.get(at_s) != total}
        self._written[statistic_id] = points
        if not changed:
            return
        metadata = StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=name,
            source=DOMAIN,
            statistic_id=statistic_id,
            unit_class=EnergyConverter.UNIT_CLASS if key in ENERGY else None,
            unit_of_measurement=(
                UnitOfEnergy.KILO_WATT_HOUR if key in ENERGY else self._ledger.currency
            ),
        )
        async_add_external_statistics(
            self._hass,
            metadata,
            [
                StatisticData(start=dt_util.utc_from_timestamp(at_s), state=total, sum=total)
                for at_s, total in changed.items()
            ],
        )
