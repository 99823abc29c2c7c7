"""What the prompt needs of the engine, in one module, so that it can be loaded behind the prompt's back."""

from __future__ import annotations

import argparse
import sys

from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import PostgresLexer

from lungfish import errors
from lungfish.repl.commands import COMMANDS
from lungfish.repl.completion import ShellCompleter
from lungfish.repl.interpreter import QuitShell
from lungfish.repl.wiring import build_interpreter, open_target
from lungfish.sql import open_construct

# A result longer than that is cut at the prompt, unless told otherwise.
_ROWS_MAX_DEFAULT = 1_000


class Engine:
    """An interpreter for the prompt, with completion and highlighting."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Open the database. Raises what opening raises."""
        self._target = open_target(options)
        self._interpreter = build_interpreter(options, self._target, sys.stdout)
        self._interpreter.is_interactive = True
        if options.max_rows is None:
            self._interpreter.display.rows_max = _ROWS_MAX_DEFAULT
        self.completer = ShellCompleter(COMMANDS)
        self.completer.refresh(self._target)
        self.lexer = PygmentsLexer(PostgresLexer)

    @property
    def status(self) -> str:
        """The transaction's: idle, active or failed."""
        return self._target.connection.transaction_status

    @property
    def name(self) -> str:
        """The database's name."""
        return self._target.name

    def open_construct(self, text: str) -> str | None:
        """What keeps the text from being run (see `lungfish.sql.open_construct`)."""
        return open_construct(text)

    def run(self, text: str) -> bool:
        """Run what was typed; False to leave."""
        try:
            self._interpreter.run_text(text)
        except QuitShell:
            return False
        except KeyboardInterrupt:
            print("Cancelled.", file=sys.stderr)
        except errors.Error as error:
            self._interpreter.report(error)
        sys.stdout.flush()
        self.completer.refresh_after(text, self._target)
        return True

    def close(self) -> None:
        """Close the database cleanly."""
        self._target.close()
