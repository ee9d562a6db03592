"""What can go wrong between us and a BOINC client, named once."""

from enum import StrEnum
from typing import Final

from ..engine import EngineProblem


class BoincFault(StrEnum):
    """Why a BOINC client could not be asked, or did not do what it was asked."""

    UNREACHABLE = "unreachable"
    NOT_ALLOWED = "not_allowed"  # remote_hosts.cfg does not name us: accepted, then closed at once
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    NOT_BOINC = "not_boinc"
    TOO_OLD = "too_old"
    BROKEN_REPLY = "broken_reply"
    COMMAND_REFUSED = "command_refused"
    OTHER_MACHINE = "other_machine"


class BoincError(Exception):
    """A BOINC client could not be asked, or refused; `fault` says why."""

    def __init__(self, fault: BoincFault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


PROBLEM: Final = {
    BoincFault.UNREACHABLE: EngineProblem.BACKEND_UNREACHABLE,
    BoincFault.NOT_ALLOWED: EngineProblem.BACKEND_REFUSED,
    BoincFault.WRONG_PASSWORD: EngineProblem.BACKEND_REFUSED,
}
"""Behind any other fault is a client that is not as it should be."""
