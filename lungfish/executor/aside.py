"""Long calls into Arrow and NumPy, of which nothing can be cut short: another thread makes them, and the statement waits for it.

Such a call lets go of the interpreter while it computes, so the waiting thread can look whether the statement is to stop, and take Ctrl-C. A call that
nobody waits for any more comes to its end by itself, and its result is dropped: it reads immutable vectors only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from lungfish.executor.context import Run

# With fewer rows a call is over before it could be worth a thread (which costs a tenth of a millisecond).
ROW_COUNT_MIN = 100_000
_LOOK_S = 0.02

Result = TypeVar("Result")


def run_aside(run: Run, row_count: int, call: Callable[[], Result]) -> Result:
    """What `call` answers or raises; it must not touch what belongs to a thread or a statement. Raises QueryCanceled meanwhile."""
    if row_count < ROW_COUNT_MIN:
        return call()
    errand = _Errand(call)
    threading.Thread(target=errand.run, name="lungfish kernel", daemon=True).start()
    while not errand.is_done.wait(_LOOK_S):
        run.check_cancel()
    return errand.result()


class _Errand(Generic[Result]):
    """One call, and what came of it."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self.is_done = threading.Event()

    def run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:
            self._error = error
        finally:
            self.is_done.set()

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._results[0]
