"""Sensors that only a BOINC machine has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    MAX_LENGTH_STATE_STATE,
    EntityCategory,
    Platform,
    UnitOfRatio,
    UnitOfTime,
)

from .cadence import is_building
from .compute.boinc import Details
from .const import CONF_GPU_W
from .coordinator import HomeCoordinator
from .entity import RadiatorEntity, async_forget

MAX_ROWS = 100
"""Projects or tasks shown one by one: all of an attribute goes to every page that shows it."""


@dataclass(frozen=True, kw_only=True)
class BoincSensorDescription(SensorEntityDescription):
    """Describe a sensor that shows what a BOINC machine does now."""

    value_fn: Callable[[Details], str | float | Decimal | None]
    attributes_fn: Callable[[Details], Mapping[str, Any]] = lambda _: {}
    building_step: int | None = None
    """In a building a number is written when it has passed a multiple of this.

    What moves with every look was three quarters of all that a building had recorded.
    """


def _projects(details: Details) -> str | None:
    names = ", ".join(project.name or project.url for project in details.projects)
    if len(names) > MAX_LENGTH_STATE_STATE:
        names = f"{names[: MAX_LENGTH_STATE_STATE - 1]}…"
    return names or None


def _project_rows(details: Details) -> Mapping[str, Any]:
    return {
        "projects": [
            {
                "name": project.name,
                "url": project.url,
                "credit": None if project.credit is None else float(project.credit),
                "filler": project.url in details.fillers,
                "refuses": project.refuses,
            }
            for project in details.projects[:MAX_ROWS]
        ]
    }


def _progress(details: Details) -> int | None:
    known = [t.fraction_done for t in details.running if t.fraction_done is not None]
    return round(100 * sum(known) / len(known)) if known else None


def _time_left_s(details: Details) -> int | None:
    """Return how long the first task still takes, to a minute: each look would be a line."""
    known = [task.left_s for task in details.running if task.left_s is not None]
    return 60 * round(min(known) / 60) if known else None


def _task_rows(details: Details) -> Mapping[str, Any]:
    names = {project.url: project.name for project in details.projects}
    return {
        "tasks": [
            {
                "name": task.name,
                "project": names.get(task.project_url, task.project_url),
                "fraction_done": task.fraction_done,
                "seconds_left": task.left_s,
            }
            for task in details.running[:MAX_ROWS]
        ]
    }


BOINC_DESCRIPTIONS: tuple[BoincSensorDescription, ...] = (
    BoincSensorDescription(
        key="tasks_waiting",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda details: details.tasks_waiting,
    ),
    BoincSensorDescription(
        key="task_progress",
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        value_fn=_progress,
        attributes_fn=_task_rows,
        building_step=5,
    ),
    BoincSensorDescription(
        key="task_time_left",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        value_fn=_time_left_s,
        building_step=300,
    ),
    BoincSensorDescription(
        key="projects",
        value_fn=_projects,
        attributes_fn=_project_rows,
    ),
    BoincSensorDescription(
        key="credit",
        # A project may take credit back.
        state_class=SensorStateClass.TOTAL,
        suggested_display_precision=0,
        value_fn=lambda details: details.credit,
    ),
    BoincSensorDescription(
        key="cores_allowed",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda details: details.plan.cores * details.plan.duty,
    ),
)

GPU_DESCRIPTIONS: tuple[BoincSensorDescription, ...] = (
    BoincSensorDescription(
        key="gpu_tasks",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda details: sum(task.gpu for task in details.running),
    ),
)


def boinc_sensors(home: HomeCoordinator, radiator_id: str) -> list[BoincSensor]:
    """Return the sensors of a BOINC machine, with those of its GPU, or take these away."""
    data = home.config_entry.subentries[radiator_id].data
    gpu = GPU_DESCRIPTIONS if data[CONF_GPU_W] else ()
    if not gpu:
        async_forget(home.hass, Platform.SENSOR, radiator_id, GPU_DESCRIPTIONS)
    return [BoincSensor(home, radiator_id, item) for item in (*BOINC_DESCRIPTIONS, *gpu)]


class BoincSensor(RadiatorEntity, SensorEntity):
    """What a BOINC machine does now."""

    entity_description: BoincSensorDescription
    _unrecorded_attributes = frozenset({"projects", "tasks"})

    def __init__(
        self, home: HomeCoordinator, radiator_id: str, description: BoincSensorDescription
    ) -> None:
        super().__init__(home, radiator_id, description)
        self._step = description.building_step if is_building(home.hass) else None

    @property
    def _details(self) -> Details | None:
        return self._home.boinc.details(self._key)

    @property
    @override
    def native_value(self) -> str | float | Decimal | None:
        details = self._details
        return None if details is None else self.entity_description.value_fn(details)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        details = self._details
        return {} if details is None else self.entity_description.attributes_fn(details)

    @override
    def shows(self) -> object:
        details = self._details
        if details is None:
            return None
        # How far each task has come is written along with what is new, not by itself.
        names = tuple([task.name for task in details.running])
        value = self.entity_description.value_fn(details)
        if self._step and isinstance(value, int | float):
            value //= self._step
        return value, details.projects, names
