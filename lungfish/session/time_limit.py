"""statement_timeout: a timer that cancels the statement."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext


def limit_time(seconds: float, cancel: Callable[[str], None]) -> AbstractContextManager[None]:
    """Call `cancel` if the block lasts longer than `seconds`; 0 sets no limit and costs nothing."""
    if seconds <= 0:
        return _UNLIMITED
    return _timer(seconds, cancel)


_UNLIMITED: AbstractContextManager[None] = nullcontext()


@contextmanager
def _timer(seconds: float, cancel: Callable[[str], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, cancel, ["canceling statement due to statement timeout"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
