"""What radiators did today: jobs by kind, and core-hours."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from .compute.engine import HeatKind
from .ledger import MAX_GAP_S, Totals

WORK: Final = (HeatKind.PAID, HeatKind.FILLER)
"""Kinds of heat that are a by-product of jobs."""

MAX_CORE_S: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The work of one local day: accepted jobs by kind, refused ones, core-hours."""

    jobs: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    core_h: float = 0.0


class CoreTime:
    """Core-seconds that each radiator has given to jobs on one local day."""

    def __init__(self, saved: object = None) -> None:
        """Go on from what `save` returned; from anything else, begin anew."""
        self._last: dict[str, tuple[float, float]] = {}
        self._day: date | None = None
        self._core_s: dict[str, float] = {}
        if isinstance(saved, Mapping):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                core_s = {key: _core_s(value) for key, value in saved["core_s"].items()}
                self._day, self._core_s = date.fromisoformat(saved["day"]), core_s

    def record(self, radiator_id: str, day: date, steady_s: float, cores: float | None) -> None:
        """Count the time since the last record (monotonic seconds); none across a gap."""
        if day != self._day:
            self._day = day
            self._core_s.clear()
        before = self._last.pop(radiator_id, None)
        if cores is None:
            return
        self._last[radiator_id] = (steady_s, cores)
        if before is not None and 0 < (passed_s := steady_s - before[0]) <= MAX_GAP_S:
            core_s = passed_s * (before[1] + cores) / 2
            self._core_s[radiator_id] = self._core_s.get(radiator_id, 0.0) + core_s

    def core_h(self, radiator_id: str, day: date) -> float:
        """Return a radiator's core-hours of `day`, 0 for any day but the one recorded last."""
        return self._core_s.get(radiator_id, 0.0) / 3600 if day == self._day else 0.0

    def save(self) -> dict[str, Any] | None:
        """Return all of it as JSON-able data."""
        if self._day is None:
            return None
        return {"day": self._day.isoformat(), "core_s": dict(self._core_s)}


def work_since(hours: Mapping[int, Totals], start_s: float, core_h: float) -> Today:
    """Return the work of the hours that begin at `start_s` (epoch seconds) or later.

    Where local midnight is not on a full hour of UTC, the day begins with the hour after it.
    """
    total = sum((hour for at_s, hour in hours.items() if at_s >= start_s), Totals())
    jobs = {kind: count for kind, count in sorted(total.jobs.items()) if count > 0}
    return Today(jobs=jobs, refused=max(total.refused, 0), core_h=core_h)


def all_work(days: list[Today]) -> Today:
    """Add up what several radiators did."""
    kinds = sorted({kind for today in days for kind in today.jobs})
    return Today(
        jobs={kind: sum(today.jobs.get(kind, 0) for today in days) for kind in kinds},
        refused=sum(today.refused for today in days),
        core_h=sum(today.core_h for today in days),
    )


def _core_s(value: Any) -> float:
    core_s = float(value)
    if not 0 <= core_s < MAX_CORE_S:
        raise ValueError("no day has so many core-seconds")
    return core_s
