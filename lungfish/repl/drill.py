"""`lungfish drill DB`: crash a copy of the database at many moments of a workload, and see that nothing is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lungfish import errors
from lungfish.drill import DrillReport, crash_drill
from lungfish.drill.drill import POINT_COUNT_DEFAULT
from lungfish.repl.arguments import Parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

_FINDINGS_SHOWN = 10
_BAR_WIDTH = 40


def drill_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code, 6 if a crash lost or damaged anything."""
    parser = Parser(
        prog="lungfish drill",
        description="Copy a database into memory, run a workload on the copy, crash it again and again, and look at what"
        " recovery makes of it. The database itself is not changed.",
    )
    parser.add_argument("database", metavar="DB")
    parser.add_argument(
        "--points", type=int, default=POINT_COUNT_DEFAULT, metavar="N", help="how many crashes"
    )
    parser.add_argument(
        "--script", metavar="FILE", help="the workload, in SQL (default: made from the schema)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the workload and the crashes")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, only the result")
    options = parser.parse_args(arguments)
    if options.points < 1:
        parser.error("there must be at least one point")
    try:
        report = crash_drill(
            options.database,
            points=options.points,
            workload=None if options.script is None else Path(options.script),
            seed=options.seed,
            on_progress=None if options.quiet else _progress_bar(),
        )
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    _tell(options.database, report)
    return ExitCode.OK if report.is_good else ExitCode.CORRUPTION


def _progress_bar() -> Callable[[int, int], None] | None:
    """Draws a bar on standard error, if somebody looks at it."""
    if not sys.stderr.isatty():
        return None

    def draw(done: int, total: int) -> None:
        filled = done * _BAR_WIDTH // total
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        end = "\n" if done == total else ""
        print(f"\r[{bar}] {done:,} of {total:,} crashes", end=end, file=sys.stderr, flush=True)

    return draw


def _tell(path: str, report: DrillReport) -> None:
    for finding in report.findings[:_FINDINGS_SHOWN]:
        print(finding)
    verdict = f"{len(report.findings)} FAILURES" if report.findings else "ok"
    print(
        f"{path}: {verdict} ({report.state_count:,} crashes, {report.operation_count:,} disk operations,"
        f" {report.commit_count:,} commits, {report.seconds:.1f} s)"
    )
