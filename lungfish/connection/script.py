"""Running a SQL script through a connection: statement by statement, with a result for each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish.errors import (
    CharacterNotInRepertoire,
    Error,
    FeatureNotSupported,
    InterfaceError,
    SyntaxError,
)
from lungfish.session import StatementResult
from lungfish.sql.ast import directives as ast
from lungfish.sql.directives import parse_directive
from lungfish.sql.split import ScriptPiece, ScriptSplitter
from lungfish.sql.variables import substitute
from lungfish.storage import LocalDisk

if TYPE_CHECKING:
    from lungfish.connection.connection import Connection


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
    """Run each statement of the script. Raises the first error unless `on_error` is "continue".

    `--@ set` is obeyed, expectations are left to `lungfish test`; a directive that does more than this is refused.
    """
    if on_error not in ("stop", "continue"):
        raise InterfaceError(f'on_error is "stop" or "continue", not "{on_error}"')
    text = read_script(source) if isinstance(source, os.PathLike) else source
    values = dict(variables)
    outcomes = []
    splitter = ScriptSplitter(text, is_standard=connection.has_standard_strings)
    for piece in splitter:
        if piece.kind == "row":
            continue
        if piece.kind == "directive":
            _obey(piece, text, values)
            continue
        if piece.kind != "statement":
            raise SyntaxError(
                f"line {piece.line}: {piece.text} is a command of the shell",
                hint="Run the script with the shell: lungfish DB -f FILE.",
            )
        sql = substitute(piece.text, values)
        try:
            results = connection._session.execute(sql, None)
        except Error as error:
            if on_error == "stop":
                raise
            outcomes.append(ScriptResult(sql, piece.line, error=error))
            continue
        outcomes += [ScriptResult(sql, piece.line, result=result) for result in results]
        splitter.is_standard = connection.has_standard_strings
    return outcomes


def read_script(path: os.PathLike[str]) -> str:
    """The text of a script file, which must be UTF-8."""
    file = LocalDisk().open(os.fspath(path))
    try:
        return file.read_at(0, file.size()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise CharacterNotInRepertoire(
            f'invalid byte sequence for encoding "UTF8": 0x{wrong:02x}'
        ) from None
    finally:
        file.close()


def _obey(piece: ScriptPiece, text: str, variables: dict[str, str]) -> None:
    """Do what a directive says, as far as one connection can."""
    directive = parse_directive(piece, text)
    if isinstance(directive, ast.SetVariable):
        variables[directive.name] = substitute(directive.value, variables)
    elif not isinstance(directive, ast.REMARKS):
        raise FeatureNotSupported(
            f"{piece.text} needs more than a connection",
            position=piece.start,
            hint="Run the script with lungfish test.",
        ).with_statement(text)
