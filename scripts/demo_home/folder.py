"""The demo's configuration folder of Home Assistant."""

import json
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

from homeassistant.components.http.config import HTTP_STORAGE_SCHEMA

HOST: Final = "127.0.0.1"
REPOSITORY: Final = Path(__file__).parents[2]
FOLDER: Final = REPOSITORY / ".demo"

# default_config would bring cloud, discovery and the voice assistant; a heated home needs none.
CONFIGURATION: Final = """\
config:
energy:
history:
logbook:
recorder:
  commit_interval: 1
schedule:
logger:
  default: warning
  logs:
    custom_components.qheat: info
    # No cameras here: their libraries are not missed.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
"""

# All but the user step would look for devices and services in the network.
ONBOARDING: Final = {"done": ["core_config", "analytics", "integration"]}


def prepare(folder: Path, port: int, *, fresh: bool) -> None:
    """Write what Home Assistant has to find at its start; keep what is there unless `fresh`."""
    if fresh and folder.exists():
        shutil.rmtree(folder)
    storage = folder / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "configuration.yaml").write_text(CONFIGURATION)
    _link_integration(folder / "custom_components" / "qheat")
    _listen_on_loopback(storage, port)
    if not (storage / "onboarding").exists():
        _store(storage, "onboarding", ONBOARDING, version=4)


def password(folder: Path) -> str:
    """Return the owner's password, chosen by chance on the first call."""
    file = folder / "password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9))
    return file.read_text()


def _link_integration(link: Path) -> None:
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(REPOSITORY / "custom_components" / "qheat", target_is_directory=True)


def _listen_on_loopback(storage: Path, port: int) -> None:
    # In configuration.yaml the address would only be a proposal: five minutes later Home
    # Assistant would start again and listen to the whole network.
    http = {
        "stable": HTTP_STORAGE_SCHEMA({"server_host": [HOST], "server_port": port}),
        "pending": None,
        "yaml_migration_done": True,
    }
    _store(storage, "http", http, version=2, minor_version=2)


def _store(
    storage: Path, key: str, data: dict[str, Any], *, version: int, minor_version: int = 1
) -> None:
    content = {"version": version, "minor_version": minor_version, "key": key, "data": data}
    (storage / key).write_text(json.dumps(content))
