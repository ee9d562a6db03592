"""The `boinc` engine: radiators that are machines with a BOINC client."""

from .client import is_account_key, project_url
from .engine import BoincEngine
from .errors import BoincError, BoincFault
from .observation import Details
from .options import LOOK_EVERY_S, BoincOptions
from .originals import Originals, put_back_late
from .probe import Probed, probe
from .rpc import DEFAULT_PORT

__all__ = [
    "DEFAULT_PORT",
    "LOOK_EVERY_S",
    "BoincEngine",
    "BoincError",
    "BoincFault",
    "BoincOptions",
    "Details",
    "Originals",
    "Probed",
    "is_account_key",
    "probe",
    "project_url",
    "put_back_late",
]
