"""Who credits and who books: a simulated project, and a ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from custom_components.qheat.compute.boinc.client import address_of
from custom_components.qheat.compute.boinc.credit import Book, Tariff
from custom_components.qheat.compute.boinc.replies import Project
from custom_components.qheat.compute.engine import SettlementPage

URL = "https://science.example/"
PROJECT = Project(
    url=URL, name="Science", host_id=5, credit=Decimal(0), resource_share=100.0, paused=False
)
MACHINE = "a-machine"
TARIFF = Tariff(rates={address_of(URL): Decimal("0.25")}, currency="EUR")


class Ledger:
    """Books settlements as the real one does: once by id, and a refusal takes back."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.booked: dict[str, Decimal] = {}

    def ask(self, total: str | int, tariff: Tariff = TARIFF) -> SettlementPage:
        return self.ask_all([replace(PROJECT, credit=Decimal(total))], tariff)

    def ask_all(self, projects: Sequence[Project], tariff: Tariff = TARIFF) -> SettlementPage:
        book = Book(
            self.cursor, radiator_id="hall", machine=MACHINE, tariff=tariff, settled_at=1000.0
        )
        return book.page(projects, {})

    def book(self, page: SettlementPage) -> None:
        for settlement in page.settlements:
            if settlement.accepted:
                assert settlement.settlement_id not in self.booked
                self.booked[settlement.settlement_id] = settlement.earned
            else:
                del self.booked[settlement.settlement_id]
        self.cursor = page.cursor

    @property
    def earned(self) -> Decimal:
        return sum(self.booked.values(), Decimal(0))


@dataclass(slots=True)
class Science:
    """What a project tells of a machine, and of the account that it is in."""

    host_id: int = 1
    total: Decimal = Decimal(0)
    others: Decimal = Decimal(0)
    """What other machines of the account have, or other records of this one."""

    def number_anew(self) -> None:
        """Take the machine for a new one, as after an installation of BOINC."""
        self.host_id += 1
        self.total, self.others = Decimal(0), self.others + self.total

    def merge(self, credit: int) -> None:
        """Give the record in use what an older one of the account has."""
        self.others -= credit
        self.total += credit

    def reply(self) -> Project:
        """Return what a client tells after the project has answered it."""
        account = self.total + self.others
        return replace(PROJECT, host_id=self.host_id, credit=self.total, account=account)
