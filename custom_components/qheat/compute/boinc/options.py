"""How a BOINC radiator is to be run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from .client import address_of, project_url

LOOK_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BoincOptions:
    """What the user or the operator chooses for one radiator."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Money per credit, by project URL; 0, or not named: the project pays nothing."""
    currency: str = "EUR"
    gpu_w: float = 0.0
    """What the GPU adds when it computes, in watts; 0 where there is none."""
    meter: str | None = None
    """What tells the radiator's power meter from others: what one has taught goes with it."""
    look_every_s: float = LOOK_EVERY_S
    """Seconds between two looks at the client."""

    def known_rates(self) -> dict[str, Decimal]:
        """Return the rates by `address_of` their projects; raises BoincError for a bad URL.

        A client that was attached years ago still knows its project by http. To a newer one
        www. before an address makes no other project of it.
        """
        typed = {address_of(project_url(url)): rate for url, rate in self.rates.items()}
        bare = {address.removeprefix("www."): rate for address, rate in typed.items()}
        return bare | {f"www.{address}": rate for address, rate in bare.items()} | typed
