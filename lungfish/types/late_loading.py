"""What loads modules in the middle of a statement, where Ctrl-C must not cut the loading short.

CPython's import system does not bear an exception from outside at any instruction: it may leave the lock of a module held, and whoever imports it next
waits for ever. So a thread of its own, which takes no signals and is sent no exceptions, does the loading for the whole process; who waits for it
may be cut off, and the module is there all the same.

A thread must not be started where an exception may be sent to the starting one: until it runs by itself, CPython knows both under one number, and the
new one may get it. So whoever lets exceptions be sent (`executor/cancellation.py`) calls `start_loader` before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")

_errands: SimpleQueue[tuple[Callable[[], object], threading.Event]] = SimpleQueue()
_starting = threading.Lock()
_threads: list[threading.Thread] = []


def load_apart(load: Callable[[], Result]) -> Result:
    """What `load` answers or raises. Requires: it can be called again, which costs little the second time."""
    start_loader()
    is_done = threading.Event()
    _errands.put((load, is_done))
    is_done.wait()
    # All modules are loaded by now; or something is not there, and this says what.
    return load()


def start_loader() -> None:
    """Have the thread run. It waits for errands until the process ends; a child of `os.fork` gets its own."""
    if _threads and _threads[-1].is_alive():
        return
    with _starting:
        if not (_threads and _threads[-1].is_alive()):
            _threads.append(threading.Thread(target=_work, name="lungfish loading", daemon=True))
            _threads[-1].start()


def _work() -> None:
    while True:
        load, is_done = _errands.get()
        try:
            load()
        except (ImportError, LookupError, OSError, ValueError):
            # It is met again, and told, by who waits.
            pass
        finally:
            is_done.set()
