"""The ledger of one home: an account for every radiator that it has or had."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ..compute.engine import Settlement, SettlementPage
from .account import Account, Reading
from .booking import MAX_ID, Booking
from .money import LedgerError, check_currency, check_text
from .stored import fields_of, object_of
from .stored_account import dump_changes, dump_volume, load_account
from .totals import Totals

VERSION: Final = 1
MOST_CHANGES: Final = 16
"""With more of them, writing an account whole costs less than writing them again and again."""


class Ledger:
    """Heat and money of one home, in one currency (ISO 4217).

    Pure: it holds no clock and writes no file. What is saved of an account belongs to one moment,
    so a process killed between two saves loses the heat since the last one and books nothing
    twice: the cursor, the ids booked and the sums are saved together, and an engine asked again
    after that cursor repeats what was not saved. Show only totals that are saved (see
    `docs/money.md`), and they never go backwards: heat is only ever added.

    `save` returns what is new since the volumes: to be written often. `volume` writes one account
    whole: to be done for those in `thick`, never while a save is being written.
    """

    def __init__(self, currency: str) -> None:
        self.currency = check_currency(currency)
        self._accounts: dict[str, Account] = {}

    @property
    def radiator_ids(self) -> tuple[str, ...]:
        """Every radiator with an account, also those removed since."""
        return tuple(self._accounts)

    def record(self, radiator_id: str, reading: Reading) -> None:
        """Count the heat of a radiator since its last reading.

        Raises LedgerError for absurd watts or a tariff in another currency.
        """
        tariff = reading.tariff
        if tariff is not None and tariff.currency != self.currency:
            raise LedgerError(f"the tariff is in {tariff.currency}, the ledger in {self.currency}")
        self._account(radiator_id).record(reading)

    def book(self, radiator_id: str, page: SettlementPage, now_s: float) -> Booking:
        """Book a page of a radiator's settlements at `now_s` (epoch seconds), each once.

        Raises LedgerError, with nothing booked, if the page as a whole cannot be.
        """
        return self._account(radiator_id).book(
            page, radiator_id=radiator_id, currency=self.currency, now_s=now_s
        )

    def cursor(self, radiator_id: str) -> str | None:
        """Return where to ask the engine for settlements next; None: from the first."""
        return self._known(radiator_id).cursor

    def totals(self, radiator_id: str) -> Totals:
        """Return what a radiator has made, cost and earned; all zero for an unknown one."""
        return self._known(radiator_id).shown()

    def hours(self, radiator_id: str) -> Mapping[int, Totals]:
        """Return what a radiator made and earned in each hour still open, by its start.

        Starts are epoch seconds. A late settlement counts in the hour of its heat, and a revoked
        one is taken out of it, so one hour of free heat, money or jobs may be below zero.
        """
        return dict(self._known(radiator_id).hours.open)

    def running_totals(self, radiator_id: str) -> tuple[tuple[int, Totals], ...]:
        """Return each open hour's start (epoch seconds) and the totals at its end, in order.

        What a late settlement changes in an old hour it changes in all that follow.
        """
        return tuple(self._known(radiator_id).hours.running())

    def closed_until_s(self, radiator_id: str) -> int:
        """Return the end of the newest hour that is closed (epoch seconds), 0 without one."""
        return self._known(radiator_id).hours.closed_until_s

    def settlements(self, radiator_id: str) -> tuple[Settlement, ...]:
        """Return the settlements booked last, as they stand, in no order."""
        return tuple(self._known(radiator_id).memory.settled.values())

    @property
    def thick(self) -> tuple[str, ...]:
        """The radiators whose accounts have changed so much that they want a new volume."""
        return tuple(
            radiator_id
            for radiator_id, account in self._accounts.items()
            if account.changes > MOST_CHANGES
        )

    @contextmanager
    def volume(self, radiator_id: str) -> Iterator[dict[str, Any]]:
        """Give an account whole as JSON data, to be written before the context ends well.

        If the context ends by an exception, the volume counts as not written. A save that names
        the account has to be on disk already.
        """
        account = self._accounts[radiator_id]
        hours, settled = account.hours.changed, account.memory.changed
        account.hours.changed, account.memory.changed = {}, {}
        account.volumes_tried += 1
        number = account.volumes_tried
        try:
            yield dump_volume(account)
        except BaseException:
            account.hours.changed = hours | account.hours.changed
            account.memory.changed = settled | account.memory.changed
            raise
        account.volume = number

    def save_account(self, radiator_id: str) -> dict[str, Any]:
        """Return what is new of one account since its volume, as JSON data for `document`."""
        return dump_changes(self._account(radiator_id))

    def document(self, accounts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the saved accounts as JSON data for `load`."""
        return {"version": VERSION, "currency": self.currency, "accounts": dict(accounts)}

    def save(self) -> dict[str, Any]:
        """Return what is new of all accounts since their volumes, as JSON data for `load`."""
        return self.document({key: self.save_account(key) for key in self._accounts})

    @classmethod
    def load(
        cls, data: object, currency: str, volumes: Mapping[str, object] | None = None
    ) -> Ledger:
        """Return the ledger that was saved in a currency; raises LedgerError for anything else.

        `volumes` are those written last, by radiator; an account may be in them alone.
        """
        fields = fields_of("ledger", data, {"version", "currency", "accounts"})
        if fields["version"] != VERSION:
            raise LedgerError(f"the ledger was saved by another version, not {VERSION}")
        ledger = cls(check_currency(fields["currency"]))
        if ledger.currency != currency:
            raise LedgerError(f"the ledger is in {ledger.currency}, not in {currency}")
        accounts, volumes = object_of("accounts", fields["accounts"]), volumes or {}
        for radiator_id in dict.fromkeys((*accounts, *volumes)):
            check_text("radiator id", radiator_id, MAX_ID)
            ledger._accounts[radiator_id] = load_account(
                accounts.get(radiator_id), volumes.get(radiator_id), radiator_id, ledger.currency
            )
        return ledger

    def _known(self, radiator_id: str) -> Account:
        """Return an account to read; an empty one, not kept, for an unknown radiator."""
        return self._accounts.get(radiator_id) or Account()

    def _account(self, radiator_id: str) -> Account:
        if radiator_id not in self._accounts:
            self._accounts[check_text("radiator id", radiator_id, MAX_ID)] = Account()
        return self._accounts[radiator_id]
