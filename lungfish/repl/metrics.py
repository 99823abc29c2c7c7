"""`lungfish metrics DB`: the figures of storage and recovery as OpenMetrics text, for a scraper's textfile collector.

It opens the database itself, so it shows what opening found; a program that keeps the database open asks `lungfish.openmetrics()`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lungfish
from lungfish import errors
from lungfish.repl.arguments import Parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening


def metrics_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish metrics", description="Storage figures as OpenMetrics text.")
    parser.add_argument("database", metavar="DB")
    options = parser.parse_args(arguments)
    try:
        with (
            lungfish.open(options.database, create=False) as database,
            database.connect(autocommit=True) as connection,
        ):
            text = connection.execute("SELECT lungfish.openmetrics()").fetchval()
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    sys.stdout.write(text)
    return ExitCode.OK
