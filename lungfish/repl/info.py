"""`lungfish info DB`: what the file is, what it holds, and how it last opened."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import lungfish
from lungfish import errors
from lungfish.connection import recovery_status
from lungfish.repl.arguments import Parser, add_recovery_mode
from lungfish.repl.describe import Pattern, list_relations, query
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

_KIND_NAMES: Mapping[str, str] = {"r": "tables", "v": "views", "i": "indexes", "S": "sequences"}
_LAST_CHECKPOINT = """SELECT checkpoint_id, kind, finished_at, pages_written, total_ms
    FROM lungfish.checkpoint_history ORDER BY checkpoint_id DESC LIMIT 1"""
_LAST_RECOVERY = """SELECT cause, records_applied, total_ms
    FROM lungfish.recovery_history ORDER BY recovery_id DESC LIMIT 1"""


def info_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish info", description="What a database file is and holds.")
    parser.add_argument("database", metavar="DB")
    add_recovery_mode(parser)
    options = parser.parse_args(arguments)
    try:
        lines = _facts(options.database, options.wal_recovery_mode)
    except errors.DatabaseInUse as error:
        # Another process may just be recovering it.
        status = recovery_status(options.database)
        if status is None:
            print(format_error(error), file=sys.stderr)
            return exit_code_of_opening(error)
        lines = [("file", options.database), ("recovering", error.message)]
        lines += [(name, str(value)) for name, value in status.items() if value is not None]
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name.ljust(width)}  {value}")
    return ExitCode.OK


def _facts(path: str, wal_recovery_mode: str | None) -> list[tuple[str, str]]:
    size_bytes = Path(path).stat().st_size if Path(path).exists() else 0
    with lungfish.open(path, create=False, wal_recovery_mode=wal_recovery_mode) as database:
        connection = database.connect(autocommit=True)
        facts = [("file", path), ("size", f"{size_bytes:,} bytes")]
        for kind, words in _KIND_NAMES.items():
            facts.append((words, str(len(list_relations(connection, kind, Pattern()).rows))))
        facts.append(("last opening", _last(connection, _LAST_RECOVERY)))
        facts.append(("last checkpoint", _last(connection, _LAST_CHECKPOINT)))
        connection.close()
    return facts


def _last(connection: lungfish.Connection, sql: str) -> str:
    result = query(connection, sql)
    if not len(result.rows):
        return "none"
    pairs = zip(result.columns, next(iter(result.rows)), strict=True)
    return ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
