"""The ledger of one home: an account for every radiator that it has or had."""

from collections.abc import Mapping
from typing import Any, Final

from ..compute.engine import HeatKind, PowerSource, Settlement, SettlementPage
from .account import Account, Moment, Reading
from .booking import MAX_ID, Booking
from .money import LedgerError, Tariff, check_currency, check_text
from .stored import dump_account, fields_of, load_account, object_of
from .totals import Totals

VERSION: Final = 1


class Ledger:
    """Heat and money of one home, in one currency (ISO 4217).

    Pure: it holds no clock and writes no file. What `save` returns is complete at any moment, so
    a process killed between two saves loses the heat since the last one and books nothing twice:
    the cursor, the ids booked and the sums are saved together, and an engine asked again after
    that cursor repeats what was not saved. Show only totals that are saved (see `docs/money.md`),
    and they never go backwards: heat is only ever added.
    """

    def __init__(self, currency: str) -> None:
        self.currency = check_currency(currency)
        self._accounts: dict[str, Account] = {}

    @property
    def radiator_ids(self) -> tuple[str, ...]:
        """Every radiator with an account, also those removed since."""
        return tuple(self._accounts)

    def record(
        self,
        radiator_id: str,
        now: Moment,
        power_w: float | None,
        *,
        kind: HeatKind,
        source: PowerSource,
        tariff: Tariff | None,
    ) -> None:
        """Count the heat of a radiator since its last record, at the prices of `tariff`.

        `power_w` None means unknown, `tariff` None that no price is known: the heat counts, its
        costs do not. Raises LedgerError for absurd watts or a tariff in another currency.
        """
        if tariff is not None and tariff.currency != self.currency:
            raise LedgerError(f"the tariff is in {tariff.currency}, the ledger in {self.currency}")
        self._account(radiator_id).record(
            Reading(moment=now, power_w=power_w, kind=kind, source=source, tariff=tariff)
        )

    def book(self, radiator_id: str, page: SettlementPage, now_s: float) -> Booking:
        """Book a page of a radiator's settlements at `now_s` (epoch seconds), each once.

        Raises LedgerError, with nothing booked, if the page as a whole cannot be.
        """
        return self._account(radiator_id).book(
            page, radiator_id=radiator_id, currency=self.currency, now_s=now_s
        )

    def cursor(self, radiator_id: str) -> str | None:
        """Return where to ask the engine for settlements next; None: from the first."""
        account = self._accounts.get(radiator_id)
        return None if account is None else account.cursor

    def totals(self, radiator_id: str) -> Totals:
        """Return what a radiator has made, cost and earned; all zero for an unknown one."""
        account = self._accounts.get(radiator_id)
        return Totals() if account is None else account.shown()

    def total(self) -> Totals:
        """Return the sum over all radiators, also those removed since."""
        return sum((account.shown() for account in self._accounts.values()), Totals())

    def hours(self, radiator_id: str) -> Mapping[int, Totals]:
        """Return what a radiator made and earned in each hour still open, by its start.

        Starts are epoch seconds. A late settlement counts in the hour of its heat, and a revoked
        one is taken out of it, so one hour of free heat, money or jobs may be below zero.
        """
        account = self._accounts.get(radiator_id)
        return {} if account is None else dict(account.hours.open)

    def running_totals(self, radiator_id: str) -> tuple[tuple[int, Totals], ...]:
        """Return each open hour's start (epoch seconds) and the totals at its end, in order.

        What a late settlement changes in an old hour it changes in all that follow.
        """
        account = self._accounts.get(radiator_id)
        return () if account is None else tuple(account.hours.running())

    def closed_until_s(self, radiator_id: str) -> int:
        """Return the end of the newest hour that is closed (epoch seconds), 0 without one."""
        account = self._accounts.get(radiator_id)
        return 0 if account is None else account.hours.closed_until_s

    def settlements(self, radiator_id: str) -> tuple[Settlement, ...]:
        """Return the settlements booked last, as they stand, in no order."""
        account = self._accounts.get(radiator_id)
        return () if account is None else tuple(account.memory.settled.values())

    def save(self) -> dict[str, Any]:
        """Return all of the ledger as JSON data for `load`."""
        return {
            "version": VERSION,
            "currency": self.currency,
            "accounts": {
                radiator_id: dump_account(account)
                for radiator_id, account in self._accounts.items()
            },
        }

    @classmethod
    def load(cls, data: object) -> Ledger:
        """Return the ledger that was saved; raises LedgerError for anything else."""
        fields = fields_of("ledger", data, {"version", "currency", "accounts"})
        if fields["version"] != VERSION:
            raise LedgerError(f"the ledger was saved by another version, not {VERSION}")
        ledger = cls(check_currency(fields["currency"]))
        for radiator_id, account in object_of("accounts", fields["accounts"]).items():
            check_text("radiator id", radiator_id, MAX_ID)
            ledger._accounts[radiator_id] = load_account(account, radiator_id, ledger.currency)
        return ledger

    def _account(self, radiator_id: str) -> Account:
        if radiator_id not in self._accounts:
            self._accounts[check_text("radiator id", radiator_id, MAX_ID)] = Account()
        return self._accounts[radiator_id]
