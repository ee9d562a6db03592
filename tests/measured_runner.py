"""Start the sandbox's runner under coverage: it has no environment, and no package to follow it.

A program in the place of `sandbox/boot.py`, with the same arguments. What runs in the locked
worker itself cannot be measured: it may write no file.
"""

import atexit
import runpy
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BOOT: Final = ROOT / "custom_components" / "qheat" / "compute" / "sandbox" / "boot.py"


def measure() -> None:
    """Begin to measure, and write what was found when the process ends."""
    packages = sysconfig.get_path("purelib")
    sys.path.append(packages)
    from coverage import Coverage  # noqa: PLC0415 - only now within reach

    sys.path.remove(packages)
    measured = Coverage(
        data_file=ROOT / ".coverage", data_suffix=True, config_file=ROOT / "pyproject.toml"
    )
    measured.set_option("run:source", [str(ROOT / "custom_components" / "qheat")])
    measured.start()
    atexit.register(measured.save)
    atexit.register(measured.stop)


if __name__ == "__main__":
    measure()
    runpy.run_path(str(BOOT), run_name="__main__")
