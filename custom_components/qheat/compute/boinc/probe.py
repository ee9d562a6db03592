"""Try a BOINC client once: what a config flow does before it saves anything."""

from dataclasses import asdict, dataclass
from typing import Final

from .client import BoincClient
from .errors import BoincError, BoincFault
from .replies import HostInfo
from .rpc import RpcConnection

OLDEST: Final = (7, 16, 0)
"""First version that is let in; 7.20.5 and 8.2.15 are the ones tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(HostInfo):
    """A client that may be used, and its machine."""

    version: str


async def probe(host: str, port: int, password: str) -> Probed:
    """Connect, authenticate and look; changes nothing. Raises BoincError, `fault` says why."""
    connection = RpcConnection(host, port, password)
    try:
        await connection.connect()
        return await identify(BoincClient(connection))
    finally:
        await connection.close()


async def identify(client: BoincClient) -> Probed:
    """Tell who a client is; raise BoincError if it is too old."""
    version = await client.version()
    text = ".".join(map(str, version))
    if version < OLDEST:
        raise BoincError(BoincFault.TOO_OLD, f"BOINC {text} is older than 7.16")
    return Probed(version=text, **asdict(await client.host()))
