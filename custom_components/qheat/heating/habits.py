"""What people and things give at every time of the day, learned slowly from the unknown heat."""

from collections.abc import Mapping
from typing import Final

from .guards import believable
from .model import USUAL_GAINS_W_PER_W_K

DAY_S: Final = 86400.0
SLOTS: Final = 48
SLOT_S: Final = DAY_S / SLOTS
SHARE_A_DAY: Final = 0.15
SUN_SHARE: Final = (0.25, 4.0)
CLEAR_W_PER_W_K: Final = 5.0
"""Sun that tells as much of its way into the room as of the habits."""
LEAST_W_PER_W_K, MOST_W_PER_W_K = -15.0, 50.0
WALL_AHEAD_S: Final = (-DAY_S, DAY_S)


class Habits:
    """Mean gains in W for every half-hour of the room's day."""

    def __init__(self, usual_loss_w_k: float, saved: Mapping[str, object]) -> None:
        self._least_w = LEAST_W_PER_W_K * usual_loss_w_k
        self._most_w = MOST_W_PER_W_K * usual_loss_w_k
        self._clear_w = CLEAR_W_PER_W_K * usual_loss_w_k
        self._sun = _kept(saved.get("habits_sun"), 1.0, *SUN_SHARE)
        self._wall_ahead_s = believable(saved.get("wall_ahead_s"), *WALL_AHEAD_S)
        """What the clock on the wall was ahead of the room's own when last told; None: never."""
        usual_w = USUAL_GAINS_W_PER_W_K * usual_loss_w_k
        self._w = _kept(saved.get("habits_w"), usual_w, self._least_w, self._most_w)

    def follow(self, wall_ahead_s: float) -> None:
        """Keep what people do to the hour on the wall when that is another one; the sun's stays."""
        known_s, self._wall_ahead_s = self._wall_ahead_s, wall_ahead_s
        if known_s is not None and (later_s := wall_ahead_s - known_s):
            slots = round(later_s / SLOT_S) % SLOTS
            self._w = self._w[slots:] + self._w[:slots]

    def at(self, time_s: float) -> float:
        """Return the gains to expect at a time, in W."""
        return self._w[_slot(time_s)]

    @property
    def mean_w(self) -> float:
        """Mean gains over the day, in W."""
        return sum(self._w) / SLOTS

    def sun_share(self, time_s: float) -> float:
        """Return how much more of the sun comes in at a time of the day than on average."""
        return self._sun[_slot(time_s)]

    def learn(self, time_s: float, step_s: float, unknown_w: float, sun_w: float) -> None:
        """Move a half-hour towards what was found in it beyond the habit and the sun."""
        slot = _slot(time_s)
        rate = SHARE_A_DAY * step_s * SLOTS / DAY_S
        most = sun_w * sun_w + self._clear_w * self._clear_w
        value = self._w[slot] + rate * unknown_w * self._clear_w * self._clear_w / most
        self._w[slot] = min(max(value, self._least_w), self._most_w)
        share = self._sun[slot] + rate * unknown_w * sun_w / most
        self._sun[slot] = min(max(share, SUN_SHARE[0]), SUN_SHARE[1])

    def save(self) -> dict[str, object]:
        """Return what was learned, as JSON-able values."""
        return {
            "habits_w": [round(value, 1) for value in self._w],
            "habits_sun": [round(value, 3) for value in self._sun],
            "wall_ahead_s": self._wall_ahead_s,
        }


def _kept(saved: object, usual: float, least: float, most: float) -> list[float]:
    """Return the saved value of every half-hour within bounds, the usual one for no number."""
    values = saved if isinstance(saved, list) and len(saved) == SLOTS else [usual] * SLOTS
    kept = (usual if (number := believable(value)) is None else number for value in values)
    return [min(max(value, least), most) for value in kept]


def _slot(time_s: float) -> int:
    return int(time_s // SLOT_S) % SLOTS
