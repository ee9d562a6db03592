"""The runner program: parent of all workers, one for each Home Assistant.

It is told over its standard input what to run and how much, and answers on its standard output.
When the input ends, because Home Assistant stops, dies or is killed, it kills every worker and
ends. It trusts Home Assistant's words only as far as their shape holds.
"""

import resource
import selectors
import time
from collections.abc import Mapping
from hashlib import sha256
from math import inf, isfinite
from typing import Any

from .child import Failure, Outcome
from .frames import Frame
from .link import ClosedError, Link
from .lock import OrphanedError, die_with_parent
from .pool import Job, Owner, Pool
from .work import Limits, Mode, WorkFault

_TICK_S = 0.1
_USAGE_S = 1.0
_CHECK = 0
"""Number of the runner's own first job, which tells whether and how well workers are locked."""

_OWN_LIMITS = Limits(memory_bytes=1 << 20, cpu_s=60.0, output_bytes=0)
# (module (memory (export "memory") 1) (func (export "_start")))
_CHECK_MODULE = bytes.fromhex(
    "0061736d010000000104016000000302010005030100010713020"
    "66d656d6f72790200065f737461727400000a040102000b"
)


def main(arguments: list[str]) -> None:
    """Serve until Home Assistant is gone; the argument is its process id."""
    with selectors.DefaultSelector() as selector:
        link = Link(selector)
        try:
            die_with_parent(int(arguments[0]))
            # A worker takes four descriptors, and there is one a slot: 1024 are soon used up.
            _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            Runner(selector, link).serve()
        except ClosedError, OrphanedError:
            pass
        except (KeyError, TypeError, ValueError, OSError) as err:
            link.send(Frame({"op": "failed", "detail": f"{type(err).__name__}: {err}"}))


class Runner:
    """Carries out what Home Assistant says."""

    def __init__(self, selector: selectors.BaseSelector, link: Link) -> None:
        self._selector = selector
        self._link = link
        self._pool: Pool | None = None
        self._changed = False
        self._next_tick_s = 0.0
        self._next_usage_s = inf  # nothing to tell before the check has ended
        selector.register(0, selectors.EVENT_READ, self._receive)

    def serve(self) -> None:
        """Serve; raises ClosedError at the end, and others for words that have no shape."""
        try:
            while True:
                for key, _ in self._selector.select(self._rest_s()):
                    key.data()
                self._tick(time.monotonic())
        finally:
            if self._pool is not None:
                self._pool.kill_all()

    def _rest_s(self) -> float | None:
        if self._pool is None:
            return None
        if not self._pool.jobs and self._link.stuck:
            return None  # until somebody listens again there is nothing to tell
        until_s = self._next_tick_s if self._pool.jobs else self._next_usage_s
        return max(until_s - time.monotonic(), 0.0)

    def _tick(self, now_s: float) -> None:
        if self._pool is None:
            return
        if self._changed or now_s >= self._next_tick_s:
            self._changed = False
            self._next_tick_s = now_s + _TICK_S
            self._pool.measure(now_s)
            self._pool.share(now_s)
        if now_s >= self._next_usage_s and not self._link.stuck:
            self._next_usage_s = now_s + _USAGE_S
            self._link.send(Frame({"op": "usage", "owners": list(self._pool.usage(now_s))}))

    def _receive(self) -> None:
        for frame in self._link.receive():
            operation = frame.header["op"]
            if self._pool is None:
                self._pool = self._hello(frame.header)
            elif operation == "allot":
                self._allot(self._pool, frame.header)
            elif operation == "run":
                self._add(self._pool, frame)
            elif operation == "cancel":
                self._cancel(self._pool, int(frame.header["number"]))
            else:
                raise ValueError(f"unknown operation {operation!r}")
            self._changed = True

    def _hello(self, header: Mapping[str, Any]) -> Pool:
        slots = int(header["slots"])
        if not 1 <= slots <= 1024:
            raise ValueError("slots out of bounds")
        pool = Pool(slots, str(header["wasmtime_folder"]), self._selector, self._done)
        work = {"mode": Mode.JOB, "module_bytes": len(_CHECK_MODULE), "count_fuel": False}
        frame = Frame({**work, **_OWN_LIMITS.to_json()}, _CHECK_MODULE)
        until_s = time.monotonic() + _OWN_LIMITS.cpu_s
        pool.owners[""] = Owner(slots=1.0, expires_s=until_s, urgent=True)
        check = Job(number=_CHECK, owner="", mode=Mode.JOB, limits=_OWN_LIMITS, frame=frame)
        pool.jobs[_CHECK] = check
        return pool

    def _allot(self, pool: Pool, header: Mapping[str, Any]) -> None:
        slots, expires_s = float(header["slots"]), float(header["expires_s"])
        if not (isfinite(slots) and slots >= 0.0 and isfinite(expires_s)):
            raise ValueError("budget out of bounds")
        owner = pool.owners.setdefault(str(header["owner"]), Owner())
        owner.slots = slots
        owner.expires_s = expires_s
        owner.urgent = bool(header["urgent"])

    def _add(self, pool: Pool, frame: Frame) -> None:
        header = frame.header
        number, mode = int(header["number"]), Mode(header["mode"])
        if number <= _CHECK or number in pool.jobs:
            raise ValueError("not a new job")
        job = pool.jobs[number] = Job(
            number=number,
            owner=str(header["owner"]),
            mode=mode,
            limits=Limits.from_json(header),
            frame=frame,
        )
        if mode is Mode.JOB:
            found = sha256(frame.body[: int(header["module_bytes"])]).hexdigest()
            if found != header["module_sha256"]:
                pool.end(job, Failure(WorkFault.REFUSED, "not the module that was vouched for"))

    def _cancel(self, pool: Pool, number: int) -> None:
        if number != _CHECK and (job := pool.jobs.get(number)) is not None:
            pool.end(job, Failure(WorkFault.WORKER_DIED, "cancelled"))

    def _done(self, job: Job, outcome: Outcome, cpu_s: float) -> None:
        self._changed = True
        header: dict[str, Any] = {"number": job.number, "cpu_s": cpu_s}
        if isinstance(outcome, Failure):
            ending = {"fault": outcome.fault, "detail": outcome.detail}
            if job.number == _CHECK:
                self._link.send(Frame({"op": "failed", "detail": outcome.detail}))
            else:
                self._link.send(Frame({"op": "fault", **header, **ending}))
        elif job.number == _CHECK:
            self._link.send(Frame({"op": "ready", "lock": outcome.lock.to_json()}))
            self._next_usage_s = time.monotonic()
        else:
            burnt = {"fuel": outcome.fuel}
            self._link.send(Frame({"op": "result", **header, **burnt}, outcome.output))
