"""Repair issues of a home: raised after a tick that finds something to see to, and withdrawn after.

What somebody has ignored stays ignored over a reload.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.hass_dict import HassKey

from .compute.engine import EngineProblem
from .const import CONF_CURRENCY, DOMAIN, LOGGER
from .coordinator import HomeCoordinator
from .heating import RatingDoubt, Reason
from .prices import PRICE_ENTITIES, price_errors, read_price

REMEMBERED_S: Final = 86_400.0
"""What comes again later was gone meanwhile, and may be another matter."""
_IGNORED: Final = HassKey[dict[str, float]](f"{DOMAIN}_ignored")
"""Issues that were ignored when their home was unloaded, and when that was by the loop's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """How something is told that a person has to see to."""

    key: str
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING
    fixable: bool = False
    after_s: float = 0.0
    """For so long it may last before it is told."""


type Found = Iterable[tuple[Issue, str, dict[str, str]]]
"""Issues, each with what it is about, which ends its id, and the placeholders of its text."""

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

FOREIGN_SETTLEMENTS: Final = Issue(key="foreign_settlements", severity=ir.IssueSeverity.ERROR)
PRICE_REFUSED: Final = Issue(key="price_refused", severity=ir.IssueSeverity.ERROR)
PRICE_SILENT: Final = Issue(key="price_silent", after_s=3 * 3600.0)


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


def find_foreign_settlements(home: HomeCoordinator) -> Found:
    """Yield radiators that were paid in another currency."""
    foreign = home.books.foreign
    for radiator_id, one in home.radiators.items():
        if sums := foreign.sums(radiator_id):
            amounts = (f"{amount.normalize():f} {unit}" for unit, amount in sorted(sums.items()))
            texts = {
                "radiator": one.name,
                "count": str(len(foreign.of(radiator_id))),
                "amounts": ", ".join(amounts),
                "currency": home.config_entry.data[CONF_CURRENCY],
            }
            yield FOREIGN_SETTLEMENTS, radiator_id, texts


def find_lost_prices(home: HomeCoordinator) -> Found:
    """Yield price entities that show no price, or none in the home's currency."""
    entry = home.config_entry
    currency = entry.data[CONF_CURRENCY]
    refused = price_errors(home.hass, entry.options, currency)
    for field in entry.options.keys() & set(PRICE_ENTITIES):
        entity_id, about = entry.options[field], f"{entry.entry_id}_{field}"
        state = home.hass.states.get(entity_id)
        # While the entity is silent it has no unit: nothing is wrong with that.
        unit = state and state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        if unit and field in refused:
            texts = {"entity": entity_id, "unit": str(unit), "currency": currency}
            yield PRICE_REFUSED, about, texts
        elif read_price(state, currency) is None:
            yield PRICE_SILENT, about, {"entity": entity_id}


FIND_ISSUES: Final = (
    find_problems,
    find_lost_sensors,
    find_lost_schedules,
    find_foreign_settlements,
    find_lost_prices,
)


def watch_issues(home: HomeCoordinator) -> Callable[[], None]:
    """Raise, renew and withdraw issues after each tick; return what ends that and withdraws all."""
    hass = home.hass
    registry = ir.async_get(hass)
    since_s: dict[str, float] = {}

    @callback
    def look() -> None:
        now_s = monotonic()
        found = {
            f"{issue.key}_{about}": (issue, about, texts)
            for find in FIND_ISSUES
            for issue, about, texts in find(home)
        }
        for issue_id in since_s.keys() - found.keys():
            del since_s[issue_id]
            ir.async_delete_issue(hass, DOMAIN, issue_id)
        for issue_id, (issue, about, texts) in found.items():
            if now_s - since_s.setdefault(issue_id, now_s) < issue.after_s:
                continue
            told = registry.async_get_issue(DOMAIN, issue_id)
            # To raise one anew takes seven times as long, and a building may have hundreds.
            if told and told.active and told.translation_placeholders == texts:
                continue
            ir.async_create_issue(
                hass,
                DOMAIN,
                issue_id,
                data={"entry_id": home.config_entry.entry_id, "about": about},
                is_fixable=issue.fixable,
                severity=issue.severity,
                translation_key=issue.key,
                translation_placeholders=texts,
            )
            ignored_s = hass.data.get(_IGNORED, {}).pop(issue_id, -math.inf)
            if hass.loop.time() - ignored_s <= REMEMBERED_S:
                ir.async_ignore_issue(hass, DOMAIN, issue_id, True)

    unlisten = home.async_add_listener(look)

    def end() -> None:
        unlisten()
        # Over a restart Home Assistant itself knows what was ignored.
        if hass.is_stopping:
            return
        for issue_id in since_s:
            issue = registry.async_get_issue(DOMAIN, issue_id)
            if issue is not None and issue.dismissed_version is not None:
                hass.data.setdefault(_IGNORED, {})[issue_id] = hass.loop.time()
            ir.async_delete_issue(hass, DOMAIN, issue_id)

    return end


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
