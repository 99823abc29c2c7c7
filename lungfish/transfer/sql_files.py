r"""Loading a file of SQL: a dump of Lungfish, pg_dump's plain output, any script of statements and COPY data.

What has no meaning here (privileges of roles that are not here, other databases) is passed over, counted and reported. Anything else
that fails is an error: nothing is skipped in silence. All of a file is one transaction, unless errors are not to stop it, or the
file begins and ends transactions itself.
"""

from __future__ import annotations

import re

from lungfish.connection.connection import Connection
from lungfish.errors import Error, FeatureNotSupported, SyntaxError
from lungfish.sql import ScriptPiece, split_script
from lungfish.transfer.report import LoadReport

# What speaks of roles, which may be others than are here: what fails of it is passed over. And what the report calls it.
_OF_ROLES = (
    (
        re.compile(r"alter\s.*\sowner\s+to\s", re.IGNORECASE | re.DOTALL),
        "ALTER ... OWNER TO (of other roles)",
    ),
    (re.compile(r"(grant|revoke)\s", re.IGNORECASE), "GRANT and REVOKE (of other roles)"),
    (
        re.compile(r"alter\s+default\s+privileges\s", re.IGNORECASE),
        "ALTER DEFAULT PRIVILEGES (of other roles)",
    ),
)
# What is passed over, and what the report calls it.
_LEFT_OUT = (
    (re.compile(r"(create|drop|alter)\s+database\s", re.IGNORECASE), "CREATE and DROP DATABASE (the file is the database)"),
    (re.compile(r"create\s+extension\s.*\bplpgsql\b", re.IGNORECASE | re.DOTALL), "CREATE EXTENSION plpgsql"),
    (re.compile(r"comment\s+on\s+extension\s", re.IGNORECASE), "COMMENT ON EXTENSION"),
)  # fmt: skip
_COMMANDS_LEFT_OUT = {
    "\\restrict": "\\restrict",
    "\\unrestrict": "\\restrict",
    "\\c": "\\connect (the file is the database)",
    "\\connect": "\\connect (the file is the database)",
}
_CONTROL = re.compile(r"(begin|start\s+transaction|commit|end|rollback)\b", re.IGNORECASE)


def load_sql(
    connection: Connection, text: str, report: LoadReport, *, stops_at_error: bool = True
) -> None:
    """Run the text. Raises the first error, with its line in `detail` where it has none, unless errors do not stop it."""
    pieces = list(split_script(text))
    if not stops_at_error:
        for piece in pieces:
            try:
                _run(connection, piece, report)
            except Error as error:
                report.failed.append(f"line {piece.line}: {error.sqlstate} {error.message}")
        return
    if any(_CONTROL.match(piece.text) for piece in pieces):
        _run_all(connection, pieces, report)
        return
    with connection.transaction():
        _run_all(connection, pieces, report)


def _run_all(connection: Connection, pieces: list[ScriptPiece], report: LoadReport) -> None:
    for piece in pieces:
        try:
            _run(connection, piece, report)
        except Error as error:
            if error.detail is None:
                error.detail = f"line {piece.line}"
            raise


def _run(connection: Connection, piece: ScriptPiece, report: LoadReport) -> None:
    if piece.kind == "directive":
        raise FeatureNotSupported(
            f"the directive {piece.text} cannot be loaded",
            hint="Run the file with `lungfish test`.",
        )
    if piece.kind == "command":
        name = piece.text.split()[0]
        if name not in _COMMANDS_LEFT_OUT:
            raise SyntaxError(
                f"{piece.text} is a command of the shell",
                hint="Run the file with `lungfish DB -f FILE`.",
            )
        report.left_out[_COMMANDS_LEFT_OUT[name]] += 1
        return
    for pattern, name in _LEFT_OUT:
        if pattern.match(piece.text):
            report.left_out[name] += 1
            return
    for pattern, name in _OF_ROLES:
        if pattern.match(piece.text):
            _try(connection, piece, report, name)
            return
    if piece.data is not None:
        with connection.copy(piece.text) as copy:
            copy.write(piece.data)
        report.rows[_copied_table(piece.text)] += copy.rowcount
    else:
        cursor = connection.execute(piece.text)
        if (cursor.statusmessage or "").startswith("INSERT"):
            report.rows[_copied_table(piece.text)] += cursor.rowcount
    report.statement_count += 1


def _try(connection: Connection, piece: ScriptPiece, report: LoadReport, name: str) -> None:
    """Run a statement, and count it as left out if it fails."""
    try:
        with connection.transaction():
            connection.execute(piece.text)
    except Error:
        report.left_out[name] += 1
    else:
        report.statement_count += 1


_TARGET = re.compile(r'(?:copy|insert\s+into)\s+((?:"(?:[^"]|"")*"|[\w$.])+)', re.IGNORECASE)


def _copied_table(statement: str) -> str:
    found = _TARGET.match(statement)
    return found[1] if found is not None else "others"
