"""What a person has to see to at a radiator, its backend or its schedule."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir

from .compute.engine import EngineProblem
from .const import DOMAIN, LOGGER
from .coordinator import HomeCoordinator
from .heating import RatingDoubt, Reason
from .issues import Found, Issue

UNREACHABLE_AFTER_S: Final = 900.0

RATING_ISSUES: Final = {
    RatingDoubt.WEAKER: Issue(key="weaker_than_rated"),
    RatingDoubt.STRONGER: Issue(key="stronger_than_rated"),
}
"""Of all radiators with a power meter."""

PROJECT_REFUSES: Final = Issue(key="project_refuses")

BOINC_ISSUES: Final = RATING_ISSUES | {
    EngineProblem.BUDGET_IGNORED: Issue(key="budget_ignored", severity=ir.IssueSeverity.CRITICAL),
    EngineProblem.CHANGED_BY_HAND: Issue(key="changed_by_hand", fixable=True),
    EngineProblem.BACKEND_REFUSED: Issue(key="boinc_refuses", severity=ir.IssueSeverity.ERROR),
    EngineProblem.BACKEND_UNREACHABLE: Issue(key="boinc_unreachable", after_s=UNREACHABLE_AFTER_S),
    EngineProblem.BACKEND_FAULTY: Issue(key="boinc_faulty", after_s=UNREACHABLE_AFTER_S),
    EngineProblem.ENGINE_FAILED: Issue(key="boinc_failed", severity=ir.IssueSeverity.ERROR),
    EngineProblem.PROJECT_REFUSES: PROJECT_REFUSES,
}
"""Of BOINC machines."""

PULL_ISSUES: Final = RATING_ISSUES | {
    EngineProblem.BACKEND_VERSION: Issue(key="backend_version", severity=ir.IssueSeverity.ERROR),
    EngineProblem.PUBLISHER_NOT_ACCEPTED: Issue(key="publisher_not_accepted"),
}
"""Of radiators that pull their jobs."""

# A sensor that reports only changes may be waited for so long while it heats.
SENSOR_SILENT: Final = Issue(
    key="sensor_silent", severity=ir.IssueSeverity.ERROR, after_s=2 * 3600.0
)
# The frost guard is gone, too. But a room that nothing heats may be as warm for hours.
SENSOR_SILENT_WHILE_OFF: Final = replace(SENSOR_SILENT, after_s=24 * 3600.0)
# A coarse sensor stands still in a room that full heat just holds, and moves soon without heat.
SENSOR_STUCK: Final = Issue(key="sensor_stuck", severity=ir.IssueSeverity.ERROR, after_s=3600.0)

# Home Assistant may take so long to start a helper, or to load it anew.
SCHEDULE_GONE: Final = Issue(key="schedule_gone", after_s=300.0)


def find_problems(home: HomeCoordinator) -> Found:
    """Yield what is wrong with radiators and their backends."""
    for radiator_id, one in home.radiators.items():
        state = home.data.radiators.get(radiator_id)
        problems = state.problems if state else frozenset()
        if _may_still_refuse(home, radiator_id):
            problems |= {EngineProblem.PROJECT_REFUSES}
        issues = BOINC_ISSUES if radiator_id in home.boinc else PULL_ISSUES
        for problem in problems & issues.keys():
            yield issues[problem], radiator_id, {"radiator": one.name}


def _may_still_refuse(home: HomeCoordinator, radiator_id: str) -> bool:
    """Tell whether a project that was told to refuse a machine may do so still.

    It is not gone because no heat is wanted: what was ignored is to stay so.
    """
    issue_id = f"{PROJECT_REFUSES.key}_{radiator_id}"
    told = ir.async_get(home.hass).async_get_issue(DOMAIN, issue_id)
    if told is None or not told.active:
        return False
    details = home.boinc.details(radiator_id)
    return details is None or any(project.refuses for project in details.projects)


def find_lost_sensors(home: HomeCoordinator) -> Found:
    """Yield temperature sensors that are not believed: the room is left without heat."""
    for radiator_id, state in home.data.radiators.items():
        texts = {"radiator": home.radiators[radiator_id].name}
        if state.demand.reason is Reason.SENSOR_SILENT:
            heats = state.setting.heating
            yield SENSOR_SILENT if heats else SENSOR_SILENT_WHILE_OFF, radiator_id, texts
        elif state.demand.reason is Reason.SENSOR_STUCK:
            yield SENSOR_STUCK, radiator_id, texts


def find_lost_schedules(home: HomeCoordinator) -> Found:
    """Yield schedules that are gone: the room keeps its last setpoint, day and night."""
    for radiator_id, one in home.radiators.items():
        schedule = one.radiator.schedule
        if schedule is not None and schedule.changes() is None:
            texts = {"radiator": one.name, "schedule": schedule.entity_id}
            yield SCHEDULE_GONE, radiator_id, texts


def log_silence(home: HomeCoordinator) -> Callable[[], None]:
    """Log once who does not answer any more, and once who does again; return what ends that."""
    away: dict[str, bool] = {}
    """Whether a machine, or a radiator's backend, is gone that has answered before."""

    @callback
    def look() -> None:
        for radiator_id, state in home.data.radiators.items():
            gone = state.engine.problem is EngineProblem.BACKEND_UNREACHABLE
            # A backend that is asked for nothing is not known to answer.
            answers = not gone and (radiator_id in home.boinc or state.engine.jobs_running > 0)
            name = home.radiators[radiator_id].name
            if gone and away.get(radiator_id) is False:
                LOGGER.info("The machine or backend of %s does not answer", name)
                away[radiator_id] = True
            elif answers:
                if away.get(radiator_id):
                    LOGGER.info("The machine or backend of %s answers again", name)
                away[radiator_id] = False

    return home.async_add_listener(look)
