"""Which faults there are, and in which order they come: by chance, but the same for a seed."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from .proxy import Phase

HOME_CALLS = ("pull", "module", "input", "renew", "deliver", "return", "settlements")
SUBMITTER_CALLS = ("upload", "sign", "submit")


class Kind(StrEnum):
    """What is done to whom."""

    CUT = "connection cut"
    KILL_HOME = "home killed"
    KILL_HASS = "Home Assistant killed"
    KILL_RUNNER = "runner killed"
    KILL_WORKER = "worker killed"
    KILL_BACKEND = "backend killed"
    AWAY = "backend away"
    FILL_HOME = "home's disk full"
    FILL_BACKEND = "backend's disk full"
    TURN_HOME = "home's clock turned"
    TURN_BACKEND = "backend's clock turned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: at a step of a lease's life, or (no call) at an instant of chance."""

    kind: Kind
    call: str | None = None
    phase: Phase | None = None
    clock_s: int = 0

    def __str__(self) -> str:
        turned = f" by {self.clock_s} s" if self.clock_s else ""
        step = f" at {self.call}, {self.phase}" if self.call else ""
        return f"{self.kind}{turned}{step}"


AT_STEPS = (Kind.CUT, Kind.KILL_HOME, Kind.KILL_RUNNER, Kind.KILL_BACKEND)
AT_ANY_INSTANT = (Kind.KILL_HOME, Kind.KILL_RUNNER, Kind.KILL_WORKER, Kind.KILL_BACKEND)
HOUR_S, DAY_S, YEAR_S = 3600, 86_400, 31_536_000
TURNS_S = (30, -30, HOUR_S, -HOUR_S, DAY_S, -DAY_S, YEAR_S, -YEAR_S)


def long_plan(chance: Random) -> list[Fault]:
    """Return every fault at every step, and as many again at instants of chance."""
    faults = [
        Fault(kind=kind, call=call, phase=phase)
        for call in HOME_CALLS
        for phase in Phase
        for kind in AT_STEPS
    ]
    faults += [
        Fault(kind=kind, call=call, phase=phase)
        for call in SUBMITTER_CALLS
        for phase in Phase
        for kind in (Kind.CUT, Kind.KILL_BACKEND)
    ]
    faults += [Fault(kind=kind) for kind in AT_ANY_INSTANT for _ in range(20)]
    faults += [Fault(kind=Kind.AWAY) for _ in range(8)]
    faults += [Fault(kind=kind) for kind in (Kind.FILL_HOME, Kind.FILL_BACKEND) for _ in range(10)]
    faults += [
        Fault(kind=kind, clock_s=clock_s)
        for kind in (Kind.TURN_HOME, Kind.TURN_BACKEND)
        for clock_s in 2 * TURNS_S
    ]
    chance.shuffle(faults)
    return faults


def hass_plan(chance: Random, kills: int) -> list[Fault]:
    """Return kills of a whole Home Assistant: three at steps for each at an instant of chance."""
    steps = [
        Fault(kind=Kind.KILL_HASS, call=call, phase=phase) for call in HOME_CALLS for phase in Phase
    ]
    chosen = chance.sample(steps, min(kills * 3 // 4, len(steps)))
    faults = chosen + [Fault(kind=Kind.KILL_HASS)] * (kills - len(chosen))
    chance.shuffle(faults)
    return faults


def short_plan(chance: Random) -> list[Fault]:
    """Return a few faults of each kind, other ones for another seed."""
    faults = long_plan(chance)
    few = {Kind.CUT: 4, Kind.KILL_HOME: 4, Kind.KILL_BACKEND: 4, Kind.KILL_RUNNER: 2}
    return [
        fault
        for kind in Kind
        for fault in [one for one in faults if one.kind is kind][: few.get(kind, 1)]
    ]
