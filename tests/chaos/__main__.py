"""Run the fault test: `python -m tests.chaos --help`."""

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

import aiohttp

from custom_components.qheat.ledger import Totals
from scripts.demo_home.process import adopt_orphans, end_orphans

from .accounts import WrongError, check_books
from .clock import build_library
from .hass_home import HassHome
from .plan import hass_plan, long_plan, short_plan
from .processes import Zygote
from .world import World

JOBS_PER_KILL: Final = 4
"""So many jobs are left to a whole Home Assistant for each time that it is killed."""


async def _run(folder: Path, arguments: argparse.Namespace) -> None:
    chance = Random(arguments.seed)
    plan = short_plan if arguments.short else long_plan
    faults = plan(chance)[: arguments.faults]
    kills = hass_plan(chance, arguments.hass_kills)
    began_s = time.monotonic()
    count = len(faults) + len(kills)
    _say(f"seed {arguments.seed}: {count} faults, at least {arguments.jobs} jobs, in {folder}")
    zygote = Zygote(build_library(folder))
    await zygote.start()
    async with aiohttp.ClientSession() as session:
        world = World(
            folder,
            zygote,
            session,
            chance,
            lambda line: _say(f"{time.monotonic() - began_s:6.0f} s  {line}"),
        )
        try:
            async with asyncio.timeout(arguments.limit):
                await world.start()
                async with world.at_work():
                    await world.do(faults, arguments.jobs - JOBS_PER_KILL * len(kills))
                    if kills:
                        hass = HassHome(folder / "hass")
                        await world.do_to_hass(hass, kills, arguments.jobs)
                await _check_results(world)
                await world.stop()
            await zygote.stop()
            left = await end_orphans()
            _report(world, left, time.monotonic() - began_s)
        finally:
            with contextlib.suppress(Exception):
                await zygote.stop()
            await end_orphans()
            world.home_disk.close()
            world.backend_disk.close()


async def _check_results(world: World) -> None:
    for job in world.submitter.jobs:
        if await world.submitter.result(job.job_id) != job.input_data:
            raise WrongError(f"job {job.job_id} has another result than its input")


def _report(world: World, left: list[str], took_s: float) -> None:
    """Print what was counted; raises WrongError."""
    books, jobs = world.books, world.submitter.jobs
    ledgers = world.ledgers()
    booked = sum(check_books(books, *home) for home in ledgers.items())
    totals = {
        home_id: sum(map(ledger.totals, ledger.radiator_ids), Totals())
        for home_id, ledger in ledgers.items()
    }
    balances = {home_id: books.balance(home_id) for home_id in ledgers}
    written = {home_id: one.earned + one.repaid for home_id, one in totals.items()}
    settlements = Counter(
        job_id for [job_id] in books.rows("SELECT job_id FROM settlements WHERE accepted = 1")
    )
    refused = books.count("SELECT count(*) FROM settlements WHERE accepted = 0")
    held = books.count("SELECT count(*) FROM leases WHERE state = 'held'")
    ended = Counter(str(state) for [state] in books.rows("SELECT state FROM leases"))
    pay = sum((job.pay for job in jobs), Decimal(0))
    done = list(world.done.elements())
    for kind, count in Counter(fault.kind for fault in done).most_common():
        calls = Counter(fault.call or "any instant" for fault in done if fault.kind is kind)
        _say(f"{count:5} {kind}: {_counts(calls)}")
    _say(f"      by phase: {_counts(Counter(fault.phase for fault in done if fault.phase))}")
    _say(f"{world.done.total():5} faults; {len(world.missed)} whose call did not come in time")
    _say(f"{len(jobs):5} jobs, {settlements.total()} settled, {refused} results refused")
    _say(f"{booked:5} settlements in the homes' books; leases: {_counts(ended)}")
    for home_id, balance in balances.items():
        _say(f"      balance of {home_id}: backend {balance}, home {written[home_id]} EUR")
    filled = "a full tmpfs" if world.home_disk.is_own else "files that cannot grow"
    _say(f"      a full disk was {filled}")
    for party in (world.home, world.backend):
        _say(f"      {party.name}: {party.starts} starts, {party.ended_itself} ends on a full disk")
    _say(f"      books of a killed home checked {world.books_checked} times")
    _say(f"      processes left: {left or 'none'}; {took_s:.0f} s")
    wrong = {
        "a job is settled not exactly once": settlements != Counter(job.job_id for job in jobs),
        "a right result was refused": refused > 0,
        "not every settlement is in the home's books": booked != len(jobs),
        "the balances differ": balances != written,
        "the pay is not what the jobs promised": sum(one.earned for one in totals.values()) != pay,
        "a lease is still held": held > 0,
        "a process is left": bool(left),
        "faults were missed": len(world.missed) > world.done.total() // 20,
    }
    if any(wrong.values()):
        raise WrongError("; ".join(what for what, is_so in wrong.items() if is_so))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Run, and fail loudly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few faults of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hass-kills", type=int, help="kills of a whole Home Assistant")
    parser.add_argument("--limit", type=float, help="seconds after which it has failed")
    parser.add_argument("--faults", type=int, help="only so many")
    parser.add_argument("--jobs", type=int, help="at least so many")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    for name, short, usual in (("jobs", 60, 1000), ("hass_kills", 0, 12), ("limit", 600, 3600)):
        if getattr(arguments, name) is None:
            setattr(arguments, name, short if arguments.short else usual)
    adopt_orphans()
    # However it is ended, nothing is to stay mounted.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="qheat-chaos-"))
    try:
        asyncio.run(_run(folder, arguments))
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _say("All is settled once, and nothing is left.")


if __name__ == "__main__":
    main()
