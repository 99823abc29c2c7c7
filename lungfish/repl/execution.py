"""Running one statement for the shell: guarded by a savepoint, asked about if it changes every row, cancelled by Ctrl-C.

With ON_ERROR_ROLLBACK (`interactive` unless set) a statement in an open transaction that fails undoes only itself, so that a typo does
not lose the work before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lungfish import Connection, Cursor, errors
from lungfish.repl.interrupt import cancel_on_interrupt
from lungfish.repl.progress import show_progress
from lungfish.sql.tokens import tokens

if TYPE_CHECKING:
    from lungfish.repl.interpreter import Interpreter

_SAVEPOINT = "lungfish_shell_statement"
_CHANGES_ROWS = re.compile(
    r"(update|delete\s+from)\s+(?:only\s+)?((?:[\w$]+|\"[^\"]*\")(?:\s*\.\s*(?:[\w$]+|\"[^\"]*\"))*)",
    re.IGNORECASE,
)
# Counting rows for a question takes no longer than that.
_COUNT_SECONDS = 2.0


def execute_statement(interpreter: Interpreter, sql: str, data: str | None) -> Cursor | None:
    """Run a statement; None if the user thought better of it. `data` are the lines of a COPY FROM STDIN. Raises its error."""
    connection = interpreter.target.connection
    if interpreter.confirm is not None and not _is_wanted(interpreter, sql):
        interpreter.say("Nothing was changed.")
        return None
    with cancel_on_interrupt(connection), show_progress(interpreter):
        if data is not None:
            with connection.copy(sql) as copy:
                copy.write(data)
            interpreter.say(f"COPY {copy.rowcount}")
            return None
        if connection.transaction_status == "active" and _is_guarded(interpreter):
            return _run_guarded(connection, sql, interpreter.timeout_s)
        return connection.execute(sql, timeout=interpreter.timeout_s)


def _is_guarded(interpreter: Interpreter) -> bool:
    value = interpreter.variables.get("ON_ERROR_ROLLBACK", "interactive")
    return value == "on" or (value == "interactive" and interpreter.is_interactive)


def _run_guarded(connection: Connection, sql: str, timeout_s: float | None) -> Cursor:
    """Run a statement of an open transaction so that its failure undoes only itself."""
    connection.execute(f"SAVEPOINT {_SAVEPOINT}")
    try:
        cursor = connection.execute(sql, timeout=timeout_s)
    except errors.Error:
        if connection.in_transaction:
            connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
            connection.execute(f"RELEASE {_SAVEPOINT}")
        raise
    tag = (cursor.statusmessage or "").split(" ")[0]
    # A savepoint of the user's above ours must stay, and COMMIT has taken ours along.
    if connection.in_transaction and tag not in ("SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT"):
        connection.execute(f"RELEASE {_SAVEPOINT}")
    return cursor


# UPDATE and DELETE of all rows.


def _is_wanted(interpreter: Interpreter, sql: str) -> bool:
    """Whether to go on: asks before a statement that changes every row of a table."""
    table = unconditional_target(sql)
    if table is None or interpreter.variables.get("WARN_ALL_ROWS", "on") == "off":
        return True
    verb = sql[:6].upper()
    try:
        with cancel_on_interrupt(interpreter.target.connection):
            count = interpreter.target.connection.execute(
                f"SELECT count(*) FROM {table}", timeout=_COUNT_SECONDS
            ).fetchval()
    except errors.QueryCanceled:
        told = "all rows, and they are many,"
    except errors.Error:
        # The statement itself will say what is wrong.
        return True
    else:
        if not count:
            return True
        told = "the only row" if count == 1 else f"all {count:,} rows"
    assert interpreter.confirm is not None, "asked by the caller"
    return interpreter.confirm(f"{verb} without WHERE changes {told} of {table}. Go on? [y/N] ")


def unconditional_target(sql: str) -> str | None:
    """The table that an UPDATE or DELETE without WHERE changes; None for any other statement."""
    match = _CHANGES_ROWS.match(sql)
    if match is None:
        return None
    depth = 0
    for token in tokens(sql, match.end()):
        text = sql[token.start : token.end]
        if token.kind == "other":
            depth += (text in "([") - (text in ")]")
        elif token.kind == "word" and depth == 0 and text.lower() == "where":
            return None
    return match[2]
