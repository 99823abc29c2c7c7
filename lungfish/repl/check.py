"""`lungfish check DB`: every page, every checksum, and every index against its heap."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lungfish
from lungfish import errors
from lungfish.repl.arguments import Parser, add_recovery_mode
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening


def check_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code, 6 if anything is damaged."""
    parser = Parser(prog="lungfish check", description="Verify a database.")
    parser.add_argument("database", metavar="DB")
    add_recovery_mode(parser)
    parser.add_argument(
        "--quick", action="store_true", help="pages and checksums only, not the indexes"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing if all is well")
    options = parser.parse_args(arguments)
    try:
        mode = options.wal_recovery_mode
        with lungfish.open(options.database, create=False, wal_recovery_mode=mode) as database:
            report = database.check("quick" if options.quick else "full")
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    for problem in report.problems:
        print(problem)
    counts = f"{report.pages_checked:,} pages"
    if not options.quick:
        counts += (
            f", {report.tables_checked:,} tables with {report.rows_checked:,} rows"
            f" and {report.indexes_checked:,} indexes"
        )
    verdict = f"{len(report.problems)} problems" if report.problems else "ok"
    if report.problems or not options.quiet:
        print(f"{options.database}: {verdict} ({counts})")
    return ExitCode.CORRUPTION if report.problems else ExitCode.OK
