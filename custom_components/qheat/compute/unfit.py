"""The engine of a radiator on whose machine no job can run: no heat, and all that was earned."""

from typing import override

from .client import JobClient
from .engine import (
    Engine,
    EngineProblem,
    EngineStatus,
    HeatBudget,
    HeatKind,
    PowerSource,
    SettlementPage,
)


class UnfitEngine(Engine):
    """Runs nothing and says so; what earlier jobs were paid still comes in."""

    def __init__(self, client: JobClient, radiator_id: str) -> None:
        self._client = client
        self._radiator_id = radiator_id

    @override
    async def start(self) -> None:
        """Have nothing to make ready."""

    @override
    async def stop(self) -> None:
        """Have nothing to stop."""

    @override
    def set_budget(self, budget: HeatBudget) -> None:
        """Give no heat for it."""

    @override
    def status(self) -> EngineStatus:
        return EngineStatus(
            power_w=None,
            power_source=PowerSource.ESTIMATED,
            heat_kind=HeatKind.NONE,
            jobs_running=0,
            jobs_paused=0,
            jobs_queued=0,
            work_lost_s=0.0,
            lease_left_s=None,
            problem=EngineProblem.ENGINE_FAILED,
        )

    @override
    async def settlements(self, after: str | None) -> SettlementPage:
        return await self._client.settlements(self._radiator_id, after)
