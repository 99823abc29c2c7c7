"""Running a SQL script through a connection: statement by statement, with a result for each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungfish.errors import Error, InterfaceError, SyntaxError
from lungfish.session import StatementResult
from lungfish.sql.split import split_script
from lungfish.storage import LocalDisk

if TYPE_CHECKING:
    from lungfish.connection.connection import Connection

_VARIABLE = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What became of one statement of a script."""

    sql: str
    # 1-based line in the script.
    line: int
    result: StatementResult | None = None
    error: Error | None = None

    @property
    def tag(self) -> str | None:
        """PostgreSQL's command tag, or None after an error."""
        return None if self.result is None else self.result.tag


def run_script(
    connection: Connection,
    source: str | os.PathLike[str],
    *,
    variables: Mapping[str, str],
    on_error: str,
) -> list[ScriptResult]:
    """Run each statement of the script. Raises the first error unless `on_error` is "continue"."""
    if on_error not in ("stop", "continue"):
        raise InterfaceError(f'on_error is "stop" or "continue", not "{on_error}"')
    text = read_script(source) if isinstance(source, os.PathLike) else source
    outcomes = []
    for piece in split_script(text):
        if piece.kind == "directive":
            continue
        if piece.kind != "statement":
            raise SyntaxError(
                f"line {piece.line}: {piece.text} is a command of the shell",
                hint="Run the script with the shell: lungfish DB -f FILE.",
            )
        sql = _substitute(piece.text, variables)
        try:
            results = connection._session.execute(sql, None)
        except Error as error:
            if on_error == "stop":
                raise
            outcomes.append(ScriptResult(sql, piece.line, error=error))
            continue
        outcomes += [ScriptResult(sql, piece.line, result=result) for result in results]
    return outcomes


def read_script(path: os.PathLike[str]) -> str:
    """The text of a script file, which must be UTF-8."""
    file = LocalDisk().open(os.fspath(path))
    try:
        return file.read_at(0, file.size()).decode("utf-8-sig")
    finally:
        file.close()


def _substitute(sql: str, variables: Mapping[str, str]) -> str:
    if not variables:
        return sql

    def value_of(found: re.Match[str]) -> str:
        value: Any = variables.get(found[1])
        return found[0] if value is None else str(value)

    return _VARIABLE.sub(value_of, sql)
