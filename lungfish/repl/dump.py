"""`lungfish dump DB`: the database as plain SQL, for PostgreSQL 18 and for Lungfish."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import lungfish
from lungfish.repl.arguments import Parser, add_recovery_mode
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.subcommand import on_database
from lungfish.transfer import DumpOptions, DumpReport, dump

_DESCRIPTION = """\
Write a database as plain SQL, as of one moment.

  lungfish dump app.db -o app.sql            all of it
  lungfish dump app.db | psql -d target      into PostgreSQL 18
  lungfish dump app.db --table 'sales.*'     some tables, with what they need
"""


def dump_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish dump", description=_DESCRIPTION)
    parser.add_argument("database", metavar="DB")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there, not to standard output"
    )
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--schema-only", action="store_true", help="definitions, no rows")
    parts.add_argument("--data-only", action="store_true", help="rows, no definitions")
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME",
        help="only this table, view or sequence, or pattern of them; repeatable",
    )
    add_recovery_mode(parser)
    options = parser.parse_args(arguments)
    wanted = DumpOptions(
        has_schema=not options.data_only,
        has_data=not options.schema_only,
        tables=tuple(options.table),
    )

    def work(connection: lungfish.Connection) -> ExitCode:
        report = _write(connection, options.output, wanted)
        for what in report.left_out:
            print(f"WARNING:  left out: {what}", file=sys.stderr)
        return ExitCode.OK

    try:
        return on_database(
            options.database, work, read_only=True, wal_recovery_mode=options.wal_recovery_mode
        )
    except BrokenPipeError:
        # The reader has seen enough, as `| head` has.
        sys.stdout = None
        return ExitCode.OK
    except OSError as error:
        print(f"lungfish dump: {options.output}: {error.strerror}", file=sys.stderr)
        return ExitCode.USAGE


def _write(connection: lungfish.Connection, path: str | None, wanted: DumpOptions) -> DumpReport:
    """Dump to standard output, or into a file that gets its name when it is whole."""
    if path is None:
        report = dump(connection, sys.stdout, wanted)
        sys.stdout.flush()
        return report
    part = Path(f"{path}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as out:
            report = dump(connection, out, wanted)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return report
