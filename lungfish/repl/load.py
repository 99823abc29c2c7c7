"""`lungfish load DB FILE...`: SQL, data files and SQLite databases into a database, with a report of what did not fit."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lungfish
from lungfish.repl.arguments import Parser, add_recovery_mode
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.subcommand import on_database
from lungfish.transfer import FileOptions, LoadOptions, LoadReport, load
from lungfish.transfer.load import KINDS

_DESCRIPTION = """\
Load files. The database is made if it does not exist.

  lungfish load app.db dump.sql                 a dump of Lungfish, or of pg_dump
  lungfish load app.db people.csv               rows into table people, made if need be
  lungfish load app.db --table hr.staff x.tsv   rows into that table
  lungfish load app.db sqlite:old.db            tables, rows and keys of a SQLite database

If anything is wrong, all of it is reported and nothing is kept, unless --on-error continue.
"""
_BAD_SHOWN_DEFAULT = 20


def load_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish load", description=_DESCRIPTION)
    parser.add_argument("database", metavar="DB")
    parser.add_argument("sources", nargs="+", metavar="FILE")
    parser.add_argument(
        "--table", metavar="NAME", help="the table for rows; of SQLite, only this one"
    )
    parser.add_argument("--format", choices=KINDS, help="what FILE is, if its name does not say")
    parser.add_argument(
        "--no-header", action="store_true", help="the first line is a row, not names"
    )
    parser.add_argument("--delimiter", metavar="CHAR", help="between fields, in place of , or tab")
    parser.add_argument("--null", metavar="TEXT", help="the unquoted text that stands for NULL")
    parser.add_argument(
        "--on-error",
        choices=("stop", "continue"),
        default="stop",
        help="keep nothing, or keep what is good",
    )
    parser.add_argument(
        "--bad-rows", type=int, default=_BAD_SHOWN_DEFAULT, metavar="N", help="report at most N"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="report only what is wrong")
    add_recovery_mode(parser)
    options = parser.parse_args(arguments)
    used = LoadOptions(
        kind=options.format,
        table=options.table,
        stops_at_error=options.on_error == "stop",
        file=FileOptions(
            has_header=not options.no_header, delimiter=options.delimiter, null=options.null
        ),
    )

    def work(connection: lungfish.Connection) -> ExitCode:
        worst = ExitCode.OK
        for source in options.sources:
            report = load(connection, source, used)
            _tell(source, report, is_quiet=options.quiet, bad_shown=options.bad_rows)
            worst = worst if report.is_good else ExitCode.SQL_ERROR
            if worst is not ExitCode.OK and used.stops_at_error:
                break
        return worst

    return on_database(
        options.database, work, create=True, wal_recovery_mode=options.wal_recovery_mode
    )


def _tell(source: str, report: LoadReport, *, is_quiet: bool, bad_shown: int) -> None:
    for what, count in report.left_out.items():
        print(f"NOTICE:  left out: {count} x {what}", file=sys.stderr)
    for note in report.notes:
        print(f"NOTICE:  {note}", file=sys.stderr)
    for failure in report.failed[:bad_shown]:
        print(f"ERROR:  {failure}", file=sys.stderr)
    for bad in report.bad[:bad_shown]:
        print(f"BAD ROW:  {bad}", file=sys.stderr)
    wrong_count = len(report.bad) + len(report.failed)
    hidden = max(len(report.bad) - bad_shown, 0) + max(len(report.failed) - bad_shown, 0)
    if hidden:
        print(f"... and {hidden:,} more; --bad-rows says how many to show", file=sys.stderr)
    if is_quiet and report.is_good:
        return
    rows = sum(report.rows.values())
    if not report.is_kept:
        print(f"{source}: nothing loaded, {wrong_count:,} things were wrong")
        return
    line = f"{source}: {rows:,} rows into {len(report.rows)} tables"
    if report.statement_count:
        line += f", {report.statement_count:,} statements"
    print(line + (f", {wrong_count:,} things were wrong" if wrong_count else ""))
