"""What is known of a client however often its connection is made anew."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ..engine import HeatBudget
from .options import BoincOptions
from .originals import Originals
from .plan import UNKNOWN, AtHand
from .watchdogs import HandWatch, ObedienceWatch, WorkWatch
from .watts import WattsTable

_FIRST_ASK_S: Final = 15.0
_FIRST_ASK_BEHIND_FILLER_S: Final = 300.0


@dataclass(slots=True, kw_only=True)
class Stewardship:
    """What outlasts a connection: settings put away, the budget, what the watchdogs remember."""

    table: WattsTable
    options: BoincOptions
    originals: Originals | None
    taken: bool
    """Whether the client was set to compute nothing; before that its settings are its own."""
    budget: HeatBudget | None = None
    changed_s: float = float("-inf")
    at_hand: AtHand = UNKNOWN
    """What the tasks seen last can make use of: a lost connection is no reason to stop a GPU."""
    work_lost_s: float = 0.0
    first_seen: dict[str, Decimal] = field(default_factory=dict)
    """Credit totals when they were first seen, by `credit.key_of`."""
    hand: HandWatch = field(default_factory=HandWatch)
    gpu_hand: HandWatch = field(default_factory=HandWatch)
    obedience: ObedienceWatch = field(default_factory=ObedienceWatch)
    work: WorkWatch = field(init=False)
    paid_work: WorkWatch = field(init=False)

    @property
    def by_hand(self) -> bool:
        """Tell whether somebody else has set a run mode."""
        return self.hand.by_hand or self.gpu_hand.by_hand

    def __post_init__(self) -> None:
        """Set the pace at which projects are asked for work."""
        last_s = self.options.scarce_s
        self.work = WorkWatch(first_s=_FIRST_ASK_S, last_s=last_s)
        self.paid_work = WorkWatch(
            first_s=_FIRST_ASK_BEHIND_FILLER_S, last_s=max(last_s, _FIRST_ASK_BEHIND_FILLER_S)
        )
