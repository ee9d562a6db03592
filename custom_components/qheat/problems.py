"""Repair issues: what a person has to see to at a radiator or its backend."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .compute.engine import EngineProblem
from .const import DOMAIN, LOGGER
from .coordinator import HomeCoordinator
from .heating import RatingDoubt
from .radiator import RadiatorState
from .told import async_put_off, async_tell, async_withdraw

UNREACHABLE_AFTER_S: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """How a problem is told."""

    key: str
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING
    fixable: bool = False
    after_s: float = 0.0
    """For so long the problem may last before it is told."""


RATING_ISSUES: Final = {
    RatingDoubt.WEAKER: Issue(key="weaker_than_rated"),
    RatingDoubt.STRONGER: Issue(key="stronger_than_rated"),
}
"""Of all radiators with a power meter."""

BOINC_ISSUES: Final = RATING_ISSUES | {
    EngineProblem.BUDGET_IGNORED: Issue(key="budget_ignored", severity=ir.IssueSeverity.CRITICAL),
    EngineProblem.CHANGED_BY_HAND: Issue(key="changed_by_hand", fixable=True),
    EngineProblem.BACKEND_REFUSED: Issue(key="boinc_refuses", severity=ir.IssueSeverity.ERROR),
    EngineProblem.BACKEND_UNREACHABLE: Issue(key="boinc_unreachable", after_s=UNREACHABLE_AFTER_S),
    EngineProblem.BACKEND_FAULTY: Issue(key="boinc_faulty", after_s=UNREACHABLE_AFTER_S),
    EngineProblem.ENGINE_FAILED: Issue(key="boinc_failed", severity=ir.IssueSeverity.ERROR),
    EngineProblem.PROJECT_REFUSES: Issue(key="project_refuses"),
}
"""Of BOINC machines."""

PULL_ISSUES: Final = RATING_ISSUES | {
    EngineProblem.BACKEND_VERSION: Issue(key="backend_version", severity=ir.IssueSeverity.ERROR),
    EngineProblem.PUBLISHER_NOT_ACCEPTED: Issue(key="publisher_not_accepted"),
}
"""Of radiators that pull their jobs."""


def watch_problems(hass: HomeAssistant, coordinator: HomeCoordinator) -> Callable[[], None]:
    """Raise and withdraw issues after each tick; return what ends that and withdraws all."""
    since_s: dict[tuple[str, EngineProblem | RatingDoubt], float] = {}
    watched = {
        radiator_id: BOINC_ISSUES if radiator_id in coordinator.boinc else PULL_ISSUES
        for radiator_id in coordinator.radiators
    }

    issues_now = ir.async_get(hass)
    away: dict[str, bool] = {}
    """Whether a machine, or a radiator's backend, is gone that has answered before."""

    def may_refuse(radiator_id: str) -> bool:
        """Tell whether a project may still refuse a machine, as far as is known."""
        details = coordinator.boinc.details(radiator_id)
        return details is None or any(project.refuses for project in details.projects)

    def tell(radiator_id: str, state: RadiatorState) -> None:
        """Log once who does not answer any more, and once who does again."""
        gone = state.engine.problem is EngineProblem.BACKEND_UNREACHABLE
        # A backend that is asked for nothing is not known to answer.
        answers = not gone and (radiator_id in coordinator.boinc or state.engine.jobs_running > 0)
        # One that was just removed is in the home's settings no more.
        name = coordinator.radiators[radiator_id].name
        if gone and away.get(radiator_id) is False:
            LOGGER.info("The machine or backend of %s does not answer", name)
            away[radiator_id] = True
        elif answers:
            if away.get(radiator_id):
                LOGGER.info("The machine or backend of %s answers again", name)
            away[radiator_id] = False

    @callback
    def look() -> None:
        now_s = monotonic()
        for radiator_id, issues in watched.items():
            state = coordinator.data.radiators.get(radiator_id)
            problems = state.problems if state else ()
            if state is not None:
                tell(radiator_id, state)
            for kind, issue in issues.items():
                if kind not in problems:
                    if (radiator_id, kind) not in since_s:
                        continue
                    # It is not gone because no heat is wanted: what was ignored is to stay so.
                    if kind is EngineProblem.PROJECT_REFUSES and may_refuse(radiator_id):
                        continue
                    del since_s[radiator_id, kind]
                    async_withdraw(hass, f"{issue.key}_{radiator_id}")
                    continue
                # There is a look at each settlement, too.
                lasted_s = now_s - since_s.setdefault((radiator_id, kind), now_s)
                issue_id = f"{issue.key}_{radiator_id}"
                told = issues_now.async_get_issue(DOMAIN, issue_id)
                if lasted_s >= issue.after_s and not (told and told.active):
                    _raise(hass, coordinator, radiator_id, issue)

    unlisten = coordinator.async_add_listener(look)

    def end() -> None:
        unlisten()
        for radiator_id, issues in watched.items():
            for issue in issues.values():
                async_put_off(hass, f"{issue.key}_{radiator_id}")

    return end


def _raise(
    hass: HomeAssistant, coordinator: HomeCoordinator, radiator_id: str, issue: Issue
) -> None:
    entry = coordinator.config_entry
    async_tell(
        hass,
        f"{issue.key}_{radiator_id}",
        data={"entry_id": entry.entry_id, "radiator_id": radiator_id},
        is_fixable=issue.fixable,
        severity=issue.severity,
        translation_key=issue.key,
        translation_placeholders={"radiator": coordinator.radiators[radiator_id].name},
    )
