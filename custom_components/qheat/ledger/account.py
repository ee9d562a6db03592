"""One radiator's account: power over time becomes heat, settlements become money."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ..compute.engine import HeatKind, PowerSource, Settlement, SettlementPage
from .awaited import Awaited, Stretch
from .booking import MAX_TIME_S, Booking, Fault, SettlementMemory, checked, worked_at
from .hours import HOUR_S, Hours
from .money import MAX_HEAT_J, LedgerError, Tariff, check_number, check_text, on_grid
from .totals import Totals

MAX_GAP_S: Final = 120.0
"""Between readings further apart than this, nothing is known, so no heat is counted."""
MAX_POWER_W: Final = 100_000.0
MAX_JOB_KINDS: Final = 64
MAX_CURSOR: Final = 65_536
"""BOINC's holds credit totals; a backend's, a stranger's word, is bounded where it is read."""
OTHER_JOBS: Final = "other"
_MAX_COUNTED_J: Final = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant on two clocks: `steady_s` measures (time.monotonic), `utc_s` dates (epoch).

    The steady clock does not follow when somebody sets the other, so no heat comes of that.
    """

    utc_s: float
    steady_s: float

    def __post_init__(self) -> None:
        check_number("utc_s", self.utc_s, MAX_TIME_S)
        if not math.isfinite(self.steady_s):
            raise LedgerError("steady_s is not finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The power at a moment, and what its heat is and costs."""

    moment: Moment
    power_w: float | None
    """None: unknown."""
    kind: HeatKind
    source: PowerSource
    tariff: Tariff | None
    """None: no price is known. The heat counts, its costs do not."""
    counted_j: float | None
    """What an energy meter has counted so far, None without one: it rules where it is known. One
    that falls begins anew."""

    @property
    def stretch(self) -> Stretch:
        """What the heat of this moment has in common with other heat."""
        hour_s = int(self.moment.utc_s // HOUR_S) * HOUR_S
        return Stretch(hour_s=hour_s, kind=self.kind, source=self.source, tariff=self.tariff)


@dataclass(slots=True, kw_only=True)
class Account:
    """All that one radiator has made, cost and earned since it was added."""

    by_hour: Hours = field(default_factory=Hours)
    """What somebody has looked at; see `hours`."""
    free_heat_shown_j: float = 0.0
    cursor: str | None = None
    memory: SettlementMemory = field(default_factory=SettlementMemory)
    volume: int = 0
    """The number of the volume, the account written whole, that changes are counted from."""
    volumes_tried: int = 0
    """How many volumes were begun, whether or not they could be written."""
    awaited: Awaited = field(default_factory=Awaited)
    """What an energy meter has yet to count."""
    _made: Awaited = field(default_factory=Awaited)
    """What was made without such a meter since somebody looked."""
    _counted_j: float | None = None
    """What an energy meter had counted last; a reading that is refused leaves it as it is."""
    _last: Reading | None = None

    @property
    def hours(self) -> Hours:
        """All that has happened, by the hour.

        Heat is added to it when somebody looks: a building would make thousands of totals anew
        with every tick, which Python's garbage collector has to go through.
        """
        if self._made.joules:
            made, self._made = self._made, Awaited()
            self._add(made.estimated())
        return self.by_hour

    def record(self, reading: Reading) -> None:
        """Count the heat since the last reading: none across a gap or beside unknown power.

        Each reading stands for half of the time to either neighbour (the trapezoid rule). Power
        moves in steps between readings, and this halves the largest error of holding the last
        value; it also splits the heat cleanly where its kind, source or price changes.
        Where an energy meter counts, the heat is what it counts, when it does; until then the
        power says when and of which kind it was, and stands in for a meter that falls silent.
        Raises LedgerError for a power that no radiator has; it then counts as unknown.
        """
        before, self._last = self._last, None
        if reading.power_w is not None:
            check_number("power_w", reading.power_w, MAX_POWER_W)
        if reading.counted_j is not None:
            check_number("counted_j", reading.counted_j, _MAX_COUNTED_J)
        self._last = reading
        before_j, self._counted_j = self._counted_j, reading.counted_j
        if before_j is not None and reading.counted_j is not None and reading.counted_j >= before_j:
            self._heat_between(before, reading, self.awaited)
            if reading.counted_j > before_j:
                self._add(self.awaited.counted(reading.counted_j - before_j, reading.stretch))
            return
        if self.awaited.joules:
            self._add(self.awaited.estimated())
            self.awaited = Awaited()
        self._heat_between(before, reading, self._made)

    def book(
        self, page: SettlementPage, *, radiator_id: str, currency: str, now_s: float
    ) -> Booking:
        """Book each settlement of a page once, then move the cursor behind the page.

        One that cannot be booked is a fault and keeps no other from being booked. Raises
        LedgerError, with nothing booked, for a clock behind the ledger's or an absurd cursor.
        """
        if not self.memory.horizon_s < now_s <= MAX_TIME_S:
            raise LedgerError("the clock is behind settlements booked long ago")
        if page.cursor is not None:
            check_text("settlement cursor", page.cursor, MAX_CURSOR)
        booked: list[Settlement] = []
        faults: list[Fault] = []
        for offered in page.settlements:
            try:
                settlement = checked(offered, radiator_id=radiator_id, now_s=now_s)
                if settlement.currency != currency:
                    faults.append(self._foreign(settlement, currency))
                elif self.memory.is_news(settlement):
                    booked.append(self._settle(settlement))
            except LedgerError as error:
                faults.append(Fault(detail=str(error)))
        self.memory.forget(now_s)
        if page.cursor is not None:
            self.cursor = page.cursor
        self._show()
        return Booking(booked=tuple(booked), faults=tuple(faults))

    def shown(self) -> Totals:
        """Return the totals with free heat as shown: never above the heat, never backwards.

        A revocation takes nothing back from a meter that somebody has read: the free heat shown
        stands still until what is truly free has caught up with it.
        """
        return replace(self.hours.totals, free_heat_j=self.free_heat_shown_j)

    @property
    def changes(self) -> int:
        """How many hours and settlements have changed since the account was written whole."""
        return len(self.by_hour.changed) + len(self.memory.changed)

    def _foreign(self, settlement: Settlement, currency: str) -> Fault:
        """Return the fault of another currency, without the settlement if it is booked in ours."""
        settlement_id = settlement.settlement_id
        return Fault(
            detail=f"settlement {settlement_id} is in {settlement.currency}, not in {currency}",
            foreign=None if settlement_id in self.memory.settled else settlement,
        )

    def _heat_between(self, before: Reading | None, reading: Reading, heat: Awaited) -> None:
        """Add what was made between two readings, as estimated, to `heat`."""
        if before is None or before.power_w is None or reading.power_w is None:
            return
        passed_s = reading.moment.steady_s - before.moment.steady_s
        if not 0 < passed_s <= MAX_GAP_S:
            return
        first, second = before.stretch, reading.stretch
        first_j, second_j = (
            on_grid(power_w * passed_s / 2) for power_w in (before.power_w, reading.power_w)
        )
        halves = [(first, first_j), (second, second_j)]
        # Most halves have all in common, and then are worth the same as one.
        parts = [(first, first_j + second_j)] if first == second else halves
        for stretch, heat_j in parts:
            heat.add(stretch, heat_j)

    def _add(self, heat: Iterable[tuple[int, Totals]]) -> None:
        """Add heat to its hours."""
        for hour_s, totals in heat:
            self.hours.add(hour_s, totals)
        self._show()

    def _settle(self, settlement: Settlement) -> Settlement:
        """Add a settlement to the hour of its heat; return it as it is remembered.

        Raises LedgerError.
        """
        jobs = self.hours.totals.jobs
        if settlement.job_kind not in jobs and len(jobs) >= MAX_JOB_KINDS:
            settlement = replace(settlement, job_kind=OTHER_JOBS)
        change = Totals.of_settlement(settlement)
        reversed_one = self.memory.settled.get(settlement.settlement_id)
        if reversed_one is not None:
            change += Totals.of_settlement(reversed_one, -1)
            # In the place of the one it reverses: its own dates are a stranger's, too.
            settlement = replace(
                settlement,
                settled_at=reversed_one.settled_at,
                delivered_at=reversed_one.delivered_at,
            )
        if self.hours.totals.free_heat_j + change.free_heat_j > MAX_HEAT_J:
            raise LedgerError(
                f"settlement {settlement.settlement_id} repays more than a radiator can draw"
            )
        at_s = self.hours.open_at(worked_at(settlement))
        self.hours.add(at_s, change)
        settlement = replace(settlement, delivered_at=at_s)
        self.memory.remember(settlement)
        return settlement

    def _show(self) -> None:
        totals = self.hours.totals
        free_j = min(totals.free_heat_j, totals.heat_j)
        self.free_heat_shown_j = max(self.free_heat_shown_j, free_j)
