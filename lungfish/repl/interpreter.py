"""What the shell does with a piece of input, whether it was typed, read from a file or given with -c.

    statement   runs on the connection; its result is printed
    command     a backslash command (`commands.py`)
    directive   --@ restart [clean | crash]; what a script expects is left to `lungfish test`

The first error ends a text (unless --on-error continue). Interactively a statement inside a transaction is guarded by a savepoint, so
that a typo does not lose the work before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from lungfish import Cursor, errors
from lungfish.repl.cursor_text import result_of
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of
from lungfish.repl.formats import DATA_FORMATS, DisplaySettings, ResultText, format_result
from lungfish.repl.interrupt import cancel_on_interrupt
from lungfish.repl.target import Target
from lungfish.sql import ScriptPiece, parse_directive, split_script
from lungfish.sql.ast.directives import REMARKS, Restart

_SAVEPOINT = "lungfish_shell_statement"


class QuitShell(Exception):
    r"""\q was given."""


# A command takes the interpreter and the rest of its line.
Command = Callable[["Interpreter", str], None]


class Interpreter:
    """Runs pieces of input against a target and prints what comes of them."""

    def __init__(
        self,
        target: Target,
        display: DisplaySettings,
        *,
        commands: Mapping[str, Command],
        out: TextIO,
        err: TextIO,
    ) -> None:
        self.target = target
        self.display = display
        self.out = out
        self.err = err
        self.commands = commands
        self.is_interactive = False
        self.stops_at_error = True
        # Seconds that a statement may take; None: as long as it likes.
        self.timeout_s: float | None = None
        self.exit_code = ExitCode.OK
        self.last_error: errors.Error | None = None

    # Texts.

    def run_file(self, path: str) -> bool:
        """Run a script file; whether all of it went well."""
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8-sig")
        except OSError as error:
            raise errors.UndefinedFile(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise errors.CharacterNotInRepertoire(f"{path} is not UTF-8: {error.reason}") from error
        return self.run_text(text, source=path)

    def run_text(self, text: str, *, source: str | None = None) -> bool:
        """Run a text piece by piece; whether all of it went well."""
        is_good = True
        for piece in split_script(text):
            try:
                self.run_piece(piece, text)
            except errors.Error as error:
                self.report(error, f"{source}:{piece.line}" if source else None)
                is_good = False
                if self.stops_at_error:
                    return False
        return is_good

    def report(self, error: errors.Error, place: str | None = None) -> None:
        """Print an error and remember it."""
        self.last_error = error
        self.exit_code = exit_code_of(error)
        self.out.flush()
        text = format_error(error, place=place, is_verbose=self.display.is_verbose)
        print(text, file=self.err, flush=True)

    # Pieces.

    def run_piece(self, piece: ScriptPiece, script: str) -> None:
        """Run one piece of a script. Raises the error that it ends with."""
        if piece.kind == "command":
            self.run_command(piece.text)
        elif piece.kind == "directive":
            self._run_directive(piece, script)
        elif piece.kind == "statement":
            self._run_statement(piece)

    def _run_directive(self, piece: ScriptPiece, script: str) -> None:
        directive = parse_directive(piece, script)
        if isinstance(directive, REMARKS):
            return
        if not isinstance(directive, Restart):
            raise errors.FeatureNotSupported(
                f"{piece.text} is a directive for tests",
                position=piece.start,
                hint="Run the script with lungfish test.",
            ).with_statement(script)
        self.target.restart(is_crash=directive.is_crash)
        self.say(f"-- restarted {'after a crash' if directive.is_crash else 'cleanly'}")

    def run_command(self, line: str) -> None:
        """Run a backslash command, or one of its aliases with a dot."""
        name, _, argument = line.partition(" ")
        command = self.commands.get(name) or self.commands.get(name.rstrip("+S"))
        if command is None:
            raise errors.SyntaxError(f"invalid command {name}", hint="Try \\? for help.")
        command(self, argument.strip())

    def _run_statement(self, piece: ScriptPiece) -> None:
        if self.display.is_echoing:
            self.print(f"{piece.text};")
        started = time.perf_counter()
        with cancel_on_interrupt(self.target.connection):
            if piece.data is not None:
                tag = self._run_copy(piece)
                self.say(tag)
            elif self.is_interactive and self.target.connection.transaction_status == "active":
                self._run_guarded(piece.text)
            else:
                self._show(self.target.connection.execute(piece.text, timeout=self.timeout_s))
        if self.display.has_timing:
            self.say(f"Time: {(time.perf_counter() - started) * 1000:.3f} ms")

    def _run_copy(self, piece: ScriptPiece) -> str:
        with self.target.connection.copy(piece.text) as copy:
            copy.write(piece.data or "")
        return f"COPY {copy.rowcount}"

    def _run_guarded(self, sql: str) -> None:
        """Run a statement of an open transaction so that its failure undoes only itself."""
        connection = self.target.connection
        connection.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            cursor = connection.execute(sql, timeout=self.timeout_s)
        except errors.Error:
            if connection.in_transaction:
                connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
                connection.execute(f"RELEASE {_SAVEPOINT}")
            raise
        tag = (cursor.statusmessage or "").split(" ")[0]
        # A savepoint of the user's above ours must stay, and COMMIT has taken ours along.
        if connection.in_transaction and tag not in ("SAVEPOINT", "RELEASE", "ROLLBACK"):
            connection.execute(f"RELEASE {_SAVEPOINT}")
        self._show(cursor)

    # Printing.

    def _show(self, cursor: Cursor) -> None:
        while True:
            if (cursor.statusmessage or "").startswith("COPY ") and cursor.description is not None:
                for (line,) in cursor.fetch_text():
                    self.print(line or "")
            elif cursor.description is not None:
                self.show_result(result_of(cursor, self.display.rows_max))
            elif cursor.statusmessage:
                self.say(cursor.statusmessage)
            if not cursor.nextset():
                return

    def show_result(self, result: ResultText) -> None:
        """Print a result in the format that is set."""
        for text in format_result(result, self.display):
            self.out.write(text)

    def print(self, line: str) -> None:
        """Print a line to where results go."""
        self.out.write(f"{line}\n")

    def say(self, line: str) -> None:
        """Print a message; data formats and -q leave messages out."""
        if not self.display.is_quiet and self.display.format not in DATA_FORMATS:
            self.print(line)
