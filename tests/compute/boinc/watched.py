"""A session on a simulated client that is stepped through as Home Assistant would."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from custom_components.qheat.compute.boinc.client import BoincClient
from custom_components.qheat.compute.boinc.options import BoincOptions
from custom_components.qheat.compute.boinc.originals import Originals
from custom_components.qheat.compute.boinc.probe import Probed, identify
from custom_components.qheat.compute.boinc.replies import RunMode
from custom_components.qheat.compute.boinc.rpc import RpcConnection
from custom_components.qheat.compute.boinc.session import Session
from custom_components.qheat.compute.boinc.stewardship import Stewardship
from custom_components.qheat.compute.boinc.watts import WattsTable
from custom_components.qheat.compute.counter import FRESH_S, Reading
from custom_components.qheat.compute.engine import EngineProblem, HeatBudget, PowerModel

from .simulated import PASSWORD, SimulatedClient

MODEL = PowerModel(idle_w=20.0, rated_w=60.0, slots=4)


class Watched:
    """A session that is stepped through as Home Assistant would, five seconds at a time."""

    def __init__(
        self,
        client: SimulatedClient,
        rpc: BoincClient,
        host: Probed,
        steward: Stewardship,
    ) -> None:
        self.client = client
        self.rpc = rpc
        self.host = host
        self.steward = steward
        self.session = self.connected()
        self.now_s = 1000.0
        self.meter: Reading | None = None
        self.meter_every_s = 5.0
        self.burn = 0.0
        """CPU seconds a second that each task uses, paused or not."""

    def connected(self) -> Session:
        """Return a session as a new connection makes one."""
        self.steward.lease_until_s = float("-inf")
        return Session(self.rpc, self.steward, self.host)

    def problem(self) -> EngineProblem | None:
        """Return what keeps the machine from heating."""
        return self.session.problem(self.now_s)

    async def run(self, seconds: float, budget_w: float, meter_w: float | None = None) -> None:
        for _ in range(int(seconds / 5)):
            self.steward.budget = HeatBudget(power_w=budget_w, expires_s=self.now_s + 20)
            reading = None
            if meter_w is not None:
                at_s = self.now_s - self.now_s % self.meter_every_s
                if self.meter is None or at_s >= self.meter.at_s + self.meter_every_s:
                    self.meter = Reading(power_w=meter_w, at_s=at_s, since_s=at_s)
                # What is older counts as nothing any more, as with the engine's meter.
                reading = self.meter if self.now_s - self.meter.at_s < FRESH_S else None
            await self.session.step(self.now_s, await self.rpc.status(), reading)
            self.now_s += 5
            self.client.cpu_s += 5 * self.burn

    def count(self, command: str) -> int:
        return self.client.calls.count(command)


@asynccontextmanager
async def watching(options: BoincOptions, ahead_s: float = 0.0) -> AsyncGenerator[Watched]:
    simulated = SimulatedClient(permanent=3, gpu_permanent=3, ahead_s=ahead_s)
    await simulated.start()
    connection = RpcConnection("127.0.0.1", simulated.port, PASSWORD)
    await connection.connect()
    client = BoincClient(connection)
    originals = Originals(override="", cpu_mode=RunMode.AUTO, gpu_mode=RunMode.AUTO)
    steward = Stewardship(table=WattsTable(MODEL), options=options, originals=originals, taken=True)
    yield Watched(simulated, client, await identify(client), steward)
    await connection.close()
    await simulated.stop()
