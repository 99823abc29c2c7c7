"""`lungfish test PATH...`: run scripts with expectations, and tell what was not as they say.

[##########..........] 31 of 60  tests/scripts/ddl/views.sql
tests/scripts/ddl/views.sql:12: SELECT * FROM v ORDER BY a
  the rows are not those expected (-), but these (+): 2 expected, 2 got
      1 | one
    - 2 | two
    + 2 | zwei
60 scripts: 59 ok, 1 FAILED, 1,204 statements, 31 restarts, 4.2 s
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TextIO

from lungfish import errors
from lungfish.repl.arguments import Parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode
from lungfish.script.oracle import Oracle, OracleUnavailable
from lungfish.script.report import ScriptReport
from lungfish.script.suite import SuiteOptions, find_scripts, run_script_file, update_diff

_BAR_WIDTH = 30
_COLORS = {"-": "\x1b[31m", "+": "\x1b[32m"}


def test_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code, 3 if a script failed."""
    options = _parser().parse_args(arguments)
    try:
        variables = dict(_variable(each) for each in options.set)
        paths = find_scripts(options.paths, options.filter)
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return ExitCode.USAGE
    if not paths:
        print("lungfish test: no script there has that in its path", file=sys.stderr)
        return ExitCode.USAGE
    used = SuiteOptions(
        variables=variables,
        force="restart" if options.force_restart else "crash" if options.force_crash else "",
        is_isolated=options.isolate,
        updates=options.update or options.record,
        records=options.record,
    )
    try:
        reports = _run(paths, used, options)
    except OracleUnavailable as reason:
        print(f"lungfish test: {reason}", file=sys.stderr)
        return ExitCode.CANNOT_OPEN
    _summarize(reports)
    return ExitCode.OK if all(each.is_good for each in reports) else ExitCode.ASSERTION_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="lungfish test",
        description="Run scripts, each on a new database, and compare what they give with what they expect.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="files, or folders with *.sql files"
    )
    parser.add_argument("--filter", default="", metavar="TEXT", help="only paths with that text")
    parser.add_argument(
        "-s", "--set", action="append", default=[], metavar="NAME=VALUE", help="a variable"
    )
    parser.add_argument(
        "--update", action="store_true", help="rewrite the expectations, and show what changed"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="as --update, and write down what comes of statements of which nothing is said",
    )
    forces = parser.add_mutually_exclusive_group()
    forces.add_argument(
        "--force-restart", action="store_true", help="restart after each statement that allows it"
    )
    forces.add_argument(
        "--force-crash",
        action="store_true",
        help="crash after each statement that allows it; what was not synced is lost",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--isolate", action="store_true", help="in a child process, which is killed for a crash"
    )
    where.add_argument(
        "--oracle",
        choices=("postgres",),
        help="beside a real PostgreSQL, which must answer the same",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each script")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    return parser


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise errors.InvalidParameterValue(f'"{text}" is not NAME=VALUE')
    return name, value


def _run(
    paths: Sequence[Path], used: SuiteOptions, options: argparse.Namespace
) -> list[ScriptReport]:
    if options.oracle is None:
        return _run_each(paths, used, options, None)
    with closing(Oracle()) as oracle:
        return _run_each(paths, used, options, oracle)


def _run_each(
    paths: Sequence[Path], used: SuiteOptions, options: argparse.Namespace, oracle: Oracle | None
) -> list[ScriptReport]:
    progress = _Progress(sys.stderr, len(paths), is_shown=not options.quiet)
    reports = []
    for done, path in enumerate(paths):
        progress.show(done, path)
        before = path.read_text(encoding="utf-8-sig") if used.updates else ""
        report = run_script_file(path, used) if oracle is None else oracle.compare(path, used)
        reports.append(report)
        progress.hide()
        _tell(report, is_verbose=options.verbose)
        if used.updates and report.edits:
            _print_lines(update_diff(path, before))
    return reports


class _Progress:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, out: TextIO, total: int, *, is_shown: bool) -> None:
        self._out = out
        self._total = total
        self._is_shown = is_shown and out.isatty()

    def show(self, done: int, path: Path) -> None:
        """So many scripts are done, and this one is next."""
        if self._is_shown:
            filled = done * _BAR_WIDTH // self._total
            bar = "#" * filled + "." * (_BAR_WIDTH - filled)
            self._out.write(f"\r\x1b[K[{bar}] {done} of {self._total}  {path}")
            self._out.flush()

    def hide(self) -> None:
        """Make room for something else."""
        if self._is_shown:
            self._out.write("\r\x1b[K")
            self._out.flush()


def _tell(report: ScriptReport, *, is_verbose: bool) -> None:
    for failure in report.failures:
        _print_lines(str(failure).split("\n"))
    if report.skipped:
        print(f"{report.path}: skipped, {report.skipped}")
    elif is_verbose and report.is_good:
        print(f"{report.path}: ok ({report.statement_count} statements, {report.seconds:.2f} s)")


def _print_lines(lines: Sequence[str]) -> None:
    """Lines of a difference, in colour on a terminal."""
    for line in lines:
        color = _COLORS.get(line.lstrip()[:1], "") if sys.stdout.isatty() else ""
        print(f"{color}{line}\x1b[0m" if color else line)


def _summarize(reports: Sequence[ScriptReport]) -> None:
    failed = sum(not each.is_good for each in reports)
    skipped = sum(bool(each.skipped) for each in reports)
    parts = [
        f"{len(reports) - failed - skipped} ok",
        *([f"{failed} FAILED"] if failed else []),
        *([f"{skipped} skipped"] if skipped else []),
        f"{sum(each.statement_count for each in reports):,} statements",
        f"{sum(each.restart_count for each in reports):,} restarts",
        f"{sum(each.seconds for each in reports):.1f} s",
    ]
    scripts = "1 script" if len(reports) == 1 else f"{len(reports)} scripts"
    print(f"{scripts}: {', '.join(parts)}")
