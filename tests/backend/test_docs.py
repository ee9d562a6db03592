"""The examples of docs/job-api.md do what is said of them."""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/job-api.md").read_text(), re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples need curl")
async def test_a_reader_who_types_the_examples_gets_a_result(
    tmp_path: Path, socket_enabled: None
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = "set -euo pipefail\n" + "".join(EXAMPLES).replace("8765", str(port))
    paths = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=tmp_path,
        env={"PATH": paths, "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(90):
            said, _ = await process.communicate()
    finally:
        if process.returncode != 0:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode == 0, said.decode()
    assert "settled" in said.decode()
    assert (tmp_path / "result").read_bytes() == b"hello"
    assert '"earned": "0.0050"' in said.decode()
