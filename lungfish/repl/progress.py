r"""What is under way when a statement takes longer than a second: its phase, rows, share and the time that is left.

    scanning album  [##########----------]  52%  1,240,000 of about 2,400,000 rows  3 s left

The line stands on standard error, only on a terminal, and is gone when the statement ends. It is drawn by a thread that looks at
`Connection.progress()`; the statement itself does not wait for it. While a database is opened, recovery is shown in the same way; at
the prompt, behind which it is opened, the line stands below what is typed.
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
from lungfish.recovery.restart_progress import RecoveryPhase, RecoveryProgress

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Interpreter
    from lungfish.repl.target import Target

Look = Callable[[], "StatementProgress | None"]

_CHECKPOINT_STATUS = "SELECT state, pages_done, pages_total FROM lungfish.checkpoint_status"
_FIRST_AFTER_S = 1.0
_EVERY_S = 0.1
_BAR_WIDTH = 20
_ENDS = (RecoveryPhase.DONE, RecoveryPhase.FAILED)
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
    with watching(look, interpreter.err):
        yield


@contextmanager
def show_opening(interpreter: Interpreter) -> Iterator[None]:
    """Show how far recovery is while the block opens the interpreter's database again, if that is wanted."""
    if not interpreter.shows_progress:
        yield
        return
    with watching(interpreter.target.opening.look, interpreter.err):
        yield


@contextmanager
def watching(look: Look, err: TextIO) -> Iterator[None]:
    """Draw the line while the block runs, once that takes longer than a second."""
    watcher = _Watcher(look, err)
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()


class Opening:
    """How far the recovery is of a database that is being opened, for whoever waits for that."""

    def __init__(self, show: Callable[[str | None], None] | None = None) -> None:
        """`show` is given the line whenever it changes, in the thread that opens the database; None: there is none any more."""
        self._show = show
        self._latest: RecoveryProgress | None = None
        self._began_s = time.perf_counter()

    def tell(self, progress: RecoveryProgress) -> None:
        """Recovery has got so far: for `on_recovery` of `lungfish.open`."""
        self._latest = progress
        elapsed_s = time.perf_counter() - self._began_s
        if self._show is not None and elapsed_s >= _FIRST_AFTER_S:
            is_over = progress.phase in _ENDS
            self._show(None if is_over else progress_line(self.look(), elapsed_s))

    def look(self) -> StatementProgress:
        """The phase that recovery is in."""
        latest = self._latest
        if latest is None or latest.phase in _ENDS:
            return StatementProgress("opening")
        return StatementProgress(
            f"recovery: {latest.state.replace('_', ' ')}",
            latest.units,
            latest.sofar,
            latest.total,
            left_s=None if latest.eta_ms is None else latest.eta_ms / 1000,
        )


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
        part: int | None = None
        part_began_s = self._started
        while not self._ended.wait(wait_s):
            wait_s = _EVERY_S
            now = time.perf_counter()
            progress = self._look()
            if progress is not None and progress.part != part:
                if part is not None:
                    part_began_s = now
                part = progress.part
            line = progress_line(progress, now - self._started, now - part_began_s)
            columns = shutil.get_terminal_size().columns
            self._err.write(f"{_CLEAR}{line[: columns - 1]}")
            self._err.flush()
            self._is_drawn = True


def progress_line(
    progress: StatementProgress | None, elapsed_s: float, part_s: float | None = None
) -> str:
    """The line for one look at a statement that has taken so long, `part_s` of it (None: all) for what is counted now."""
    elapsed = f"  {_duration(elapsed_s)}"
    if progress is None:
        return f"running{elapsed}"
    phase, done, total = progress.phase, progress.done, progress.total
    if not total:
        return f"{phase}  {done:,} {progress.units}{elapsed}" if done else f"{phase}{elapsed}"
    share = min(done / total, 1.0)
    filled = round(share * _BAR_WIDTH)
    bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
    left = elapsed
    if 0.02 < share < 1:
        spent_s = elapsed_s if part_s is None else part_s
        left_s = spent_s * (1 - share) / share if progress.left_s is None else progress.left_s
        left = f"  {_duration(left_s)} left"
    return f"{phase}  [{bar}] {share:4.0%}  {done:,} of about {total:,} {progress.units}{left}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
