"""How a machine's slots are shared, and who runs when: arithmetic only, time is an argument.

An owner with a share of 1.5 slots has two seats, one busy all the time and one half of it. A seat
earns CPU time at its duty and spends what its worker is measured to have used, so that the mean
converges on the duty whatever the machine does in between.
"""

from collections import deque
from collections.abc import Mapping
from math import ceil, inf

type Seat = tuple[str, int]
"""An owner, and which of its seats."""

_MAX_CREDIT_S = 0.2
_MAX_DEBT_S = 2.0
_GUARD_WINDOW_S = 2.0


def fair_shares(wants: Mapping[str, float], capacity: float) -> dict[str, float]:
    """Split `capacity` slots: nobody gets more than it wants, nor less than an equal part of it."""
    shares = {}
    left = max(capacity, 0.0)
    for count, owner in enumerate(sorted(wants, key=lambda name: wants[name])):
        shares[owner] = min(wants[owner], left / (len(wants) - count))
        left -= shares[owner]
    return shares


def guarded_shares(
    wants: Mapping[str, float], urgent: frozenset[str], slots: float, free_cores: float
) -> dict[str, float]:
    """Split `slots` fairly, but only `urgent` owners take cores that other programs need."""
    fair = fair_shares(wants, slots)
    pressing = {owner: share for owner, share in fair.items() if owner in urgent}
    left = min(slots, free_cores) - sum(pressing.values())
    others = {owner: want for owner, want in wants.items() if owner not in urgent}
    return pressing | fair_shares(others, left)


class Guard:
    """Watches how many cores other programs keep busy, averaged over about two seconds."""

    def __init__(self, cores: int) -> None:
        self._cores = float(cores)
        self._samples: deque[tuple[float, float]] = deque()

    def observe(self, now_s: float, busy_s: float, own_s: float) -> None:
        """Take in the CPU seconds that all programs, and our own, have used since they began."""
        self._samples.append((now_s, busy_s - own_s))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - _GUARD_WINDOW_S:
            self._samples.popleft()

    @property
    def free_cores(self) -> float:
        """Cores that others leave us; all of them as long as nothing is known."""
        if len(self._samples) < 2:
            return self._cores
        (since_s, before_s), (now_s, others_s) = self._samples[0], self._samples[-1]
        if now_s <= since_s:
            return self._cores
        others = (others_s - before_s) / (now_s - since_s)
        return min(max(self._cores - others, 0.0), self._cores)


class Duty:
    """Decides which seats run until the next look, never more than `slots` at once."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._credit_s: dict[Seat, float] = {}
        self._chosen_s: dict[Seat, float] = {}
        self._last_s: float | None = None

    def spend(self, seat: Seat, cpu_s: float) -> None:
        """Book CPU time that the worker on `seat` used."""
        self._credit_s[seat] = max(self._credit_s.get(seat, 0.0) - cpu_s, -_MAX_DEBT_S)

    def choose(self, now_s: float, shares: Mapping[str, float]) -> set[Seat]:
        """Return the seats that run from `now_s` on."""
        passed_s = 0.0 if self._last_s is None else max(now_s - self._last_s, 0.0)
        self._last_s = now_s
        ready = []
        for owner, share in shares.items():
            for index in range(ceil(share)):
                seat = (owner, index)
                duty = min(share - index, 1.0)
                credit_s = self._credit_s.get(seat, 0.0) + duty * passed_s
                self._credit_s[seat] = credit_s = min(credit_s, _MAX_CREDIT_S)
                # One worker cannot take more than all of a seat: it need not wait for credit.
                if credit_s >= 0.0 or duty == 1.0:
                    ready.append(seat)
        # On a starved machine all credits end up equal: then they take turns.
        ready.sort(key=lambda seat: (-self._credit_s[seat], self._chosen_s.get(seat, -inf)))
        chosen = ready[: self._slots]
        self._chosen_s.update(dict.fromkeys(chosen, now_s))
        return set(chosen)

    def forget(self, owner: str) -> None:
        """Drop what is known of an owner that has gone."""
        for seat in [seat for seat in self._credit_s if seat[0] == owner]:
            del self._credit_s[seat]
            self._chosen_s.pop(seat, None)
