r"""What is under way when a statement takes longer than a second: its phase, rows, share and the time that is left.

    scanning album  [##########----------]  52%  1,240,000 of about 2,400,000 rows  3 s left

The line stands on standard error, only on a terminal, and is gone when the statement ends. It is drawn by a thread that looks at
`Connection.progress()`; the statement itself does not wait for it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from lungfish import errors
from lungfish.executor.statement_progress import StatementProgress

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Interpreter
    from lungfish.repl.target import Target

Look = Callable[[], "StatementProgress | None"]

_CHECKPOINT_STATUS = "SELECT state, pages_done, pages_total FROM lungfish.checkpoint_status"
_FIRST_AFTER_S = 1.0
_EVERY_S = 0.1
_BAR_WIDTH = 20
# Back to the beginning of the line, and clear it.
_CLEAR = "\r\x1b[K"


@contextmanager
def show_progress(interpreter: Interpreter) -> Iterator[None]:
    """Show how far the statement is that runs in the block, if that is wanted."""
    if not interpreter.shows_progress:
        yield
        return
    look = interpreter.target.connection.progress
    if interpreter.last_sql[:10].lower() == "checkpoint":
        look = partial(_checkpoint_progress, interpreter.target)
    watcher = _Watcher(look, interpreter.err)
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()


def _checkpoint_progress(target: Target) -> StatementProgress | None:
    """The checkpoint that runs, as `lungfish.checkpoint_status` has it, asked over a connection of its own."""
    try:
        with target.database.connect(autocommit=True, read_only=True) as connection:
            row = connection.execute(_CHECKPOINT_STATUS).fetchone()
    except errors.Error:
        # It is being closed.
        return None
    if row is None or row[0] == "idle":
        return None
    state, done, total = row
    return StatementProgress(f"checkpoint: {state}", "pages", done or 0, total or 0)


class _Watcher:
    """Draws the line until it is stopped."""

    def __init__(self, look: Look, err: TextIO) -> None:
        self._look = look
        self._err = err
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="lungfish progress", daemon=True)
        self._is_drawn = False

    def start(self) -> None:
        """Begin to wait for the first second to be over."""
        self._started = time.perf_counter()
        self._thread.start()

    def stop(self) -> None:
        """Clear the line."""
        self._ended.set()
        self._thread.join()
        if self._is_drawn:
            self._err.write(_CLEAR)
            self._err.flush()

    def _draw(self) -> None:
        wait_s = _FIRST_AFTER_S
        while not self._ended.wait(wait_s):
            wait_s = _EVERY_S
            elapsed_s = time.perf_counter() - self._started
            line = progress_line(self._look(), elapsed_s)
            columns = shutil.get_terminal_size().columns
            self._err.write(f"{_CLEAR}{line[: columns - 1]}")
            self._err.flush()
            self._is_drawn = True


def progress_line(progress: StatementProgress | None, elapsed_s: float) -> str:
    """The line for one look at the statement."""
    if progress is None:
        return f"running  {_duration(elapsed_s)}"
    phase, done, total = progress.phase, progress.done, progress.total
    if not total:
        return f"{phase}  {done:,} {progress.units}  {_duration(elapsed_s)}"
    share = min(done / total, 1.0)
    filled = round(share * _BAR_WIDTH)
    bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
    left = f"  {_duration(elapsed_s * (1 - share) / share)} left" if 0.02 < share < 1 else ""
    amounts = f"{done:,} of about {total:,} {progress.units}"
    return f"{phase}  [{bar}] {share:4.0%}  {amounts}{left or f'  {_duration(elapsed_s)}'}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
