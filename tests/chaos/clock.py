"""The wall clock of one party, which the test can turn without touching the machine's."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def build_library(folder: Path) -> Path:
    """Compile what is preloaded into the parties."""
    library = folder / "clock.so"
    compiler = ("cc",) if shutil.which("cc") else (sys.executable, "-m", "ziglang", "cc")
    subprocess.run([*compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library


class TurnedClock:
    """A file that says by how many seconds a party's clock is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(8))

    def turn(self, by_s: int) -> None:
        """Let the clock be wrong by so much from now on; 0: right."""
        with self.path.open("r+b") as file:
            file.write(by_s.to_bytes(8, sys.byteorder, signed=True))


def follow(path: str) -> None:
    """Let this process, which has the library preloaded, have the clock that a file says."""
    if ctypes.CDLL(None).qheat_clock(path.encode()) != 0:
        raise OSError(f"no clock can be read from {path}")
