"""Forks parties from a process that has imported everything: starting one takes no time.

Reads one JSON object a line: which party, its clock, its log, its arguments; answers with a pid.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any

from custom_components.qheat.compute.sandbox.lock import die_with_parent

from .clock import follow

PARTIES = ("backend_party", "home_party")


def main() -> None:
    """Serve until the test is gone, and its parties with it."""
    for party in PARTIES:
        importlib.import_module(f".{party}", __package__)
    assert threading.active_count() == 1, "a process of several threads cannot be forked safely"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    myself = os.getpid()
    _say("ready")
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            os._exit(_become(myself, json.loads(line)))
        _say(str(pid))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _become(parent: int, order: dict[str, Any]) -> int:
    try:
        die_with_parent(parent)
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        os.environ.pop("LD_PRELOAD", None)
        follow(order["clock"])
        party = importlib.import_module(f".{order['party']}", __package__)
        asyncio.run(party.serve(**order["arguments"]))
    except BaseException:  # noqa: BLE001 - nothing may get back into the zygote's own loop
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


if __name__ == "__main__":
    main()
