"""Whether the compiled modules are in use: they are where the install could build them, unless LUNGFISH_PLAIN is set in the environment.

What is compiled is never more than a quicker way to do what Python code here does as well: without it everything works, only slower. The
tests pass in both forms (`scripts/check.py`). See docs/decisions/0013-native-lanes.md.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

# Of the whole process, decided at the first import.
IS_WANTED = not os.environ.get("LUNGFISH_PLAIN")


def compiled_module(name: str) -> ModuleType | None:
    """A compiled module; None if it is not built or not wanted."""
    if not IS_WANTED:
        return None
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None
