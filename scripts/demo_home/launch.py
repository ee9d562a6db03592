"""Start Home Assistant in this process; run as a script by the demo, not imported.

Two voice libraries that the frontend's list of actions imports have no wheel for Python 3.14;
the demo hears nobody, so empty stand-ins take their place, in this process only.
"""

import ctypes
import os
import signal
import sys
from types import ModuleType

from homeassistant.__main__ import main

PR_SET_PDEATHSIG = 1
VOICE_LIBRARIES = {"pymicro_vad": "MicroVad", "pyspeex_noise": "AudioProcessor"}


def die_with_parent() -> None:
    """Ask Linux to stop Home Assistant when the demo is gone, killed for instance."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(os.environ.pop("QHEAT_DEMO_PID")):
            sys.exit("the demo is gone already")


def stand_in(module_name: str, class_name: str) -> None:
    """Put an empty class into an empty module of that name."""
    module = ModuleType(module_name)
    setattr(module, class_name, type(class_name, (), {}))
    sys.modules[module_name] = module


die_with_parent()
for library, only_class in VOICE_LIBRARIES.items():
    stand_in(library, only_class)
sys.exit(main())
