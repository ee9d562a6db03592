"""Radiators that are machines with a BOINC client, somewhere on the network."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .boinc_left_behind import (
    CONF_RADIATOR,
    Left,
    async_leave_behind,
    async_left_behind,
    async_settle,
    left_of,
    owed,
)
from .cadence import cadence
from .compute.boinc import BoincEngine, BoincError, BoincOptions, Details
from .compute.engine import Engine, PowerModel
from .const import (
    CONF_CORES,
    CONF_CURRENCY,
    CONF_GPU_W,
    CONF_IDLE_W,
    CONF_MACHINE,
    CONF_POWER_ENTITY,
    CONF_PROJECT,
    CONF_RATE,
    CONF_RATED_W,
    CONF_RATES,
    SUBENTRY_BOINC,
)
from .heating import RadiatorRating
from .power_meter import async_follow_meter
from .shelf import mapping
from .turns import pace

MAX_RATE: Final = 1000
"""Money per credit: a slip of the finger, not a price, above that."""

type Save = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    """An engine, and the settings that it was built from."""

    engine: BoincEngine
    title: str
    data: Mapping[str, Any]

    def is_still(self, subentry: ConfigSubentry | None) -> bool:
        """Whether a radiator's settings still name this machine, at whatever address."""
        return subentry is not None and subentry.data[CONF_MACHINE] == self.data[CONF_MACHINE]

    def save(self) -> dict[str, Any]:
        """Return what is to be kept of it over a restart, without secrets."""
        return {
            **{key: self.data[key] for key in (CONF_HOST, CONF_PORT, CONF_MACHINE)},
            CONF_RADIATOR: self.title,
            "engine": self.engine.saved_state(),
        }


class BoincMachines:
    """All BOINC machines of a home."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, saved: Mapping[str, Any], save: Save
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._saved = saved
        self._save = save
        self._closing = False
        self._machines: dict[str, _Machine] = {}
        self._meters: list[Callable[[], None]] = []
        self._handed_over: set[str] = set()
        """Radiators whose repairs have taken over what is to be put back."""
        self._unwritten: dict[str, Any] = {}
        """What a full disk kept the repairs from taking over, by radiator."""
        self._left_behind: Mapping[str, Left] = {}

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids of the radiators."""
        return iter(self._machines)

    def __contains__(self, radiator_id: object) -> bool:
        """Whether a radiator is a BOINC machine."""
        return radiator_id in self._machines

    def engine(self, radiator_id: str) -> BoincEngine:
        """Return a radiator's engine; raises KeyError for one that is no BOINC machine."""
        return self._machines[radiator_id].engine

    def details(self, radiator_id: str) -> Details | None:
        """Return what a machine does now; None while it is not known."""
        return self._machines[radiator_id].engine.details()

    async def async_open(self) -> None:
        """See to settings that were not put back before a kill, while the books still have them.

        What no radiator claims is left behind; what one does claim it puts back itself.
        """
        for radiator_id in self._saved:
            left = left_of(mapping(self._saved, radiator_id))
            if left is None:
                continue
            subentry = self._entry.subentries.get(radiator_id)
            if subentry is not None and subentry.data[CONF_MACHINE] == left[CONF_MACHINE]:
                await async_settle(self._hass, subentry.data)
            elif not await async_leave_behind(self._hass, left):
                self._unwritten[radiator_id] = self._saved[radiator_id]
        self._left_behind = await async_left_behind(self._hass)

    def build(self, radiator_id: str, subentry: ConfigSubentry) -> tuple[RadiatorRating, Engine]:
        """Return what a radiator can give, and its engine."""
        data = subentry.data
        kept = mapping(self._saved, radiator_id)
        saved = mapping(kept, "engine") if kept.get(CONF_MACHINE) == data[CONF_MACHINE] else {}
        engine = BoincEngine(
            data[CONF_HOST],
            data[CONF_PORT],
            data[CONF_PASSWORD],
            radiator_id=radiator_id,
            machine=data[CONF_MACHINE],
            model=PowerModel(
                idle_w=data[CONF_IDLE_W], rated_w=data[CONF_RATED_W], slots=data[CONF_CORES]
            ),
            options=BoincOptions(
                rates=rates_of(data.get(CONF_RATES, [])),
                currency=self._entry.data[CONF_CURRENCY],
                gpu_w=data[CONF_GPU_W],
                meter=_meter_of(self._hass, data),
                look_every_s=cadence(self._hass).look_every_s,
            ),
            saved=saved,
            save=partial(self._keep, radiator_id, data),
            owed=None if saved.get("originals") else owed(self._left_behind, data),
            pace=pace(self._hass),
        )
        self._machines[radiator_id] = _Machine(engine=engine, title=subentry.title, data=data)
        if meter := data.get(CONF_POWER_ENTITY):
            self._meters += async_follow_meter(self._hass, meter, engine.meter)
        rating = RadiatorRating(
            idle_w=data[CONF_IDLE_W],
            rated_w=data[CONF_RATED_W] + data[CONF_GPU_W],
            slots=engine.cores,
            # The client keeps paused tasks in memory, those of a GPU apart. It could pulse them for
            # parts of a core, too, but fans follow that, and watts(n) is learned from whole cores.
            pausable=True,
        )
        return rating, engine

    def save(self) -> dict[str, Any]:
        """Return what is to be kept over a restart, as JSON-able data without secrets."""
        saved = {key: machine.save() for key, machine in self._machines.items()}
        for key in self._handed_over:
            # With two owners, the books would put back again what the repair has put back.
            saved[key]["engine"] |= {"originals": None}
        unwritten = self._unwritten.items()
        return saved | {key: kept for key, kept in unwritten if owed(self._left_behind, kept)}

    async def async_close(self, *, for_good: bool = False) -> None:
        """Have all machines compute nothing; put back the settings of those no longer wanted.

        `for_good`: none is.
        """
        self._closing = True
        for unfollow in self._meters:
            unfollow()
        for_good = for_good or bool(self._entry.disabled_by)
        await asyncio.gather(*(self._close(key, for_good) for key in self._machines))

    async def _close(self, radiator_id: str, for_good: bool) -> None:
        machine = self._machines[radiator_id]
        if not for_good and machine.is_still(self._entry.subentries.get(radiator_id)):
            engine = machine.engine
            await (engine.leave() if self._hass.is_stopping else engine.stop())
            return
        left = left_of(machine.save())
        try:
            await machine.engine.release()
        except BoincError:
            if left is not None and await async_leave_behind(self._hass, left):
                self._handed_over.add(radiator_id)
        else:
            if left is not None:
                await async_settle(self._hass, machine.data)

    async def _keep(
        self, radiator_id: str, data: Mapping[str, Any], state: Mapping[str, object]
    ) -> None:
        # A home that closes saves once, when all its engines have stopped.
        if self._closing:
            return
        # The books have one place for a radiator, and the machine that it was before is there.
        left = left_of(mapping(self._unwritten, radiator_id))
        if (
            left is not None
            and owed(self._left_behind, left)
            and not await async_leave_behind(self._hass, left)
        ):
            raise OSError("what another machine is to get back cannot be written")
        self._unwritten.pop(radiator_id, None)
        await self._save()
        if state["originals"] is not None:
            await async_settle(self._hass, data)


async def async_release_all(
    hass: HomeAssistant, entry: ConfigEntry, saved: Mapping[str, Any]
) -> None:
    """Put back the settings of all BOINC machines of a home that is removed."""

    async def keep() -> None:
        """Keep nothing of a home that is gone."""

    boinc = BoincMachines(hass, entry, saved, keep)
    await boinc.async_open()
    for radiator_id, subentry in entry.subentries.items():
        if subentry.subentry_type == SUBENTRY_BOINC:
            boinc.build(radiator_id, subentry)
    await boinc.async_close(for_good=True)


def rates_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Return money per credit by project URL; raises ValueError if there is a rate that is none."""
    try:
        rates = {row[CONF_PROJECT]: Decimal(str(row[CONF_RATE])) for row in rows}
        BoincOptions(rates=rates).known_rates()
    except (BoincError, InvalidOperation) as err:
        raise ValueError("not the URL of a project, or no number") from err
    if not all(rate.is_finite() and 0 <= rate <= MAX_RATE for rate in rates.values()):
        raise ValueError("not money per credit")
    return rates


def _meter_of(hass: HomeAssistant, data: Mapping[str, Any]) -> str | None:
    """Return what tells a radiator's power meter from others: it may be renamed."""
    entity_id: str | None = data.get(CONF_POWER_ENTITY)
    entity = er.async_get(hass).async_get(entity_id) if entity_id else None
    return entity_id if entity is None else entity.id
