"""Readings, settlements and prices for the tests of the ledger."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from custom_components.qheat.compute.engine import (
    HeatKind,
    PowerSource,
    Settlement,
    SettlementPage,
)
from custom_components.qheat.ledger import Ledger, Moment, Tariff

START_S = 1_790_000_000.0
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


def moment(passed_s: float, *, since_s: float = START_S, clock_error_s: float = 0.0) -> Moment:
    return Moment(utc_s=since_s + passed_s + clock_error_s, steady_s=passed_s)


def read(
    ledger: Ledger,
    passed_s: float,
    power_w: float | None,
    *,
    kind: HeatKind = HeatKind.PAID,
    source: PowerSource = PowerSource.MEASURED,
    tariff: Tariff | None = TARIFF,
    radiator_id: str = OFFICE,
) -> None:
    ledger.record(radiator_id, moment(passed_s), power_w, kind=kind, source=source, tariff=tariff)


def settlement(settlement_id: Any = "s1", **changes: Any) -> Settlement:
    return replace(ACCEPTED, settlement_id=settlement_id, **changes)


def page(*settlements: Settlement, cursor: str | None = None) -> SettlementPage:
    return SettlementPage(settlements=settlements, cursor=cursor)


def reloaded(ledger: Ledger) -> Ledger:
    """Return what a new process reads of a ledger that was saved as JSON."""
    return Ledger.load(json.loads(json.dumps(ledger.save())))
