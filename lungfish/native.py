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
    """A compiled module; None if it is not built or not wanted.

    Raises ImportError if it was built from other sources than those that are here. Not passed by: those beside it, which it is built with, may
    be as old and not tell.
    """
    if not IS_WANTED:
        return None
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None
    except (ImportError, TypeError, ValueError, AttributeError) as error:
        # What Cython raises where structures, functions or slots are not those that it was built with.
        raise ImportError(
            f"{name} was built from other sources than these ({error}): run `python setup.py build_ext --inplace`,"
            " or set LUNGFISH_PLAIN=1 to go without the compiled modules",
            name=name,
        ) from error
