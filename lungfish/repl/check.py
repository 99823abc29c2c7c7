"""`lungfish check DB`: every page, every checksum, and every index against its heap."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lungfish
from lungfish import errors
from lungfish.repl.arguments import Parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening


def check_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code, 6 if anything is damaged."""
    parser = Parser(prog="lungfish check", description="Verify a database.")
    parser.add_argument("database", metavar="DB")
    parser.add_argument(
        "--quick", action="store_true", help="pages and checksums only, not the indexes"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing if all is well")
    options = parser.parse_args(arguments)
    try:
        with lungfish.open(options.database, create=False) as database:
            problems = problems_of(database, "quick" if options.quick else "full")
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{options.database}: {len(problems)} problems")
        return ExitCode.CORRUPTION
    if not options.quiet:
        print(f"{options.database}: ok")
    return ExitCode.OK


def problems_of(database: lungfish.Database, level: str = "full") -> list[str]:
    """What a check of the open database finds, a line each."""
    return [str(problem) for problem in database.check(level).problems]
