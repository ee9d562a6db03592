"""Watchdogs: pure state machines that judge what a client does; time comes in, in seconds."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ..counter import Reading
from .replies import PAUSED, QUITTING, RESTING, RUNNING, RunMode, Switch, Task, TaskKey

SETTLE_S: Final = 8.0
"""A change acts within 1.3 s; the client's own figures may be some seconds old."""
PATIENT_FOR: Final = 4
"""Requests at the first interval before it doubles."""


@dataclass(slots=True, kw_only=True)
class WorkWatch:
    """Says when to ask projects for work: soon at first, ever more seldom while there is none."""

    first_s: float
    last_s: float
    _short_since_s: float | None = None
    _asked_s: float = float("-inf")
    _asked: int = 0

    def short_s(self, now_s: float) -> float:
        """Return for how long too few tasks have been running, in seconds."""
        return 0.0 if self._short_since_s is None else now_s - self._short_since_s

    def due(self, now_s: float, *, short: bool) -> bool:
        """Tell whether to ask now; `short`: fewer tasks run than are wanted."""
        if not short:
            self._short_since_s = None
            self._asked = 0
            return False
        if self._short_since_s is None:
            self._short_since_s = now_s
        if now_s - self._short_since_s < SETTLE_S:
            return False
        doublings = min(max(self._asked - PATIENT_FOR, 0), 30)
        if now_s - self._asked_s < min(self.first_s * 2**doublings, self.last_s):
            return False
        self._asked += 1
        self._asked_s = now_s
        return True


ENDED_EARLY_S: Final = 2.0
"""A client counts whole seconds: it may end a lease by one too early."""
LONGEST_LEASE_S: Final = 100.0
"""A temporary `always` that runs longer was not set by us: a budget lasts some 30 s, and a clock
that is set back adds a minute at most."""


class Step(StrEnum):
    """How far a client that heats on against its word is driven."""

    NONE = "none"
    ABORT = "abort"
    QUIT = "quit"


ABORT_AFTER_S: Final = 10.0
QUIT_AFTER_S: Final = 75.0
"""Behind an abort; the client itself kills a task 60 s after it."""
METER_AFTER_S: Final = 60.0
"""A power meter may be slow, and what it last showed from before the stop: wait longer."""
CALM_S: Final = 600.0
"""For so long an escalation is still told after its cause is gone."""
_CPU_SHARE: Final = 0.05
"""CPU seconds per second that a paused task never uses; on a busy machine a deaf one gets few."""
_DROP_SHARE: Final = 0.5
_SMALLEST_DROP_W: Final = 10.0


@dataclass(slots=True)
class ObedienceWatch:
    """Notices tasks that burn on though they are told to pause, and says what to do about it."""

    alarm: bool = False
    """An escalation is going on, or was lately."""
    _paused: dict[TaskKey, tuple[float, float, float]] = field(default_factory=dict)
    """Paused tasks: since when they are, when they were last seen, their CPU seconds then."""
    _ran_s: dict[TaskKey, float] = field(default_factory=dict)
    """CPU seconds of the tasks that ran at the last look."""
    _honest: set[TaskKey] = field(default_factory=set)
    """Tasks that hide nothing: their CPU time grew while they ran."""
    _mute: set[TaskKey] = field(default_factory=set)
    """Tasks whose CPU time did not grow at some time while they ran, or that ran on a GPU."""
    _burning_since_s: float | None = None
    _stopped_s: float | None = None
    _cool_w: float | None = None
    """What the meter must fall to after a stop; None where it did, or nobody knows."""
    _aborted_s: dict[TaskKey, float] = field(default_factory=dict)
    """When each task was aborted."""
    _ended: bool = False
    _seen_s: float = 0.0

    def burning(self, now_s: float, paused: Iterable[Task]) -> list[Task]:
        """Return the tasks that use CPU time although they should be paused."""
        before, self._paused = self._paused, {}
        guilty = []
        for task in paused:
            paused_s, seen_s, cpu_s = before.get(task.key, (now_s, now_s, task.cpu_time_s))
            self._paused[task.key] = paused_s, now_s, task.cpu_time_s
            used_s = task.cpu_time_s - cpu_s
            if now_s - paused_s > SETTLE_S and used_s > _CPU_SHARE * (now_s - seen_s):
                guilty.append(task)
        return guilty

    def look_away(self) -> None:
        """Forget which tasks are paused: somebody else may have them compute now."""
        self._paused = {}
        self._burning_since_s = self._stopped_s = None

    def suspects(self, tasks: Iterable[Task], paused: Iterable[Task]) -> list[Task]:
        """Note which of all `tasks` run; return the paused ones that may compute unseen.

        A GPU task uses little CPU time, and tells nothing by it. What was not seen to run has no
        part in what was drawn.
        """
        before, self._ran_s = self._ran_s, {}
        held = set()
        for task in tasks:
            held.add(task.key)
            if task.process == RUNNING:
                self._ran_s[task.key] = task.cpu_time_s
                if task.gpu:
                    self._mute.add(task.key)
                elif task.key in before:
                    grew = task.cpu_time_s > before[task.key]
                    (self._honest if grew else self._mute).add(task.key)
        self._honest &= held
        self._mute &= held
        self._aborted_s = {key: at_s for key, at_s in self._aborted_s.items() if key in held}
        return [task for task in paused if task.key in self._mute - self._honest]

    @property
    def doubtful(self) -> bool:
        """Tell whether the meter has not shown yet that the last stop was obeyed."""
        return self._stopped_s is not None and self._cool_w is not None

    def hot(
        self, now_s: float, *, stopped: bool, reading: Reading | None, idle_w: float, drop_w: float
    ) -> bool:
        """Tell whether the meter never showed the drop of about `drop_w` watts that a stop gives.

        Once it did, the tasks obey: what is drawn later, other programs draw. What was measured
        before the stop, or soon after it, tells nothing of it.
        """
        if not stopped:
            self._cool_w = self._stopped_s = None
            span_w = 0.0 if reading is None else min(drop_w, reading.power_w - idle_w)
            if reading is not None and span_w >= _SMALLEST_DROP_W:
                self._cool_w = reading.power_w - _DROP_SHARE * span_w
            return False
        if self._stopped_s is None:
            self._stopped_s = now_s
        if reading is None or self._cool_w is None:
            return False
        since_s = reading.at_s - self._stopped_s
        if since_s >= SETTLE_S and reading.power_w <= self._cool_w:
            self._cool_w = None
        return self._cool_w is not None and since_s >= METER_AFTER_S

    def judge(self, now_s: float, guilty: Collection[Task]) -> Step:
        """Return the step to take now: abort what burns, each task once, then end the client."""
        if not guilty:
            self._burning_since_s = None
            # If the client was started anew, what burns then is a matter of its own.
            self._ended = False
            if now_s - self._seen_s > CALM_S:
                self.alarm = False
                self._aborted_s.clear()
            return Step.NONE
        self._seen_s = now_s
        if self._burning_since_s is None:
            self._burning_since_s = now_s
        if self._ended or now_s - self._burning_since_s < ABORT_AFTER_S:
            return Step.NONE
        keys = {task.key for task in guilty}
        if not keys <= self._aborted_s.keys():
            self.alarm = True
            self._aborted_s = dict.fromkeys(keys, now_s) | self._aborted_s
            return Step.ABORT
        if now_s - min(self._aborted_s[key] for key in keys) < QUIT_AFTER_S:
            return Step.NONE
        self._ended = True
        self._aborted_s.clear()
        return Step.QUIT


def to_be_paused(tasks: Iterable[Task], *, stopped: bool, pulsed: bool) -> Iterable[Task]:
    """Return the tasks in memory that the client says it has paused.

    Those for a GPU are told to quit instead; the client itself kills one that does not in a minute.
    """
    return (
        task
        for task in tasks
        if task.process not in {0, QUITTING}
        and (stopped or (task.process == PAUSED and not pulsed))
    )


def is_cut_off(switch: Switch, lease_left_s: float) -> bool:
    """Tell whether a lease is gone that still has to run."""
    return switch == RESTING and lease_left_s > ENDED_EARLY_S


@dataclass(slots=True)
class HandWatch:
    """Notices that somebody sets the run mode by hand, and when he gives the radiator back."""

    by_hand: bool = False
    silenced: bool = False
    """Suspended for good by hand: looks like our own `never`, so no look alone can end it."""
    snoozed: bool = False

    def judge(self, switch: Switch, *, lease_left_s: float) -> bool:
        """Tell whether the mode is somebody else's.

        `lease_left_s` is what a lease given on this very connection still has to run.
        """
        resting = switch == RESTING
        leased = switch.mode is RunMode.ALWAYS and switch.left_s <= LONGEST_LEASE_S + SETTLE_S
        self.snoozed = switch.permanent is switch.mode is RunMode.NEVER and not resting
        if switch.permanent is not RunMode.NEVER or not (resting or leased):
            self.by_hand, self.silenced = True, False
        elif self.by_hand:
            self.by_hand = self.silenced or not resting
        elif is_cut_off(switch, lease_left_s):
            self.by_hand = self.silenced = True
        return self.by_hand

    def is_resumed(self, switch: Switch) -> bool:
        """Tell whether what was paused by hand goes on: BOINC takes a lease's mode for lasting."""
        lasting = switch.permanent is switch.mode is RunMode.ALWAYS and not switch.left_s
        return lasting and (self.silenced or self.snoozed)

    def take_back(self) -> None:
        """Forget what was set by hand."""
        self.by_hand = self.silenced = self.snoozed = False

    def saved(self) -> list[bool]:
        """Return what was set by hand, for JSON."""
        return [self.by_hand, self.silenced]

    def restore(self, saved: object) -> None:
        """Take up what `saved` returned; anything else changes nothing."""
        match saved:
            case [bool(by_hand), bool(silenced)]:
                self.by_hand, self.silenced = by_hand, silenced
