"""What the prompt needs of the engine, in one module, so that it can be loaded behind the prompt's back."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable

from lungfish import errors
from lungfish.repl.completion import ShellCompleter
from lungfish.repl.config import apply_config, read_config
from lungfish.repl.highlight import SqlLexer
from lungfish.repl.interpreter import QuitShell
from lungfish.repl.pager import Pager, pager_command
from lungfish.repl.progress import Opening
from lungfish.repl.suggestions import suggest
from lungfish.repl.wiring import build_interpreter, open_target
from lungfish.sql import open_construct

# Without a pager a result longer than that is cut at the prompt, unless told otherwise.
_ROWS_MAX_WITHOUT_PAGER = 1_000
# With one its first page is there at once.
_PIECE_ROWS = 2_000
_MARKS = {"idle": "=>", "active": "=*>", "failed": "=!>"}
# A transaction that is older says so in the prompt.
_AGE_SHOWN_AFTER_S = 10


class Engine:
    """An interpreter for the prompt, with completion and highlighting."""

    def __init__(
        self,
        options: argparse.Namespace,
        history: Callable[[], list[str]],
        show: Callable[[str | None], None],
    ) -> None:
        """Open the database; `show` is given a line about its recovery if that takes long (`Opening`).

        Raises what opening raises, and SyntaxError for a bad configuration.
        """
        config = {} if getattr(options, "no_config", False) else read_config()
        self._target = open_target(options, Opening(show))
        # What is opened later is waited for as a statement is.
        self._target.opening = Opening()
        interpreter = self._interpreter = build_interpreter(options, self._target, sys.stdout)
        interpreter.is_interactive = True
        interpreter.history = history
        interpreter.confirm = _confirm
        interpreter.suggest = self._suggest
        interpreter.shows_progress = sys.stderr.isatty()
        interpreter.pager = Pager(pager_command(), _screen)
        if pager_command() is not None:
            interpreter.display.piece_rows = _PIECE_ROWS
        elif options.max_rows is None:
            interpreter.display.rows_max = _ROWS_MAX_WITHOUT_PAGER
        apply_config(interpreter, config)
        self._began_at: float | None = None
        self.completer = ShellCompleter()
        self.completer.refresh(self._target)
        self.lexer = SqlLexer()

    def prompt(self) -> str:
        """What stands before the first line: database, snapshot, and the state and age of the transaction."""
        target, connection = self._target, self._target.connection
        label = target.name if target.snapshot is None else f"{target.name}(snap:{target.snapshot})"
        if self._interpreter.buffer:
            opened = self.open_construct(self._interpreter.buffer)
            return f"{label}{'-' if opened is None else opened}> "
        status = connection.transaction_status
        if self._interpreter.conditions.depth and not self._interpreter.conditions.is_active:
            label += "@"
        if status == "idle":
            self._began_at = None
            is_looking = target.snapshot is not None or target.is_read_only
            return f"{label}{'=#>' if is_looking else '=>'} "
        now = time.monotonic()
        self._began_at = self._began_at or now
        age_s = now - self._began_at
        return f"{label}{transaction_age(age_s)}{_MARKS[status]} "

    def open_construct(self, text: str) -> str | None:
        """What keeps the text from being run (see `lungfish.sql.open_construct`)."""
        return open_construct(text, is_standard=self._interpreter.has_standard_strings)

    def run(self, text: str) -> bool:
        """Run what was typed; False to leave."""
        interpreter = self._interpreter
        try:
            interpreter.run_text(text)
        except QuitShell:
            return False
        except KeyboardInterrupt:
            print("Cancelled.", file=sys.stderr)
        except errors.Error as error:
            interpreter.report(error)
        sys.stdout.flush()
        if self._target.connection.in_transaction and self._began_at is None:
            self._began_at = time.monotonic()
        self.completer.variables = tuple(interpreter.variables)
        self.completer.refresh_after(text, self._target)
        return True

    def _suggest(self, error: errors.Error) -> list[str]:
        return suggest(error, self.completer.names)

    def close(self) -> None:
        """Close the database cleanly."""
        self._target.close()


def transaction_age(seconds: float) -> str:
    """What the prompt says of a transaction that has been open for so long."""
    if seconds < _AGE_SHOWN_AFTER_S:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f" {minutes} min {rest:02d} s " if minutes else f" {rest} s "


def _confirm(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False


def _screen() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines
