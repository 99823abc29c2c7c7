r"""`\watch`: a statement again and again, with the values that have changed since the time before marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.repl.cursor_text import result_of
from lungfish.repl.formats import ResultText

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Interpreter

_SECONDS_DEFAULT = 2.0


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How often; how many times (0: until Ctrl-C); and below how many rows to stop (0: never)."""

    seconds: float = _SECONDS_DEFAULT
    count: int = 0
    rows_min: int = 0


def read_options(words: list[str]) -> WatchOptions:
    """psql's options: i=SECONDS or SECONDS, c=N, m=ROWS. Raises SyntaxError."""
    options = WatchOptions()
    for word in words:
        name, _, value = word.partition("=")
        if not value:
            name, value = "i", word
        try:
            if name in ("i", "interval"):
                options = replace(options, seconds=float(value))
            elif name in ("c", "count"):
                options = replace(options, count=int(value))
            elif name in ("m", "min_rows"):
                options = replace(options, rows_min=int(value))
            else:
                raise errors.SyntaxError(f'\\watch: unrecognized parameter "{name}"')
        except ValueError as error:
            raise errors.SyntaxError(f'\\watch: incorrect value "{value}" for {name}') from error
        if options.seconds < 0 or options.count < 0 or options.rows_min < 0:
            raise errors.SyntaxError(f'\\watch: incorrect value "{value}" for {name}')
    return options


def watch(interpreter: Interpreter, sql: str, words: list[str]) -> None:
    """Run the statement until its count, its rows or Ctrl-C end it."""
    options = read_options(words)
    before: ResultText | None = None
    rounds = 0
    while True:
        cursor = interpreter.execute(sql)
        if cursor is None or cursor.description is None:
            raise errors.SyntaxError("\\watch cannot be used with a statement that gives no rows")
        result = result_of(cursor, interpreter.display.rows_max)
        rounds += 1
        title = f"{datetime.now():%c} (every {options.seconds:g}s)"
        interpreter.show_result(replace(_marked(before, result), title=title))
        interpreter.out.flush()
        before = result
        is_enough = options.rows_min and len(result.rows) < options.rows_min
        if is_enough or (options.count and rounds >= options.count):
            return
        try:
            interpreter.pause(options.seconds)
        except KeyboardInterrupt:
            interpreter.print("")
            return


def _marked(before: ResultText | None, result: ResultText) -> ResultText:
    """The result with an asterisk behind each value that is new in its row, which its first column tells."""
    if before is None or before.columns != result.columns or len(result.columns) < 2:
        return result
    known = {row[0]: row for row in before.rows}
    rows = []
    for row in result.rows:
        old = known.get(row[0])
        rows.append(
            [
                f"{value} *"
                if value is not None and (old is None or old[place] != value)
                else value
                for place, value in enumerate(row)
            ]
        )
    return replace(result, rows=rows)
