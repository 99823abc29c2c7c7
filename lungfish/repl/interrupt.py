"""Ctrl-C while a statement runs: it is cancelled, and nothing else is disturbed.

Python would raise KeyboardInterrupt between any two bytecodes, also in the middle of a commit. So for the time of a statement the
signal only asks the connection to stop; the statement then ends with QueryCanceled at a safe place.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lungfish import Connection


@contextmanager
def cancel_on_interrupt(connection: Connection) -> Iterator[None]:
    """Let Ctrl-C cancel what the connection runs. Signals belong to the main thread; in others nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def cancel(_number: int, _frame: FrameType | None) -> None:
        connection.cancel()

    before = signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
