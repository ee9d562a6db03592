"""RAPL: the energy that an x86 processor says its own packages have used.

Linux shows it as files (powercap), to root only. It is the processor alone: not the memory, the
board or the power supply, so less than what the computer draws from the wall.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POWERCAP: Final = Path("/sys/class/powercap")
LONGEST_S: Final = 60.0
"""Between looks further apart, a counter may have wrapped around unseen."""
MOST_PACKAGE_W: Final = 2000.0
# Not intel-rapl:0:0, which is a part of a package, nor intel-rapl-mmio:0, a second look at it.
_ZONE: Final = re.compile(r"intel-rapl:[0-9]{1,3}")
_PACKAGE: Final = re.compile(r"package-[0-9]{1,3}(-die-[0-9]{1,3})?")
_COUNT: Final = re.compile(r"[0-9]{1,19}")
_MOST_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """A package's energy in microjoules; it wraps around to 0 behind `most_uj`."""

    energy_uj: int
    most_uj: int

    def power_w(self, before: _Counter, passed_s: float) -> float:
        """Return the mean watts since `before`; of a counter that was reset they are absurd."""
        used_uj = self.energy_uj - before.energy_uj
        if used_uj < 0:
            used_uj += before.most_uj + 1
        return used_uj / 1e6 / passed_s


class Rapl:
    """Turns the energy counters of all packages into watts; reads files, so not for a loop."""

    def __init__(self, root: Path = POWERCAP) -> None:
        self._root = root
        self._before_s = 0.0
        self._before: dict[str, _Counter] = {}

    @property
    def is_there(self) -> bool:
        """Whether the last look found counters to read."""
        return bool(self._before)

    def power_w(self, now_s: float) -> float | None:
        """Return the mean watts of all packages since the last call, at `now_s` (monotonic).

        None: it is not known, for there is no RAPL, not all of it may be read, it is the first
        look, or the last one was too long ago.
        """
        before_s, before = self._before_s, self._before
        now = self._counters()
        self._before_s, self._before = now_s, now
        passed_s = now_s - before_s
        if not now or now.keys() != before.keys() or not 0 < passed_s <= LONGEST_S:
            return None
        powers_w = [counter.power_w(before[zone], passed_s) for zone, counter in now.items()]
        is_possible = all(0 <= power_w <= MOST_PACKAGE_W for power_w in powers_w)
        return sum(powers_w) if is_possible else None

    def _counters(self) -> dict[str, _Counter]:
        """Return all packages' counters; none if one cannot be read: a part is not the whole."""
        try:
            zones = [zone for zone in self._root.iterdir() if _ZONE.fullmatch(zone.name)]
        except OSError:
            return {}
        packages = [zone for zone in zones if _PACKAGE.fullmatch(_text(zone / "name"))]
        counters = {zone.name: _counter(zone) for zone in packages}
        known = {zone: counter for zone, counter in counters.items() if counter is not None}
        return known if len(known) == len(counters) else {}


def _counter(zone: Path) -> _Counter | None:
    energy, most = _text(zone / "energy_uj"), _text(zone / "max_energy_range_uj")
    if not _COUNT.fullmatch(energy) or not _COUNT.fullmatch(most):
        return None
    counter = _Counter(energy_uj=int(energy), most_uj=int(most))
    return counter if counter.energy_uj <= counter.most_uj else None


def _text(path: Path) -> str:
    """Return a short file's text, without waiting for one; "" for what is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _MOST_BYTES).decode("ascii").strip()
    except OSError, UnicodeDecodeError:
        return ""
    finally:
        os.close(descriptor)
