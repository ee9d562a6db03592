"""Statements: what each radiator made and earned, day by day, in figures that add up.

Every figure of a row is rounded first, and the sums are sums of rounded figures. So a person with
a pencil comes to the same sums; they differ from the exact ones by half of the last digit per row.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal, localcontext
from typing import Any, Final

from ..compute.engine import HeatKind, PowerSource, Settlement
from .booking import worked_at
from .history import Day, History
from .money import CONTEXT, JOULES_PER_KWH, LedgerError

FORMAT: Final = "qheat statement 1"
_PLAY_MONEY: Final = "play money: nobody pays what this computer's jobs have repaid and earned"
_LINE_END: Final = "\r\n"
_KWH_STEP: Final = Decimal("0.001")
_NO_KWH: Final = Decimal("0.000")
_MONEY_STEP: Final = Decimal("0.0001")
_FIGURES: Final = (
    "heat_kwh",
    "paid_heat_kwh",
    "filler_heat_kwh",
    "own_heat_kwh",
    "idle_heat_kwh",
    "measured_kwh",
    "rapl_kwh",
    "estimated_kwh",
    "unpriced_kwh",
    "free_heat_kwh",
    "electricity_cost",
    "reference_cost",
    "repaid",
    "earned",
    "savings",
    "net_heat_cost",
)
_COUNTS: Final = ("jobs", "refused")
_KINDS: Final = (HeatKind.PAID, HeatKind.FILLER, HeatKind.OWN, HeatKind.NONE)
_SOURCES: Final = (PowerSource.MEASURED, PowerSource.RAPL, PowerSource.ESTIMATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement as data, and the SHA-256 over that data.

    The hash tells whether a figure was changed by accident since; whoever changes it on purpose
    can make a new hash, so a reader in doubt asks the backend for the settlements by their ids.
    """

    data: Mapping[str, Any]
    sha256: str

    def json(self) -> str:
        """Return the statement as JSON text."""
        document = {"statement": self.data, "sha256": self.sha256}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def csv(self) -> str:
        """Return rows, sums, and what is in another currency, as CSV text (RFC 4180).

        The last line has the SHA-256 of all lines above it, line ends included.
        """
        text = self._table()
        return f"{text}sha256,{_sha256_of(text)}{_LINE_END}"

    @property
    def csv_sha256(self) -> str:
        """The hash that the CSV text ends with."""
        return _sha256_of(self._table())

    def _table(self) -> str:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        columns = ("day", "radiator", *_FIGURES, *_COUNTS)
        writer.writerow((*columns, "currency", "settlement_ids"))
        names = {one["id"]: one["name"] for one in self.data["radiators"]}
        for row in self.data["rows"]:
            cells = {**row, "radiator": _harmless(names[row["radiator"]])}
            ids = _harmless(" ".join(row["settlement_ids"]))
            writer.writerow((*(cells[name] for name in columns), self.data["currency"], ids))
        sums = {"day": "sum", "radiator": "", **self.data["sums"]}
        writer.writerow((*(sums[name] for name in columns), self.data["currency"], ""))
        if self.data["play_money"]:
            writer.writerow((_PLAY_MONEY, *[""] * (len(columns) + 1)))
        for one in self.data["foreign"]:
            cells = {
                "day": f"not booked {one['day']}",
                "radiator": _harmless(names[one["radiator"]]),
                "repaid": one["repaid"],
                "earned": one["earned"],
            }
            settlement_id = _harmless(one["settlement_id"])
            writer.writerow(
                (*(cells.get(name, "") for name in columns), one["currency"], settlement_id)
            )
        return text.getvalue()


def make_statement(
    history: History,
    *,
    first: date,
    last: date,
    home: str,
    names: Mapping[str, str],
    foreign: Iterable[Settlement],
    time_zone: tzinfo,
    play_money: bool = False,
) -> Statement:
    """Return the statement of a home from `first` to `last`, both included.

    `names` are the radiators' names by id; one without a name goes by its id, and of several with
    one name each goes by both.
    `foreign` is what could not be booked, being in another currency: it is listed, in no sum.
    `play_money` tells that nobody pays what this computer's jobs have repaid and earned.
    Raises LedgerError for a span that ends before it begins.
    """
    if last < first:
        raise LedgerError("the statement ends before it begins")
    listed = [
        entry
        for entry in (_foreign(one, time_zone) for one in foreign)
        if first.isoformat() <= entry["day"] <= last.isoformat()
    ]
    with localcontext(CONTEXT):
        rows = [_row(key, day, entry) for key, day, entry in history.days(first, last)]
        radiators = dict.fromkeys(row["radiator"] for row in (*rows, *listed))
        names = _telling(radiators, names)
        data = {
            "format": FORMAT,
            "home": home,
            "currency": history.currency,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "time_zone": str(time_zone),
            "play_money": play_money,
            "rows": rows,
            "radiators": [
                {
                    "id": radiator_id,
                    "name": names[radiator_id],
                    "sums": _sums(row for row in rows if row["radiator"] == radiator_id),
                }
                for radiator_id in radiators
            ],
            "sums": _sums(rows),
            "foreign": listed,
        }
    return Statement(data=data, sha256=_sha256(data))


def _telling(radiator_ids: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return names that tell radiators apart."""
    given = {radiator_id: names.get(radiator_id, radiator_id) for radiator_id in radiator_ids}
    count = Counter(given.values())
    return {
        radiator_id: name if count[name] == 1 else f"{name} ({radiator_id})"
        for radiator_id, name in given.items()
    }


def _foreign(settlement: Settlement, time_zone: tzinfo) -> dict[str, str]:
    return {
        "day": datetime.fromtimestamp(worked_at(settlement), time_zone).date().isoformat(),
        "radiator": settlement.radiator_id,
        "settlement_id": settlement.settlement_id,
        "currency": settlement.currency,
        "repaid": f"{settlement.repaid:f}",
        "earned": f"{settlement.earned:f}",
    }


def _row(radiator_id: str, day: date, entry: Day) -> dict[str, Any]:
    totals = entry.totals
    # Each part is rounded by itself, so that both splits of the heat add up to it.
    parts = {key: _kwh(heat_j) for key, heat_j in totals.heat_split_j.items()}
    kinds, sources = (
        [sum((kwh for key, kwh in parts.items() if part in key), _NO_KWH) for part in split]
        for split in (_KINDS, _SOURCES)
    )
    cost, reference, repaid, earned = (
        amount.quantize(_MONEY_STEP)
        for amount in (
            totals.electricity_cost,
            totals.reference_cost,
            totals.repaid,
            totals.earned,
        )
    )
    figures = (
        sum(parts.values(), _NO_KWH),
        *kinds,
        *sources,
        _kwh(totals.unpriced_heat_j),
        _kwh(totals.free_heat_j),
        cost,
        reference,
        repaid,
        earned,
        reference - (cost - repaid),
        cost - repaid - earned,
    )
    return {
        "day": day.isoformat(),
        "radiator": radiator_id,
        **{name: f"{figure:zf}" for name, figure in zip(_FIGURES, figures, strict=True)},
        "jobs": sum(totals.jobs.values()),
        "refused": totals.refused,
        "settlement_ids": list(entry.settlement_ids),
    }


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    figures = {
        name: f"{sum((Decimal(row[name]) for row in rows), Decimal(0)):f}" for name in _FIGURES
    }
    return figures | {name: sum(row[name] for row in rows) for name in _COUNTS}


def _kwh(heat_j: float) -> Decimal:
    return (Decimal(heat_j) / JOULES_PER_KWH).quantize(_KWH_STEP)


def _sha256(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return _sha256_of(canonical)


def _sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a stranger's text for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
