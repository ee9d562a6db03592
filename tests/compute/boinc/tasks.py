"""A task as a client tells of it, for tests that need one and no client."""

from typing import Final

from custom_components.qheat.compute.boinc.replies import Task

TASK: Final = Task(
    name="task_1",
    project_url="https://science.example/",
    state=2,
    process=9,
    scheduled=True,
    barred=False,
    cpus=1.0,
    gpu=False,
    cpu_time_s=100.0,
    fraction_done=0.5,
    left_s=100.0,
    deadline_s=None,
)
"""Begun, and paused."""
