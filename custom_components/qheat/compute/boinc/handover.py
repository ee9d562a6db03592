"""How a client is taken over from its user, and left again: what its user sets meanwhile stays."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from .client import BoincClient
from .control import rest
from .originals import Originals
from .plan import override_with
from .replies import ClientStatus, RunMode
from .stewardship import Stewardship

AWAY_S: Final = 3600.0
"""So long a client rests when Home Assistant is stopped; who is not back by then is gone."""
PAUSED_S: Final = 2.0
"""Tasks that are told to pause have done so by then."""


async def take_over(
    client: BoincClient,
    steward: Stewardship,
    owed: Originals | None,
    *,
    save: Callable[[], Awaitable[None]],
    clock: Callable[[], float],
) -> None:
    """Put the user's own settings away before anything is changed, then compute nothing.

    `owed` are settings that the client still waits for, `save` keeps what the steward knows.
    Raises BoincError, and what `save` raises.
    """
    status = await client.status()
    originals = steward.originals or owed or await Originals.of(client, status)
    # Where they are back, a kill kept that from being saved.
    if not steward.taken or (not steward.by_hand and await originals.are_back(client, status)):
        steward.taken = False
        originals = steward.originals = originals.since(status)
        # What was set before, by somebody or by us, has nothing to do with this time.
        steward.hand.take_back()
        steward.gpu_hand.take_back()
        steward.duty = 1.0
        await save()
        current = await originals.current(client)
        # Tasks that are stopped now are to keep what they have done since their checkpoint.
        kept = override_with(current, {"leave_apps_in_memory": 1.0})
        await client.set_override(kept)
        steward.changed_s = clock()
        await rest(client, status, gpu=True)
        steward.taken = True


async def judge(
    client: BoincClient, steward: Stewardship, clock: Callable[[], float]
) -> ClientStatus:
    """Return what the client does, after a look whether somebody has it do so by hand.

    Raises BoincError.
    """
    status = await client.status()
    # Told behind that: a lease that ended meanwhile was cut off by nobody.
    steward.hand.judge(status.cpu, lease_left_s=steward.lease_until_s - clock())
    steward.gpu_hand.judge(status.gpu, lease_left_s=-math.inf)
    return status


async def let_rest(client: BoincClient, steward: Stewardship, clock: Callable[[], float]) -> None:
    """Have the client compute nothing, unless somebody has just set a run mode by hand.

    Raises BoincError.
    """
    status = await judge(client, steward, clock)
    if not steward.hand.by_hand and await rest(client, status):
        steward.changed_s = clock()


async def leave(client: BoincClient, steward: Stewardship, clock: Callable[[], float]) -> None:
    """Have the client compute nothing for an hour, and then as its user has set it.

    Where somebody has set a run mode by hand, all stays put away. Raises BoincError.
    """
    originals = steward.originals
    assert originals is not None  # or there is nothing to leave
    if steward.taken:
        await let_rest(client, steward, clock)
        if steward.by_hand:
            return
    await originals.write_back(client)
    if originals.cpu_mode is not RunMode.NEVER:
        await client.set_cpu_mode(RunMode.NEVER, AWAY_S)
    # Those that went on meanwhile are to pause before preferences may have them forget their work.
    await asyncio.sleep(PAUSED_S)
    await client.follow_override()
    steward.originals, steward.taken = None, False
