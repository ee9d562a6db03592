"""What radiators did today: jobs and core-hours, by kind of job."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from .compute.engine import HeatKind
from .ledger import MAX_GAP_S, MAX_JOB_KINDS, OTHER_JOBS, Totals, is_job_kind

WORK: Final = (HeatKind.PAID, HeatKind.FILLER)
"""Kinds of heat that are a by-product of jobs."""

MAX_CORE_S: Final = 1e9

type ByKind = Mapping[str, float]


def in_tenths(core_h: float) -> float:
    """Round to what people want to know: what is finer would be a new state with each save."""
    return round(core_h, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The work of one local day: accepted jobs and core-hours by kind of job, refused jobs."""

    jobs: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    core_h: ByKind = field(default_factory=dict)

    def kinds(self) -> dict[str, dict[str, float]]:
        """Return jobs and core-hours of each kind, for people."""
        return {
            kind: {
                "jobs": self.jobs.get(kind, 0),
                "core_hours": in_tenths(self.core_h.get(kind, 0.0)),
            }
            for kind in sorted({*self.jobs, *self.core_h})
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Cores at work at a moment of the monotonic clock, and how kinds of job share them."""

    steady_s: float
    cores: float
    shares: ByKind


class CoreTime:
    """Core-seconds that each radiator has given to each kind of job on one local day."""

    def __init__(self, saved: object = None) -> None:
        """Go on from what `save` returned; from anything else, begin anew."""
        self._last: dict[str, _Reading] = {}
        self._day: date | None = None
        self._core_s: dict[str, dict[str, float]] = {}
        if isinstance(saved, Mapping):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                core_s = {
                    key: {_kind(kind): _core_s(value) for kind, value in kinds.items()}
                    for key, kinds in saved["core_s"].items()
                }
                self._day, self._core_s = date.fromisoformat(saved["day"]), core_s

    def record(
        self, radiator_id: str, day: date, steady_s: float, cores: float | None, by_kind: ByKind
    ) -> None:
        """Count the time since the last record (monotonic seconds); none across a gap.

        `cores` at work (None: unknown) are shared as `by_kind` says. Where that is empty, as when
        the last job has just ended, they are of the kinds that were at work last.
        """
        if day != self._day:
            self._day = day
            self._core_s.clear()
        before = self._last.pop(radiator_id, None)
        if cores is None:
            return
        shares = _shares(by_kind) or (before.shares if before else {}) or {OTHER_JOBS: 1.0}
        now = self._last[radiator_id] = _Reading(steady_s=steady_s, cores=cores, shares=shares)
        if before is not None and 0 < (passed_s := steady_s - before.steady_s) <= MAX_GAP_S:
            for reading in (before, now):
                self._add(radiator_id, reading, passed_s / 2)

    def core_h(self, radiator_id: str, day: date) -> dict[str, float]:
        """Return core-hours of `day` by kind of job, none for any day but the one recorded last."""
        core_s = self._core_s.get(radiator_id, {}) if day == self._day else {}
        return {kind: kind_s / 3600 for kind, kind_s in core_s.items()}

    def save(self) -> dict[str, Any] | None:
        """Return all of it as JSON-able data."""
        if self._day is None:
            return None
        core_s = {radiator_id: dict(kinds) for radiator_id, kinds in self._core_s.items()}
        return {"day": self._day.isoformat(), "core_s": core_s}

    def _add(self, radiator_id: str, reading: _Reading, passed_s: float) -> None:
        core_s = self._core_s.setdefault(radiator_id, {})
        for kind, share in reading.shares.items():
            is_one_too_many = kind not in core_s and len(core_s) >= MAX_JOB_KINDS
            counted = OTHER_JOBS if is_one_too_many else kind
            if passed := passed_s * reading.cores * share:
                core_s[counted] = core_s.get(counted, 0.0) + passed


def work_since(hours: Mapping[int, Totals], start_s: float, core_h: ByKind) -> Today:
    """Return the work of the hours that begin at `start_s` (epoch seconds) or later.

    Where local midnight is not on a full hour of UTC, the day begins with the hour after it.
    """
    total = sum((hour for at_s, hour in hours.items() if at_s >= start_s), Totals())
    jobs = {kind: count for kind, count in sorted(total.jobs.items()) if count > 0}
    return Today(jobs=jobs, refused=max(total.refused, 0), core_h=core_h)


def all_work(days: list[Today]) -> Today:
    """Add up what several radiators did."""
    return Today(
        jobs=_added([today.jobs for today in days]),
        refused=sum(today.refused for today in days),
        core_h=_added([today.core_h for today in days]),
    )


def _added[V: (int, float)](parts: list[Mapping[str, V]]) -> dict[str, V]:
    added: dict[str, V] = {}
    for part in parts:
        for kind, value in part.items():
            added[kind] = added[kind] + value if kind in added else value
    return added


def _shares(by_kind: ByKind) -> dict[str, float]:
    """Return what part of the whole each kind is, in kinds that may be shown and kept."""
    wanted = {kind: cores for kind, cores in by_kind.items() if 0 < cores < math.inf}
    whole = sum(wanted.values())
    shares: dict[str, float] = {}
    for kind, cores in wanted.items():
        known = kind if is_job_kind(kind) else OTHER_JOBS
        shares[known] = shares.get(known, 0.0) + cores / whole
    return shares


def _kind(value: Any) -> str:
    if not is_job_kind(value):
        raise ValueError("that is no kind of job")
    return str(value)


def _core_s(value: Any) -> float:
    core_s = float(value)
    if not 0 <= core_s < MAX_CORE_S:
        raise ValueError("no day has so many core-seconds")
    return core_s
