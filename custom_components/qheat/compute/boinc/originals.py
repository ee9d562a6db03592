"""What a client was set to before it became a radiator, to be put back when it is none any more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from .client import MAX_OVERRIDE_BYTES, BoincClient
from .errors import BoincError, BoincFault
from .plan import OFF, override_with, preferences_for
from .replies import ClientStatus, RunMode
from .rpc import RpcConnection

_RULED: Final = preferences_for(OFF, 1)
_NAMES: Final = "|".join(_RULED)
_ELEMENT: Final = re.compile(rf"<(?:{_NAMES})\s*/>|<({_NAMES})>[^<]*</\1>")
_END: Final = "</global_preferences>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Originals:
    """The user's own settings: the local preferences file word for word, and the run modes."""

    override: str
    cpu_mode: RunMode
    gpu_mode: RunMode

    @classmethod
    def from_saved(cls, saved: object) -> Originals | None:
        """Read what `saved` returned; None for anything else."""
        if not isinstance(saved, Mapping):
            return None
        override = saved.get("override")
        try:
            modes = RunMode(int(saved["cpu_mode"])), RunMode(int(saved["gpu_mode"]))
        except KeyError, TypeError, ValueError:
            return None
        if not isinstance(override, str):
            return None
        return cls(override=override, cpu_mode=modes[0], gpu_mode=modes[1])

    @classmethod
    def owed(cls, saved: Mapping[str, object]) -> Originals | None:
        """Return what a client is to get back by what was saved of its radiator.

        Who suspended it meant it: that stays.
        """
        originals = cls.from_saved(saved.get("originals"))
        match saved.get("by_hand"):
            case {"cpu": [_, cpu_silenced], "gpu": [_, gpu_silenced]} if originals is not None:
                return replace(
                    originals,
                    cpu_mode=RunMode.NEVER if cpu_silenced else originals.cpu_mode,
                    gpu_mode=RunMode.NEVER if gpu_silenced else originals.gpu_mode,
                )
        return originals

    @classmethod
    async def of(cls, client: BoincClient, status: ClientStatus) -> Originals:
        """Ask a client for its settings."""
        return cls(
            override=await client.override() or "",
            cpu_mode=status.cpu.permanent,
            gpu_mode=status.gpu.permanent,
        )

    def since(self, status: ClientStatus) -> Originals:
        """Return these settings with the run modes that the client's user has set since.

        `never` is what a radiator leaves behind: it tells of nobody.
        """
        cpu, gpu = status.cpu.permanent, status.gpu.permanent
        return replace(
            self,
            cpu_mode=self.cpu_mode if cpu is RunMode.NEVER else cpu,
            gpu_mode=self.gpu_mode if gpu is RunMode.NEVER else gpu,
        )

    async def current(self, client: BoincClient) -> str:
        """Return a client's preferences file; if it is of no use, what it was before."""
        text = await _usable_override(client)
        return self.override if text is None else text

    def with_news(self, current: str) -> str:
        """Return the file to put back: what somebody has changed meanwhile stays so.

        Of the preferences that a radiator rules it has the values that it had before.
        """
        ruled = override_with(current, _RULED)
        if ruled.split() == override_with(self.override, _RULED).split():
            return self.override
        kept = _ELEMENT.sub("", ruled).rpartition(_END)[0].rstrip()
        own = "".join(f"\n   {found[0]}" for found in _ELEMENT.finditer(self.override))
        text = f"{kept}{own}\n{_END}"
        return text if len(text.encode()) <= MAX_OVERRIDE_BYTES else self.override

    async def are_back(self, client: BoincClient, status: ClientStatus) -> bool:
        """Tell whether a client has these again, and not only another run mode."""
        if status.cpu.permanent is status.gpu.permanent is RunMode.NEVER:
            return False
        current = await _usable_override(client)
        return current is not None and self.with_news(current) == current

    async def put_back(self, client: BoincClient) -> None:
        """Give a client its preferences back, and the run modes of its cores and its GPU.

        A run mode that is not the `never` of a radiator was set by somebody since, and stays.
        """
        await self.write_back(client)
        await client.follow_override()

    async def write_back(self, client: BoincClient) -> None:
        """Put all back, but do not have the client follow its preferences file yet."""
        status = await client.status()
        await client.write_override(self.with_news(await self.current(client)))
        if status.gpu.permanent is RunMode.NEVER:
            await client.set_gpu_mode(self.gpu_mode)
        if status.cpu.permanent is RunMode.NEVER:
            await client.set_cpu_mode(self.cpu_mode)

    def saved(self) -> dict[str, object]:
        """Return this for JSON."""
        return {
            "override": self.override,
            "cpu_mode": int(self.cpu_mode),
            "gpu_mode": int(self.gpu_mode),
        }


async def _usable_override(client: BoincClient) -> str | None:
    """Return a client's preferences file, "" where there is none; None if it is of no use."""
    try:
        text = await client.override()
    except BoincError as error:
        if error.fault is not BoincFault.BROKEN_REPLY:
            raise
        return None
    if text is None:
        return ""
    return text if _END in text else None


async def put_back_late(host: str, port: int, password: str, originals: Originals) -> None:
    """Give a client its settings back that did not answer when it should have got them.

    Raises BoincError.
    """
    connection = RpcConnection(host, port, password)
    try:
        await connection.connect()
        await originals.put_back(BoincClient(connection))
    finally:
        await connection.close()
