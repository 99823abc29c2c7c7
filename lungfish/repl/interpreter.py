r"""What the shell does with a piece of input, whether it was typed, read from a file or given with -c.

    statement   goes through variables, runs on the connection, and its result is printed (`execution.py`)
    fragment    a part of a statement: it waits in the query buffer for the rest, or for a command such as \g
    command     a backslash command (`commands/`)
    directive   --@ restart [clean | crash]; what a script expects is left to `lungfish test`

The first error ends a text (unless --on-error continue). Within `\if` only what its conditions let through is run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Protocol, TextIO

from lungfish import Cursor, errors
from lungfish.repl.cursor_text import result_of
from lungfish.repl.error_text import format_error
from lungfish.repl.execution import execute_statement
from lungfish.repl.exit_codes import ExitCode, exit_code_of
from lungfish.repl.formats import DATA_FORMATS, DisplaySettings, ResultText, format_result
from lungfish.repl.input.conditions import Conditions
from lungfish.repl.input.steering import steer_shell
from lungfish.repl.input.variables import Variables
from lungfish.repl.pager import Pager
from lungfish.repl.progress import show_opening
from lungfish.repl.target import Target
from lungfish.sql import ScriptPiece, parse_directive
from lungfish.sql.ast.directives import REMARKS, Restart
from lungfish.sql.split import ScriptSplitter

# Commands that are looked at also where `\if` says that nothing runs.
_CONDITIONAL = frozenset({"\\if", "\\elif", "\\else", "\\endif"})


class OutputFile(Protocol):
    r"""Where `\o` sends results."""

    def close(self) -> None:
        """End it."""


class QuitShell(Exception):
    r"""\q was given."""


class ScriptFailed(errors.OperationalError):
    """A script that another one includes has failed; its own error was reported already."""


# A command takes the interpreter, the name that it was called by, and the rest of its line.
Command = Callable[["Interpreter", str, str], None]


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
        self.out: IO[str] = out
        self.err = err
        self.commands = commands
        self.is_interactive = False
        self.stops_at_error = True
        # Seconds that a statement may take; None: as long as it likes.
        self.timeout_s: float | None = None
        self.exit_code = ExitCode.OK
        self.last_error: errors.Error | None = None
        self.last_result: ResultText | None = None
        self.variables = Variables()
        self.conditions = Conditions()
        # The statement that is being typed, as far as commands have cut it; and the last one that ran.
        self.buffer = ""
        self.last_sql = ""
        # The folder of the script that runs, for \ir.
        self.folder = Path()
        # None: nothing is paged.
        self.pager: Pager | None = None
        # Asks a question; whether the answer was yes. None: nobody is there to ask.
        self.confirm: Callable[[str], bool] | None = None
        # Names that an error's unknown one may have been meant for.
        self.suggest: Callable[[errors.Error], list[str]] = lambda error: []
        # The lines that were typed, oldest first, for \s.
        self.history: Callable[[], list[str]] = list
        self.pause: Callable[[float], None] = time.sleep
        # Whether statements that take long say how far they are.
        self.shows_progress = False
        # Where \echo goes also while \o sends results elsewhere; and that file.
        self.standard_out = out
        self.output_file: OutputFile | None = None
        # For --stats: what ran, and the rows that it gave or changed.
        self.statement_count = 0
        self.row_count = 0
        self._timing = ""
        self._splitter: ScriptSplitter | None = None
        steer_shell(self)

    # Texts.

    @property
    def has_standard_strings(self) -> bool:
        """Whether the connection reads strings by the standard, in which a backslash is no escape."""
        return self.target.connection.has_standard_strings

    def run_file(self, path: str) -> bool:
        """Run a script file; whether all of it went well."""
        file = Path(path).expanduser()
        try:
            text = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise errors.UndefinedFile(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise errors.CharacterNotInRepertoire(f"{path} is not UTF-8: {error.reason}") from error
        folder, self.folder = self.folder, file.parent
        depth = self.conditions.depth
        try:
            is_good = self.run_text(text, source=path)
        finally:
            self.folder = folder
        if self.conditions.close_to(depth):
            self.complain(f"{path}: found end of file without \\endif")
        return is_good

    def run_text(self, text: str, *, source: str | None = None) -> bool:
        """Run a text piece by piece; whether all of it went well."""
        is_good = True
        splitter = ScriptSplitter(text, is_standard=self.has_standard_strings)
        before, self._splitter = self._splitter, splitter
        try:
            for piece in splitter:
                is_good &= self._try_piece(piece, text, source)
                splitter.is_standard = self.has_standard_strings
                if not is_good and self.stops_at_error:
                    return False
            if self.buffer and not self.is_interactive and source is None:
                is_good &= self._try_piece(ScriptPiece("statement", "", 1, 0), text, source)
        finally:
            self._splitter = before
        return is_good

    def _try_piece(self, piece: ScriptPiece, script: str, source: str | None) -> bool:
        """Run a piece and report its error; whether it went well."""
        try:
            self.run_piece(piece, script)
        except errors.Error as error:
            self.report(error, f"{source}:{piece.line}" if source else None)
            return False
        return True

    def report(self, error: errors.Error, place: str | None = None) -> None:
        """Print an error and remember it."""
        if isinstance(error, ScriptFailed):
            return
        self.last_error = error
        self.exit_code = exit_code_of(error)
        self.variables.set("LAST_ERROR_MESSAGE", error.message)
        self.variables.set("LAST_ERROR_SQLSTATE", error.sqlstate)
        self.out.flush()
        hint = error.hint or ""
        suggested = [
            name
            for name in self.suggest(error)
            if f'"{name}"' not in hint and f'.{name}"' not in hint
        ]
        if suggested:
            error.hint = f"{hint} {_did_you_mean(suggested)}".strip()
        text = format_error(error, place=place, is_verbose=self.display.is_verbose)
        print(text, file=self.err, flush=True)

    def complain(self, message: str) -> None:
        """Print a message about what the shell itself met."""
        self.out.flush()
        print(message, file=self.err, flush=True)

    # Pieces.

    def run_piece(self, piece: ScriptPiece, script: str) -> None:
        """Run one piece of a script. Raises the error that it ends with."""
        if piece.kind == "command":
            self.run_command(piece.text)
        elif not self.conditions.is_active:
            return
        elif piece.kind == "directive":
            self._run_directive(piece, script)
        elif piece.kind == "fragment":
            self.buffer += f"{piece.text} "
        elif piece.kind == "statement":
            self.run_sql(self.take_buffer(piece.text), piece.data)

    def take_buffer(self, rest: str = "") -> str:
        """The statement in the query buffer, which is then empty. What follows begins a new one."""
        sql = (self.buffer + rest).strip()
        self.buffer = ""
        if self._splitter is not None:
            self._splitter.begin_anew()
        return sql

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
        with show_opening(self):
            self.target.restart(is_crash=directive.is_crash)
        self.say(f"-- restarted {'after a crash' if directive.is_crash else 'cleanly'}")

    def run_command(self, line: str) -> None:
        """Run a backslash command, or one of its aliases with a dot."""
        if line == "\\\\":
            # It only ends the command before it.
            return
        name, argument = split_command(line)
        if not self.conditions.is_active and name not in _CONDITIONAL:
            return
        command = self.commands.get(name)
        if command is None:
            raise errors.SyntaxError(f"invalid command {name}", hint="Try \\? for help.")
        command(self, name, argument)

    def run_sql(self, sql: str, data: str | None = None) -> None:
        """Run a statement and print its result. Raises its error."""
        if not sql:
            return
        cursor = self.execute(sql, data)
        if cursor is not None:
            self.show(cursor)
            if self.display.has_timing:
                self.say(self._timing)

    def execute(self, sql: str, data: str | None = None) -> Cursor | None:
        """Run a statement; None if it was called off. Raises its error."""
        sql = self.variables.substitute(sql)
        self.last_sql = sql
        if self.display.is_echoing:
            self.print(f"{sql};")
        started = time.perf_counter()
        self.statement_count += 1
        try:
            cursor = execute_statement(self, sql, data)
        except errors.Error as error:
            self.variables.set("ERROR", "true")
            self.variables.set("SQLSTATE", error.sqlstate)
            self.variables.set("ROW_COUNT", "0")
            raise
        self._timing = _timing_line((time.perf_counter() - started) * 1000)
        self.variables.set("ERROR", "false")
        self.variables.set("SQLSTATE", "00000")
        row_count = max(0 if cursor is None else cursor.rowcount, 0)
        self.row_count += row_count
        self.variables.set("ROW_COUNT", str(row_count))
        return cursor

    # Printing.

    def show(self, cursor: Cursor) -> None:
        """Print all results of a cursor."""
        for _ in cursor.results():
            tag = cursor.statusmessage or ""
            if tag.startswith("COPY ") and cursor.description is not None:
                for (line,) in cursor.iter_text():
                    self.print(line or "")
            elif cursor.description is not None:
                self.last_result = result_of(cursor, self.display.rows_max)
                self.show_result(self.last_result)
                if tag.startswith(("INSERT", "UPDATE", "DELETE", "MERGE")):
                    self.say(tag)
            elif tag:
                self.say(tag)

    def show_result(self, result: ResultText) -> None:
        """Print a result in the format that is set, through the pager if it does not fit on the screen."""
        display = self.display
        if self.pager is not None and not display.columns:
            display = replace(display, columns=self.pager.columns)
        texts = format_result(result, display)
        if self.pager is not None and self.display.format not in DATA_FORMATS:
            self.pager.show(texts, self.out, self.display)
            return
        for text in texts:
            self.out.write(text)

    def print(self, line: str) -> None:
        """Print a line to where results go."""
        self.out.write(f"{line}\n")

    def say(self, line: str) -> None:
        """Print a message; data formats and -q leave messages out."""
        if not self.display.is_quiet and self.display.format not in DATA_FORMATS:
            self.print(line)

    @contextmanager
    def printing_to(self, out: IO[str]) -> Iterator[None]:
        """Have results go elsewhere for a while."""
        before = self.out, self.pager
        self.out, self.pager = out, None
        try:
            yield
        finally:
            self.out, self.pager = before


def _did_you_mean(names: list[str]) -> str:
    *others, last = [f'"{name}"' for name in names]
    return f"Did you mean {', '.join(others) + ' or ' if others else ''}{last}?"


def split_command(line: str) -> tuple[str, str]:
    r"""A command's name and the rest of its line. `\!ls` and `\?variables` need no space."""
    if line.startswith(("\\!", "\\?")):
        return line[:2], line[2:].strip()
    end = next((i for i, character in enumerate(line) if character.isspace()), len(line))
    return line[:end], line[end:].strip()


def _timing_line(milliseconds: float) -> str:
    """How long a statement took, as psql words it."""
    line = f"Time: {milliseconds:.3f} ms"
    if milliseconds < 1000:
        return line
    minutes, seconds = divmod(milliseconds / 1000, 60)
    if minutes < 60:
        return f"{line} ({int(minutes):02d}:{seconds:06.3f})"
    return f"{line} ({int(minutes // 60):02d}:{int(minutes % 60):02d}:{seconds:06.3f})"
