"""An account is written in two parts; killed between them, a process finds it as it was last."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.qheat.ledger import Ledger, LedgerError
from custom_components.qheat.ledger.home import MOST_CHANGES

from .ledger_data import OFFICE, heat, hour, page, settlement


class Disk:
    """What two files hold: what has changed, and the volume."""

    def __init__(self) -> None:
        self.changes = written(Ledger("EUR").save())
        self.volumes: dict[str, Any] = {}

    def load(self) -> Ledger:
        return Ledger.load(self.changes, "EUR", self.volumes)


class WriteFailedError(Exception):
    """The disk said no."""


def written(data: Any) -> Any:
    return json.loads(json.dumps(data))


def facts(ledger: Ledger) -> tuple[Any, ...]:
    told = {one.settlement_id: one for one in ledger.settlements(OFFICE)}
    return (
        ledger.totals(OFFICE),
        dict(ledger.hours(OFFICE)),
        told,
        ledger.cursor(OFFICE),
        ledger.closed_until_s(OFFICE),
    )


def write_volume(ledger: Ledger, disk: Disk, *, arrives: bool = True, fails: bool = False) -> None:
    with suppress(WriteFailedError), ledger.volume(OFFICE) as volume:
        if arrives:
            disk.volumes[OFFICE] = written(volume)
        if fails:
            raise WriteFailedError


ACTIONS = ["heat", "settle", "revoke", "save", "volume", "volume lost", "volume unsure", "kill"]


@settings(deadline=None, max_examples=150)
@given(
    actions=st.lists(st.sampled_from(ACTIONS), min_size=5, max_size=60), hours=st.integers(1, 300)
)
def test_killed_at_any_moment_it_comes_back_as_it_was_written_last(
    actions: list[str], hours: int
) -> None:
    ledger, disk = Ledger("EUR"), Disk()
    heat(ledger, hour(0) + 100, 1000)
    disk.changes = written(ledger.save())
    known, now_h = facts(ledger), 0
    for number, action in enumerate(actions):
        now_h += hours if action == "heat" else 0
        match action:
            case "heat":
                heat(ledger, hour(now_h) + 100, 360_000.5)
            case "settle" | "revoke":
                accepted = action == "settle"
                told = settlement(
                    f"s{number // 2}", accepted=accepted, settled_at=float(hour(now_h) + number)
                )
                ledger.book(OFFICE, page(told, cursor=str(number)), hour(now_h) + 100)
            case "save":
                disk.changes = written(ledger.save())
                known = facts(ledger)
            case "volume":
                write_volume(ledger, disk)
                known = facts(ledger)
            case "volume lost":
                write_volume(ledger, disk, arrives=False, fails=True)
            case "volume unsure":
                write_volume(ledger, disk, fails=True)
                known = facts(ledger)
            case "kill":
                ledger = disk.load()
                assert facts(ledger) == known


def test_what_is_written_often_stays_small_in_a_long_winter() -> None:
    ledger, disk = Ledger("EUR"), Disk()
    largest = 0
    for number in range(600):
        heat(ledger, hour(number) + 100, 360_000)
        told = settlement(f"s{number}", settled_at=float(hour(number)))
        ledger.book(OFFICE, page(told, cursor=str(number)), hour(number) + 100)
        if ledger.thick:
            write_volume(ledger, disk)
        disk.changes = written(ledger.save())
        account = disk.changes["accounts"][OFFICE]
        largest = max(largest, len(account["hours"]) + len(account["settled"]))
        if number % 25 == 0:
            assert facts(disk.load()) == facts(ledger)
    assert largest <= MOST_CHANGES + 4  # an hour of heat, one closed, a job, one forgotten


def two_parts() -> Disk:
    ledger, disk = Ledger("EUR"), Disk()
    heat(ledger, hour(1), 1000)
    disk.changes = written(ledger.save())
    write_volume(ledger, disk)
    heat(ledger, hour(2), 1000)
    disk.changes = written(ledger.save())
    return disk


def test_changes_without_their_volume_are_refused() -> None:
    with pytest.raises(LedgerError, match="volume 1 is missing"):
        Ledger.load(two_parts().changes, "EUR")


def test_changes_on_an_older_volume_than_theirs_are_refused() -> None:
    disk = two_parts()
    older = copy.deepcopy(disk.volumes)
    ledger = disk.load()
    write_volume(ledger, disk)
    disk.changes = written(ledger.save())
    with pytest.raises(LedgerError, match="volume 2 is missing, there is 1"):
        Ledger.load(disk.changes, "EUR", older)


@pytest.mark.parametrize("volume", [[], "x", 7, {}, {"volume": 1}])
def test_what_is_no_volume_is_refused(volume: Any) -> None:
    with pytest.raises(LedgerError):
        Ledger.load(two_parts().changes, "EUR", {OFFICE: volume})
