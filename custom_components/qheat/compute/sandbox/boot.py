"""Start one of the sandbox's programs: `python -I boot.py MODULE ARGUMENT...`.

The package is loaded by its path, so that nothing of the integration around it, and nothing of
Home Assistant, is imported into these processes.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = "qheat_sandbox"


def load(name: str) -> ModuleType:
    """Import one of this folder's modules."""
    if _PACKAGE not in sys.modules:
        folder = Path(__file__).parent
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"no package in {folder}")
        package = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f".{name}", _PACKAGE)


if __name__ == "__main__":
    load(sys.argv[1]).main(sys.argv[2:])
