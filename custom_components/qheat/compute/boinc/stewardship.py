"""What is known of a client however often its connection is made anew."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from ..engine import HeatBudget
from .credit import MAX_TOTALS
from .options import BoincOptions
from .originals import Originals
from .plan import UNKNOWN, AtHand
from .replies import MAX_CORES, RESTING, ClientStatus
from .watchdogs import HandWatch, ObedienceWatch, WorkWatch
from .watts import WattsTable

PAY_ASK_S: Final = 10.0
"""Who pays for work is asked so often while there is none: heat is to be back within 30 s."""
_FIRST_ASK_S: Final = 15.0
_LAST_ASK_S: Final = 300.0
"""The longest pause between two requests while there is none, and behind a backup project."""


@dataclass(slots=True, kw_only=True)
class Stewardship:
    """What outlasts a connection: settings put away, the budget, what the watchdogs remember."""

    table: WattsTable
    options: BoincOptions
    originals: Originals | None = None
    taken: bool = False
    """Whether the client was set to compute nothing; before that its settings are its own."""
    budget: HeatBudget | None = None
    changed_s: float = float("-inf")
    """When the client was last told something else: changes are kept apart over restarts, too."""
    lease_until_s: float = float("-inf")
    """Until when it was told, by the connection of now, that it may compute."""
    duty: float = 1.0
    """The duty cycle that it was last told: that holds also for who computes by hand."""
    at_hand: AtHand = UNKNOWN
    """What the tasks seen last can make use of: a lost connection is no reason to stop a GPU."""
    work_lost_s: float = 0.0
    first_seen: dict[str, Decimal] = field(default_factory=dict)
    """Credit totals when they were first seen, by `credit.key_of`."""
    hand: HandWatch = field(default_factory=HandWatch)
    gpu_hand: HandWatch = field(default_factory=HandWatch)
    insist: bool = False
    """The radiator is still to be taken back from whoever set its mode by hand."""
    obedience: ObedienceWatch = field(default_factory=ObedienceWatch)
    rates: Mapping[str, Decimal] = field(init=False)
    """Money per credit, by `address_of` the projects."""
    work: WorkWatch = field(
        default_factory=lambda: WorkWatch(first_s=_FIRST_ASK_S, last_s=_LAST_ASK_S)
    )
    """When all projects are asked for work, while there is too little."""
    paying: WorkWatch = field(
        default_factory=lambda: WorkWatch(first_s=PAY_ASK_S, last_s=PAY_ASK_S)
    )
    """When those that pay are, besides."""
    main_work: WorkWatch = field(
        default_factory=lambda: WorkWatch(first_s=_LAST_ASK_S, last_s=_LAST_ASK_S)
    )
    """When the main projects are, while only backup projects compute."""

    def see_first(self, key: str, credit: Decimal) -> None:
        """Remember a credit total that was not seen before, unless there are too many."""
        if len(self.first_seen) < MAX_TOTALS:
            self.first_seen.setdefault(key, credit)

    def count_cores(self, cores: int) -> None:
        """Take all the cores that the machine has now for what gives its full watts.

        What a meter has taught of another number of them is void.
        """
        if cores != self.table.model.slots:
            self.table = WattsTable(replace(self.table.model, slots=cores))

    def notice_resume(self, status: ClientStatus) -> bool:
        """Tell whether who paused the client by hand lets it go on: it is to be taken back."""
        resumed = False
        if self.hand.is_resumed(status.cpu):
            self.hand.take_back()
            resumed = True
        # Cores that compute by hand are left alone: to rest would stop them, too.
        is_ours = not self.hand.by_hand or status.cpu == RESTING
        if is_ours and self.gpu_hand.is_resumed(status.gpu):
            self.gpu_hand.take_back()
            resumed = True
        return resumed

    @property
    def by_hand(self) -> bool:
        """Tell whether somebody else has set a run mode."""
        return self.hand.by_hand or self.gpu_hand.by_hand

    def __post_init__(self) -> None:
        """Work out who pays."""
        self.rates = self.options.known_rates()

    def saved(self, *, clock_s: float, wall_s: float) -> dict[str, object]:
        """Return what `restore` takes, for JSON; now is `clock_s`, and `wall_s` since the epoch."""
        known = math.isfinite(self.changed_s)
        return {
            "originals": None if self.originals is None else self.originals.saved(),
            "taken": self.taken,
            "watts": {
                "meter": self.options.meter,
                "cores": self.table.model.slots,
                "seen": self.table.saved(),
            },
            "duty": self.duty,
            "changed_s": round(wall_s - clock_s + self.changed_s, 3) if known else None,
            "by_hand": {"cpu": self.hand.saved(), "gpu": self.gpu_hand.saved()},
        }

    def restore(self, saved: Mapping[str, object], *, clock_s: float, wall_s: float) -> None:
        """Take up what `saved` returned; what makes no sense is left out."""
        match saved.get("watts"):
            case {"meter": meter, "cores": int(cores), "seen": seen} if 1 <= cores <= MAX_CORES:
                self.count_cores(cores)
                if meter == self.options.meter:
                    self.table.restore(seen)
        self.originals = Originals.from_saved(saved.get("originals"))
        self.taken = self.originals is not None and saved.get("taken") is True
        match saved.get("duty"):
            case float() as duty if 0 < duty <= 1:
                self.duty = duty
        match saved.get("changed_s"):
            case int() | float() as changed_s if math.isfinite(changed_s):
                self.changed_s = min(changed_s - wall_s, 0.0) + clock_s
        match saved.get("by_hand"):
            case {"cpu": cpu, "gpu": gpu}:
                self.hand.restore(cpu)
                self.gpu_hand.restore(gpu)
