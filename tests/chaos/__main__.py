"""Run the fault test: `python -m tests.chaos --help`."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import aiohttp

from scripts.demo_home.process import adopt_orphans, end_orphans

from .accounts import WrongError, check_books, read_ledger
from .clock import build_library
from .home_party import ENTRY_ID
from .plan import long_plan, short_plan
from .processes import Zygote
from .world import HOME_ID, World


async def _run(folder: Path, arguments: argparse.Namespace) -> None:
    chance = Random(arguments.seed)
    plan = short_plan if arguments.short else long_plan
    faults = plan(chance)[: arguments.faults]
    jobs = arguments.jobs or (60 if arguments.short else 1000)
    began_s = time.monotonic()
    _say(f"seed {arguments.seed}: {len(faults)} faults, at least {jobs} jobs, in {folder}")
    zygote = Zygote(build_library(folder))
    await zygote.start()
    async with aiohttp.ClientSession() as session:
        world = World(folder, zygote, session, chance)
        try:
            await world.start()
            limit_s = 120 if arguments.short else 1800
            async with asyncio.timeout(limit_s):
                await world.run(
                    faults, jobs, lambda line: _say(f"{time.monotonic() - began_s:6.0f} s  {line}")
                )
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
    ledger = read_ledger(world.home_disk.folder, ENTRY_ID)
    booked = check_books(books, HOME_ID, ledger)
    totals = ledger.total()
    balance = books.balance(HOME_ID)
    settlements = Counter(
        job_id for [job_id] in books.rows("SELECT job_id FROM settlements WHERE accepted = 1")
    )
    refused = books.count("SELECT count(*) FROM settlements WHERE accepted = 0")
    held = books.count("SELECT count(*) FROM leases WHERE state = 'held'")
    ended = ", ".join(
        f"{count} {state}"
        for state, count in books.rows("SELECT state, count(*) FROM leases GROUP BY state")
    )
    pay = sum((job.pay for job in jobs), Decimal(0))
    for kind, count in sorted(Counter(fault.kind for fault in world.done.elements()).items()):
        calls = Counter(fault.call or "any instant" for fault in world.done if fault.kind is kind)
        steps = ", ".join(f"{name} {number}" for name, number in sorted(calls.items()))
        _say(f"{count:5} {kind}: {steps}")
    _say(f"{world.done.total():5} faults; {len(world.missed)} whose call did not come in time")
    _say(f"{len(jobs):5} jobs, {settlements.total()} settled, {refused} results refused")
    _say(f"{booked:5} settlements in the home's books; leases: {ended}")
    _say(f"      balance: backend {balance}, home {totals.earned + totals.repaid} EUR")
    _say(f"      starts: home {world.home.starts}, backend {world.backend.starts}")
    _say(
        f"      ended themselves for want of disk: home {world.home.ended_itself},"
        f" backend {world.backend.ended_itself}"
    )
    _say(f"      books of a killed home checked {world.books_checked} times")
    _say(f"      processes left: {left or 'none'}; {took_s:.0f} s")
    wrong = {
        "a job is settled not exactly once": settlements != Counter(job.job_id for job in jobs),
        "a right result was refused": refused > 0,
        "not every settlement is in the home's books": booked != len(jobs),
        "the balances differ": balance != totals.earned + totals.repaid,
        "the pay is not what the jobs promised": totals.earned != pay,
        "a lease is still held": held > 0,
        "a process is left": bool(left),
        "faults were missed": len(world.missed) > world.done.total() // 20,
    }
    if any(wrong.values()):
        raise WrongError("; ".join(what for what, is_so in wrong.items() if is_so))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Run, and fail loudly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few faults of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, help="only so many")
    parser.add_argument("--jobs", type=int, help="at least so many")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args()
    adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="qheat-chaos-"))
    try:
        asyncio.run(_run(folder, arguments))
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    _say("All is settled once, and nothing is left.")


if __name__ == "__main__":
    main()
