"""Backends in processes of their own."""

import asyncio
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# As `python -m custom_components.qheat.backend`, but for the integration around it: to import
# Home Assistant takes each process seconds.
_START = """
import runpy, sys, types
bare = types.ModuleType("custom_components.qheat")
bare.__path__ = ["custom_components/qheat"]
sys.modules[bare.__name__] = bare
runpy.run_module("custom_components.qheat.backend", run_name="__main__", alter_sys=True)
"""


async def start(*arguments: str | Path, **options: Any) -> Process:
    """Start a backend."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _START, *arguments, cwd=ROOT, **options
    )


async def end(process: Process) -> None:
    """Have a process be dead, if it is not yet."""
    if process.returncode is None:
        process.kill()
    await process.wait()
