"""A party's own small disk, which can be filled to the last byte."""

import contextlib
import os
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Final

from .processes import Party

SIZE: Final = "24m"
_CHUNK: Final = bytes(1 << 20)


class Disk:
    """A tmpfs where mounting is allowed; elsewhere a folder, and files that cannot grow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.is_own = _ran("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder))
        self._ballast = folder / "ballast"

    def fill(self, party: Party) -> None:
        """Leave no byte free."""
        if not self.is_own:
            _limit_files(party, 1)
            return
        ballast = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for data in (_CHUNK, bytes(4096), bytes(1)):
            with contextlib.suppress(OSError):
                while os.write(ballast, data) == len(data):
                    pass
        os.close(ballast)

    def free(self, party: Party) -> None:
        """Give the space back."""
        if self.is_own:
            self._ballast.unlink()
        else:
            _limit_files(party, None)

    def close(self) -> None:
        """Unmount it."""
        if self.is_own:
            _ran("umount", str(self.folder))


def _ran(program: str, *arguments: str) -> bool:
    path = shutil.which(program, path=f"{os.defpath}:/sbin:/usr/sbin")
    if path is None:
        return False
    return subprocess.run((path, *arguments), check=False, capture_output=True).returncode == 0


def _limit_files(party: Party, most_bytes: int | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(party.pid, resource.RLIMIT_FSIZE)
        soft = hard if most_bytes is None else most_bytes
        resource.prlimit(party.pid, resource.RLIMIT_FSIZE, (soft, hard))
