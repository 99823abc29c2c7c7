r"""What is done with the statement in the query buffer: \g \gx \gset \gexec \gdesc \watch \crosstabview, \p \r \w \e."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from lungfish import errors
from lungfish.repl.commands.crosstab import crosstab
from lungfish.repl.commands.display import set_option
from lungfish.repl.commands.entry import Entry, words_of
from lungfish.repl.commands.watch import watch
from lungfish.repl.cursor_text import result_of
from lungfish.repl.editor import edit_text
from lungfish.repl.formats import Expanded, ResultText
from lungfish.repl.interpreter import Interpreter
from lungfish.sql import open_construct

_OPTIONS = re.compile(r"\s*\(([^)]*)\)")


def _take(interpreter: Interpreter) -> str:
    """The statement in the buffer, else the last one. Raises SyntaxError without either."""
    sql = interpreter.take_buffer() or interpreter.last_sql
    if not sql:
        raise errors.SyntaxError("there is no statement in the query buffer")
    return sql


def _fetch(interpreter: Interpreter) -> ResultText | None:
    """Run the buffer's statement; its result, if it gives rows."""
    cursor = interpreter.execute(_take(interpreter))
    if cursor is None or cursor.description is None:
        return None
    return result_of(cursor)


@contextmanager
def output_to(target: str) -> Iterator[IO[str]]:
    """A file, or the standard input of a command behind a bar. Raises UndefinedFile."""
    if target.startswith("|"):
        process = subprocess.Popen(
            target[1:], shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert process.stdin is not None, "it was asked for"
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            # It has seen enough.
            pass
        finally:
            process.wait()
        return
    try:
        file = Path(target).expanduser().open("w", encoding="utf-8")
    except OSError as error:
        raise errors.UndefinedFile(f"{target}: {error.strerror}") from error
    with file:
        yield file


def _go(interpreter: Interpreter, name: str, argument: str) -> None:
    sql = _take(interpreter)
    before = interpreter.display
    interpreter.display = replace(before)
    try:
        options = _OPTIONS.match(argument)
        if options is not None:
            argument = argument[options.end() :]
            interpreter.display.is_quiet = True
            for word in words_of(interpreter, options[1]):
                option, _, value = word.partition("=")
                set_option(interpreter, option, [value] if value else [])
            interpreter.display.is_quiet = before.is_quiet
        if name == "\\gx":
            interpreter.display.expanded = Expanded.ON
        target = (
            argument if argument.startswith("|") else "".join(words_of(interpreter, argument)[:1])
        )
        if not target:
            interpreter.run_sql(sql)
            return
        with output_to(target) as out, interpreter.printing_to(out):
            interpreter.run_sql(sql)
    finally:
        interpreter.display = before


def _set_from_row(interpreter: Interpreter, name: str, argument: str) -> None:
    prefix = "".join(words_of(interpreter, argument)[:1])
    result = _fetch(interpreter)
    if result is None or len(result.rows) != 1:
        count = 0 if result is None else len(result.rows)
        raise errors.CardinalityViolation(
            f"{'no rows' if not count else 'more than one row'} returned for {name}"
        )
    for column, value in zip(result.columns, next(iter(result.rows)), strict=True):
        if value is None:
            interpreter.variables.unset(prefix + column)
        else:
            interpreter.variables.set(prefix + column, value)


def _execute_values(interpreter: Interpreter, _name: str, _argument: str) -> None:
    result = _fetch(interpreter)
    if result is None:
        return
    for row in list(result.rows):
        for value in row:
            if value is None:
                continue
            try:
                interpreter.run_sql(value)
            except errors.Error as error:
                if interpreter.stops_at_error:
                    raise
                interpreter.report(error)


def _describe_columns(interpreter: Interpreter, _name: str, _argument: str) -> None:
    sql = interpreter.variables.substitute(_take(interpreter))
    interpreter.last_sql = sql
    columns = interpreter.target.connection.describe(sql)
    if not columns:
        interpreter.say("The command has no result, or the result has no columns.")
        return
    rows = [(column.name, column.type_name) for column in columns]
    interpreter.show_result(ResultText(("Column", "Type"), ("text", "text"), rows))


def _crosstab(interpreter: Interpreter, _name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    result = _fetch(interpreter)
    if result is not None:
        interpreter.show_result(crosstab(result, words))


def _watch(interpreter: Interpreter, _name: str, argument: str) -> None:
    watch(interpreter, _take(interpreter), words_of(interpreter, argument))


# The buffer itself.


def _print(interpreter: Interpreter, _name: str, _argument: str) -> None:
    interpreter.print(
        interpreter.buffer.strip() or interpreter.last_sql or "Query buffer is empty."
    )


def _reset(interpreter: Interpreter, _name: str, _argument: str) -> None:
    interpreter.take_buffer()
    interpreter.say("Query buffer reset (cleared).")


def _write(interpreter: Interpreter, name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    if not words:
        raise errors.SyntaxError(f"{name}: missing required argument")
    with output_to(words[0]) as out:
        out.write(f"{interpreter.buffer.strip() or interpreter.last_sql}\n")


def _edit(interpreter: Interpreter, _name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    if words:
        path = Path(words[0]).expanduser()
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        edited = edit_text(text, path=path)
    else:
        edited = edit_text(interpreter.take_buffer() or interpreter.last_sql)
    run_edited(interpreter, edited)


def run_edited(interpreter: Interpreter, text: str) -> None:
    """Run what came out of the editor if it is complete; else it waits in the buffer."""
    if open_construct(text, is_standard=interpreter.has_standard_strings) is None:
        interpreter.run_text(text)
    else:
        interpreter.buffer = text


ENTRIES = (
    Entry(("\\g", ".once"), "\\g [(OPTIONS)] [FILE|'|COMMAND']", "run the statement, perhaps into a file or a command", _go, "file"),
    Entry(("\\gx",), "\\gx [(OPTIONS)] [FILE]", "run it and show one column a line", _go, "file"),
    Entry(("\\gset",), "\\gset [PREFIX]", "run it and set variables from its only row", _set_from_row),
    Entry(("\\gexec",), "\\gexec", "run it, then each value that it gives as a statement", _execute_values),
    Entry(("\\gdesc",), "\\gdesc", "the columns of the statement, which is not run", _describe_columns),
    Entry(("\\watch",), "\\watch [[i=]SECONDS] [c=N] [m=ROWS]", "run it again and again; what changes is marked", _watch),
    Entry(("\\crosstabview",), "\\crosstabview [V [H [D [SORT]]]]", "run it and show it as a cross table", _crosstab),
    Entry(("\\p", "\\print"), "\\p", "the statement in the query buffer", _print),
    Entry(("\\r", "\\reset"), "\\r", "empty the query buffer", _reset),
    Entry(("\\w", "\\write"), "\\w FILE", "write the query buffer into a file", _write, "file"),
    Entry(("\\e", "\\edit"), "\\e [FILE]", "edit the statement or a file, then run it", _edit, "file"),
)  # fmt: skip
