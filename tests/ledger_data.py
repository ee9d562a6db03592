"""Readings, settlements and prices for the tests of the ledger."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, tzinfo
from decimal import Decimal
from typing import Any

from custom_components.qheat.compute.engine import HeatKind, PowerSource, Settlement, SettlementPage
from custom_components.qheat.ledger import History, Ledger, Moment, Reading, Tariff, Totals

START_S = 1_790_000_000.0
MIDNIGHT_S = 1_789_948_800
ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))
OFFICE = "office"

TARIFF = Tariff(
    currency="EUR",
    electricity_per_kwh=Decimal("0.25"),
    reference_per_kwh=Decimal("0.09"),
    reference_efficiency=Decimal("0.9"),
)

ACCEPTED = Settlement(
    settlement_id="s1",
    radiator_id=OFFICE,
    job_kind="docking",
    accepted=True,
    earned=Decimal("0.02"),
    repaid=Decimal("0.05"),
    energy_j=720_000.0,
    currency="EUR",
    settled_at=START_S + 60,
)


def read(
    ledger: Ledger,
    passed_s: float,
    power_w: float | None,
    *,
    kind: HeatKind = HeatKind.PAID,
    source: PowerSource = PowerSource.MEASURED,
    tariff: Tariff | None = TARIFF,
    counted_j: float | None = None,
    radiator_id: str = OFFICE,
    since_s: float = START_S,
) -> None:
    reading = Reading(
        moment=Moment(utc_s=since_s + passed_s, steady_s=passed_s),
        power_w=power_w,
        kind=kind,
        source=source,
        tariff=tariff,
        counted_j=counted_j,
    )
    ledger.record(radiator_id, reading)


def hour(number: int) -> int:
    """Return the start of an hour in epoch seconds, counted from a midnight (UTC)."""
    return MIDNIGHT_S + number * 3600


def heat(
    ledger: Ledger,
    utc_s: float,
    heat_j: float,
    tariff: Tariff | None = None,
    *,
    kind: HeatKind = HeatKind.PAID,
    radiator_id: str = OFFICE,
) -> None:
    """Make so much heat within the ten seconds before a moment."""
    for passed_s, power_w in ((-11, None), (-10, heat_j / 10), (0, heat_j / 10)):
        at_s = utc_s + passed_s
        read(ledger, at_s, power_w, kind=kind, tariff=tariff, radiator_id=radiator_id, since_s=0)


def settlement(settlement_id: Any = "s1", **changes: Any) -> Settlement:
    return replace(ACCEPTED, settlement_id=settlement_id, **changes)


def page(*settlements: Settlement, cursor: str | None = None) -> SettlementPage:
    return SettlementPage(settlements=settlements, cursor=cursor)


def reloaded(ledger: Ledger) -> Ledger:
    """Return what a new process reads of a ledger that was saved as JSON."""
    return Ledger.load(json.loads(json.dumps(ledger.save())), "EUR")


def absorb(history: History, ledger: Ledger, time_zone: tzinfo) -> bool:
    """Copy the open days of all radiators; tell if any changed."""
    changed = [history.absorb(one, ledger, time_zone) for one in ledger.radiator_ids]
    return any(changed)


def summed(history: History) -> Totals:
    return sum((day.totals for _, _, day in history.days(*ALWAYS)), Totals())


def sixty_hours() -> History:
    """Return the history of sixty hours of two radiators, one with a job an hour."""
    ledger, history = Ledger("EUR"), History("EUR")
    for number in range(60):
        for radiator_id, kind in ((OFFICE, HeatKind.PAID), ("bedroom", HeatKind.OWN)):
            heat(
                ledger, hour(number) + 100, 700_001 / 3, TARIFF, kind=kind, radiator_id=radiator_id
            )
        told = settlement(
            f"s{number}",
            accepted=number % 10 != 0,
            earned=Decimal("0.0033333333"),
            repaid=Decimal("0.0141421356"),
            energy_j=200_000.0,
            settled_at=float(hour(number)),
        )
        ledger.book(OFFICE, page(told), hour(number) + 10)
        absorb(history, ledger, UTC)
    return history


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in JSON data."""
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield (*path, key)
            yield from places(data[key], (*path, key))
