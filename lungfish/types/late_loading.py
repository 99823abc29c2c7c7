"""What loads modules in the middle of a statement, where Ctrl-C must not cut the loading short.

CPython's import system does not bear an exception from outside at any instruction: it may leave the lock of a module held, and whoever imports it next
waits for ever. So another thread, which takes no signals, does the loading; who waits for it may be cut off, and the module is there all the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def load_apart(load: Callable[[], Result]) -> Result:
    """What `load` answers or raises. Requires: it can be called again, which costs little the second time."""
    loading = threading.Thread(target=_try, args=(load,), name="lungfish loading")
    loading.start()
    loading.join()
    # All modules are loaded by now; or something is not there, and this says what.
    return load()


def _try(load: Callable[[], object]) -> None:
    try:
        load()
    except (ImportError, LookupError, OSError, ValueError):
        # It is met again, and told, by who waits.
        return
