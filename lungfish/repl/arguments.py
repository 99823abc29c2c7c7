"""The command line's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from lungfish.repl.exit_codes import ExitCode

DESCRIPTION = """\
Lungfish, an embedded database with PostgreSQL's SQL.

  lungfish [DB]                  a prompt; without DB, a database in memory
  lungfish DB -c SQL -f FILE     run these in order
  lungfish DB < FILE             run what comes in
  lungfish run FILE...           run scripts, each on a new database
  lungfish test PATH...          run scripts that say what they expect
  lungfish check DB              verify every page, checksum and index
  lungfish dump DB               write it as SQL, for PostgreSQL or Lungfish
  lungfish load DB FILE...       load SQL, csv, tsv, jsonl, parquet, or sqlite:old.db
  lungfish backup DB FILE        back a database up, or verify a backup
  lungfish restore FILE DB       make a database of a backup, as it was at any moment since
  lungfish info DB               what the file is and how it last opened
  lungfish metrics DB            every figure of storage, as OpenMetrics text
  lungfish drill DB              crash a copy of it at many moments, and see that nothing is lost
  lungfish demo                  load, query, kill, recover, prove
"""

EPILOG = "Exit codes: 0 ok, 1 SQL error, 2 cannot open or in use, 3 an expectation failed, 4 cancelled, 5 usage, 6 corruption found."


class Parser(argparse.ArgumentParser):
    """argparse, with our exit code for wrong usage. Descriptions hold examples, which keep their lines."""

    def __init__(self, *, prog: str, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Print the usage and leave."""
        self.print_usage()
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


class _AppendInput(argparse.Action):
    """Keep -c and -f in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        kind = "command" if option_string in ("-c", "--command") else "file"
        namespace.inputs = [*namespace.inputs, (kind, str(values))]


def add_recovery_mode(parser: argparse.ArgumentParser) -> None:
    """The option that says how a damaged log is met at opening."""
    parser.add_argument(
        "--wal-recovery-mode",
        choices=("tail", "strict", "point_in_time", "salvage"),
        help="what opening does where the log is damaged",
    )


def shell_parser() -> Parser:
    """The arguments of the shell itself."""
    parser = Parser(
        prog="lungfish",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("database", nargs="?", default=":memory:", metavar="DB")
    parser.add_argument(
        "-c",
        "--command",
        action=_AppendInput,
        metavar="SQL",
        help="run SQL or a command, then leave",
    )
    parser.add_argument(
        "-f", "--file", action=_AppendInput, metavar="FILE", help="run a script, then leave"
    )
    parser.add_argument(
        "-1", "--single-transaction", action="store_true", help="all input in one transaction"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no command tags, counts or greetings"
    )
    parser.add_argument("-x", "--expanded", action="store_true", help="one column a line")
    parser.add_argument("-t", "--tuples-only", action="store_true", help="rows only")
    parser.add_argument("-o", "--output", metavar="FILE", help="write results to FILE")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument(
        "--format", metavar="NAME", help="table, plain, csv, tsv, json, jsonl, markdown, html"
    )
    for name in ("csv", "tsv", "json", "jsonl", "markdown", "html"):
        formats.add_argument(
            f"--{name}", dest="format", action="store_const", const=name, help=argparse.SUPPRESS
        )
    parser.add_argument("--null", default="", metavar="TEXT", help="how NULL is shown")
    parser.add_argument("--no-header", action="store_true", help="no line of column names")
    parser.add_argument(
        "--max-rows", type=int, default=None, metavar="N", help="show at most N rows of a result"
    )
    parser.add_argument("--timing", action="store_true", help="show how long statements take")
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="cancel a statement after that long"
    )
    parser.add_argument("--echo", action="store_true", help="print each statement before it runs")
    parser.add_argument("--verbose", action="store_true", help="errors with SQLSTATE and names")
    parser.add_argument("--read-only", action="store_true", help="refuse all changes")
    add_recovery_mode(parser)
    parser.add_argument(
        "--on-error",
        choices=("stop", "continue"),
        default="stop",
        help="what a failing statement does to the rest",
    )
    parser.add_argument("--version", action="store_true", help="print the version, then leave")
    parser.set_defaults(inputs=[])
    return parser
