"""The command line's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.subcommands import SUBCOMMANDS

_USAGES = (
    ("lungfish [DB]", "a prompt; without DB, a database in memory"),
    ("lungfish DB -c SQL -f FILE", "run these in order"),
    ("lungfish DB < FILE", "run what comes in"),
    *((f"lungfish {each.usage}", each.summary) for each in SUBCOMMANDS),
)
DESCRIPTION = "Lungfish, an embedded database with PostgreSQL's SQL.\n\n" + "\n".join(
    f"  {usage:<30} {summary}" for usage, summary in _USAGES
)
EPILOG = """\
examples:
  lungfish app.db -c "select count(*) from album" --csv
  lungfish app.db -v id=7 -c "select * from album where id = :id"
  lungfish app.db -1 -f schema.sql -f rows.sql

exit codes: """ + ", ".join(f"{code.value} {code.meaning}" for code in ExitCode)
FORMAT_FLAGS = ("csv", "tsv", "json", "jsonl", "markdown", "html")


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


def _assignment(text: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not name or not is_given:
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {text}")
    return name, value


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"not a number above 0: {text}")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"not a number of rows: {text}")
    return number


def add_recovery_mode(parser: argparse.ArgumentParser) -> None:
    """The option that says how a damaged log is met at opening."""
    parser.add_argument(
        "--wal-recovery-mode",
        choices=("tail", "strict", "point_in_time", "salvage"),
        help="what opening does where the log is damaged",
    )


def shell_parser() -> Parser:
    """The arguments of the shell itself."""
    parser = Parser(prog="lungfish", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("database", nargs="?", default=":memory:", metavar="DB")
    _add_inputs(parser.add_argument_group("what is run"))
    _add_output(parser.add_argument_group("what is shown"))
    _add_opening(parser.add_argument_group("how the database is opened"))
    about = parser.add_argument_group("about lungfish")
    about.add_argument("--no-config", action="store_true", help="read no configuration file")
    about.add_argument("--spec", action="store_true", help="print these flags as JSON, then leave")
    about.add_argument("--version", action="store_true", help="print the version, then leave")
    parser.set_defaults(inputs=[])
    return parser


def _add_inputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-c",
        "--command",
        action=_AppendInput,
        metavar="SQL",
        help="run SQL or a command, then leave",
    )
    group.add_argument(
        "-f",
        "--file",
        action=_AppendInput,
        metavar="FILE",
        help="run a script, then leave; - is standard input",
    )
    group.add_argument(
        "-v",
        "--set",
        "--variable",
        action="append",
        type=_assignment,
        default=[],
        dest="variables",
        metavar="NAME=VALUE",
        help="set a variable, for :NAME, :'NAME' and :\"NAME\"",
    )
    group.add_argument(
        "-1", "--single-transaction", action="store_true", help="all input in one transaction"
    )
    group.add_argument(
        "--on-error",
        choices=("stop", "continue", "rollback"),
        default="stop",
        help="after a statement that fails: end (stop), go on (continue), or go on with the transaction as it was before the"
        " statement (rollback)",
    )
    group.add_argument(
        "--timeout", type=_positive, metavar="SECONDS", help="cancel a statement after that long"
    )
    group.add_argument("--echo", action="store_true", help="print each statement before it runs")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-q", "--quiet", action="store_true", help="no command tags or greetings")
    group.add_argument(
        "-t", "--tuples-only", action="store_true", help="rows only, without names and counts"
    )
    group.add_argument("-x", "--expanded", action="store_true", help="one column a line")
    group.add_argument(
        "-A",
        "--no-align",
        dest="format",
        action="store_const",
        const="plain",
        help="the same as --format plain",
    )
    group.add_argument(
        "--format", metavar="NAME", help="table, plain, csv, ...: how results are written"
    )
    for name in FORMAT_FLAGS:
        group.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            help=f"the same as --format {name}",
        )
    group.add_argument("--null", default="", metavar="TEXT", help="how NULL is shown")
    group.add_argument("--no-header", action="store_true", help="no line of column names")
    group.add_argument(
        "--max-rows", type=_count, default=None, metavar="N", help="show at most N rows of a result"
    )
    group.add_argument("-o", "--output", metavar="FILE", help="write results to FILE")
    group.add_argument("-L", "--log-file", metavar="FILE", help="add results to FILE too")
    group.add_argument("--timing", action="store_true", help="show how long statements take")
    group.add_argument(
        "--stats",
        action="store_true",
        help="at the end, figures of the run as JSON on standard error",
    )
    group.add_argument("--verbose", action="store_true", help="errors with SQLSTATE and names")
    group.add_argument(
        "--progress",
        choices=("auto", "on", "off"),
        default="auto",
        help="how far statements are that take longer than a second; auto: on a terminal",
    )
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto",
        help="auto: on a terminal, unless NO_COLOR is set",
    )  # fmt: skip


def _add_opening(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--read-only",
        action="store_true",
        help="refuse all changes; also while another process writes",
    )
    group.add_argument(
        "--as-of", metavar="CHECKPOINT", help="the database as a named checkpoint has it"
    )
    group.add_argument(
        "--strict-recovery", action="store_true",
        help="exit code 7 if opening had to drop the torn end of a log, which no commit was told of",
    )  # fmt: skip
    group.add_argument(
        "--wal-recovery-mode",
        choices=("tail", "strict", "point_in_time", "salvage"),
        help="what opening does where the log is damaged",
    )
